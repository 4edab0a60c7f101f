"""The attempts of this spool: started once each, watched through their stepds, reported until they are forgotten."""

import os
import selectors
import time
from typing import Any, Callable, Dict, List, Optional, Type

from mini_slurm.agent import claims, kit, lending, orders, processes, room, spool
from mini_slurm.agent.attempt import Attempt
from mini_slurm.agent.commands import Commands
from mini_slurm.agent.errands import Errands
from mini_slurm.agent.fronts import Fronts
from mini_slurm.agent.log import log
from mini_slurm.agent.lookout import Lookout
from mini_slurm.agent.loop import Loop
from mini_slurm.agent.machine import Machine
from mini_slurm.agent.orphans import Orphans
from mini_slurm.agent.outlet import pump
from mini_slurm.agent.part import borrowed
from mini_slurm.agent.parts import Parts
from mini_slurm.agent.picking import Unavailable, wish
from mini_slurm.agent.pool import Pool, pack, why_ended
from mini_slurm.agent.recovery import load_all
from mini_slurm.agent.server import Peer, Peers
from mini_slurm.agent.spares import Spares
from mini_slurm.agent.steps import Steps
from mini_slurm.protocol.framing import ProtocolError
from mini_slurm.protocol.messages import (
    Acknowledge,
    Forget,
    Message,
    Ping,
    Pong,
    Refused,
    Retire,
    StartAttempt,
    StartTasks,
    Unknown,
)

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 0.5  # seconds between looks at an attempt's output
FOREIGN_PAUSE = 0.1  # seconds between looks at a stepd that is not this agent's child
RETRY = 1.0  # seconds until a failed adoption is tried again
REFRESH = 6 * 3600.0  # seconds


class Jobs:
    """All attempts, and who is to hear of them."""

    def __init__(self, root: str, loop: Loop, machine: Machine, commands: Commands) -> None:
        self.root = root
        self.commands = commands
        if not os.path.isdir(root):
            os.mkdir(root, 0o700)
        self.spares = Spares(root)
        self.loop = loop
        self.machine = machine
        self.attempts: Dict[str, Attempt] = {}
        self.peers: Peers = {}
        self.claims = claims.Claims(claims.default_folder(), machine.cpus, machine.memory)
        self._by_pid: Dict[int, Attempt] = {}
        self._orphans = Orphans()
        self.steps = Steps(self)
        self.parts = Parts(self)
        self.errands = Errands(self)
        self.fronts = Fronts(self)
        self.lookout = Lookout(self)
        self._handlers: Dict[Type[Any], Callable[[Peer, Any], None]] = {
            StartAttempt: self._on_start,
            **dict.fromkeys(orders.ORDERS, self._on_order),
            Acknowledge: self._on_acknowledge,
            Forget: self._on_forget,
            Ping: lambda peer, message: peer.send(Pong(message.number, *self.machine.vitals())),
            Retire: self._on_retire,
            StartTasks: self._on_start,
            **self.steps.handlers(),
            **self.parts.handlers(),
            **self.errands.handlers(),
            **self.fronts.handlers(),
            **self.lookout.handlers(),
        }
        self.pool = Pool(loop, machine.boot_id, machine.cgroups)
        loop.add(self.pool.reader, selectors.EVENT_READ, lambda events: self._notified())
        loop.on_child(self._reap)
        loop.later(REFRESH, self._refresh)

    @property
    def busy(self) -> bool:
        """Does anything run?"""
        return any(attempt.ended is None for attempt in self.attempts.values())

    def names(self, state_id: str) -> List[str]:
        """The jobs' attempts of a state folder."""
        known = self.attempts.items()
        return [name for name, attempt in known if attempt.state_id == state_id and not attempt.head]

    # --- controllers

    def join(self, peer: Peer) -> None:
        """A controller has been welcomed: it hears of all its attempts, and gets their output from what it has."""
        self.peers[peer.state_id] = peer
        self.steps.join(peer.state_id)
        self.errands.join()
        for name in self.names(peer.state_id):
            self.say_again(self.attempts[name], peer)

    def say_again(self, attempt: Attempt, peer: Any) -> None:
        """Nothing is under way any more: say what is known, and send output from what is acknowledged on."""
        attempt.outlet.rewind()
        attempt.queued = False
        attempt.outlet.look()
        self._tell(peer, attempt)
        self.offer(attempt)

    def leave(self, peer: Peer) -> None:
        """A controller has gone."""
        if self.peers.get(peer.state_id) is peer:
            del self.peers[peer.state_id]
            self.errands.lost(peer.state_id)
            self.fronts.lost(peer.state_id)

    def take(self, peer: Any, message: Message) -> None:
        """Do what a controller says, or the agent of a step's first machine. Raises ProtocolError."""
        handler = self._handlers.get(type(message))
        if handler is None:
            raise ProtocolError(f"{type(message).__name__} to an agent")
        name = getattr(message, "attempt", None)
        if name is not None and (not spool.valid_name(name) or name.rsplit(".", 2)[0] != peer.state_id):
            raise ProtocolError(f"attempt {name!r} of {peer.state_id}")
        handler(peer, message)

    def _on_start(self, peer: Any, start: "StartAttempt | StartTasks") -> None:
        known = self.attempts.get(start.attempt)
        if known:
            self._tell(peer, known)
            return
        try:
            if isinstance(start, StartTasks):
                self.parts.start(start)
            else:
                self._start(start)
        except Unavailable as refusal:
            peer.send(Refused(start.attempt, refusal.busy, refusal.why))
        except OSError as error:
            peer.send(Refused(start.attempt, False, room.refusal(error, os.path.dirname(self.root))))

    def _on_order(self, peer: Peer, order: orders.Order) -> None:
        lending.heed(self.claims, order)
        attempt = self.attempts.get(order.attempt)
        if attempt is None:
            peer.send(Unknown(order.attempt))
        elif attempt.ended is not None:
            self._tell(peer, attempt)
        else:
            attempt.command(orders.line(order))

    def _on_acknowledge(self, peer: Peer, message: Acknowledge) -> None:
        attempt = self.attempts.get(message.attempt)
        if attempt:
            attempt.outlet.acknowledge(message.stream, message.offset)
            attempt.acknowledged()
            self.offer(attempt)

    def _on_forget(self, peer: Peer, message: Forget) -> None:
        attempt = self.attempts.get(message.attempt)
        if attempt and attempt.ended is not None:
            if not attempt.head:
                self.steps.job_forgotten(attempt.name)
                self.parts.forget(attempt.name)
            del self.attempts[message.attempt]
            spool.remove(attempt.folder, self.spares)

    def _on_retire(self, peer: Peer, message: Retire) -> None:
        if not self.busy and list(self.peers.values()) == [peer]:
            peer.close()
            self.loop.stop()

    def _tell(self, peer: Peer, attempt: Attempt) -> None:
        if attempt.started is not None:
            peer.send(attempt.started_message())
        if attempt.ended is not None:
            peer.send(attempt.ended_message())

    def offer(self, attempt: Attempt) -> None:
        """Have the output that there is sent."""
        peer = self.steps.listeners.of(attempt)
        if peer and not attempt.queued:
            attempt.queued = True
            peer.outlets.append(attempt)
            pump(peer)

    # --- stepds

    def _start(self, start: StartAttempt) -> None:
        self.claims.gpus = self.machine.gpus
        claim = self.claims.take(start.attempt, wish(start))
        try:
            plan = start._asdict()
            data = plan.pop("data")
            plan["environment"] = {**start.environment, **self.commands.variables(start.environment)}
            order = pack(plan)
            folder = spool.create(self.root, {**plan, "environment": {}} if order else plan, data, self.spares)
            attempt = Attempt(start.attempt, folder, plan)
            attempt.claim, attempt.order = claim, order
            try:
                attempt.hold(start.streams)
                self.begin(attempt)
            except OSError:
                attempt.let_go()
                spool.remove(folder)
                raise
        except OSError:
            self.claims.release(claim)
            raise

    def begin(self, attempt: Attempt) -> None:
        """Give a new attempt to a stepd. Raises OSError."""
        self._assign(attempt)
        self.attempts[attempt.name] = attempt
        self._watch(attempt)

    def _assign(self, attempt: Attempt) -> None:
        visible = [] if attempt.started else attempt.seen(self.machine.gpus, self.machine.vendors)
        lock = spool.lock(attempt.folder)
        claim = attempt.claim
        if lock is None or claim is None:
            raise BlockingIOError(11, "another stepd lives")
        order = {**claim.order(), "folder": attempt.folder, "visible": visible, "started": attempt.started}
        order["plan"] = attempt.order
        try:
            attempt.child = self.pool.assign(order, claim.descriptor, lock)
        finally:
            os.close(lock)
        attempt.forked_at = time.monotonic()
        self._by_pid[attempt.child] = attempt

    def _adopt(self, attempt: Attempt) -> None:
        """Give an attempt that has lost its stepd a new one; if it was not begun, that one begins it."""
        if attempt.ended is not None or attempt.child:
            return
        try:
            # Anew: what was started the quick way and failed was started again.
            attempt.started = started = spool.read_json(attempt.folder, "started.json")
            if attempt.claim is None and started:
                attempt.claim = self._claim_again(attempt, started)
            self._assign(attempt)
        except (OSError, ValueError, Unavailable) as error:
            log(f"adoption of {attempt.name} is tried again: {error}")
            self.loop.later(RETRY, lambda: self._adopt(attempt))
            return
        log(f"stepd of {attempt.name} was lost: another takes over")
        if attempt.ending:
            attempt.command(attempt.ending)
        for pid in attempt.children:
            self._tell_of_orphan(attempt, pid)

    def _claim_again(self, attempt: Attempt, started: Dict[str, Any]) -> claims.Claim:
        if attempt.head:
            return borrowed(started["cpus"], started["gpus"])
        return self.claims.restore(attempt.name, attempt.memory, started, attempt.shares_cpus)

    def _reap(self) -> None:
        for pid, status, used in processes.ended_children():
            attempt = self._by_pid.pop(pid, None)
            known = self.pool.gone(pid)
            if attempt:
                attempt.child = 0
                self._stepd_ended(attempt, status)
            elif not known:
                self._orphan_ended(pid, status, used)

    def _orphan_ended(self, pid: int, status: int, used: Any) -> None:
        self._orphans.put(pid, status, used)
        for attempt in self._by_pid.values():
            if pid in attempt.children:
                self._tell_of_orphan(attempt, pid)
                return

    def _tell_of_orphan(self, attempt: Attempt, pid: int) -> None:
        line = self._orphans.take(pid)
        if line:
            attempt.command(line)

    def _stepd_ended(self, attempt: Attempt, status: int) -> None:
        self._read(attempt)
        if attempt.ended is not None:
            self._ended(attempt)
        elif attempt.started is None and not os.WIFSIGNALED(status):
            self._never_started(attempt, status)
        else:
            soon = time.monotonic() < attempt.forked_at + RETRY
            self.loop.later(RETRY if soon else 0.0, lambda: self._adopt(attempt))

    def _never_started(self, attempt: Attempt, status: int) -> None:
        why = why_ended(status, attempt.folder)
        self._release(attempt)
        spool.remove(attempt.folder)
        del self.attempts[attempt.name]
        peer = self.steps.listeners.of(attempt)
        if peer:
            peer.send(Refused(attempt.name, False, why))

    def _ended(self, attempt: Attempt) -> None:
        self._release(attempt)
        attempt.commands.clear()
        if attempt.outlet.look((attempt.ended or {}).get("sizes")):
            self.offer(attempt)
        if not attempt.head:
            self.steps.job_ended(attempt.name)
        peer = self.steps.listeners.of(attempt)
        if peer:
            peer.send(attempt.ended_message())

    def _release(self, attempt: Attempt) -> None:
        attempt.let_go()
        if attempt.claim is not None:
            self.claims.release(attempt.claim)
            attempt.claim = None

    # --- looking

    def _watch(self, attempt: Attempt) -> None:
        attempt.pause = FIRST_PAUSE
        self.loop.later(attempt.pause, lambda: self._tick(attempt))

    def _tick(self, attempt: Attempt) -> None:
        if attempt.ended is not None or self.attempts.get(attempt.name) is not attempt:
            return
        self._look(attempt)
        if not attempt.child and not attempt.claim:
            self._look_at_foreign(attempt)
        if attempt.ended is None:
            self.loop.later(attempt.pause, lambda: self._tick(attempt))

    def _look(self, attempt: Attempt, started: Optional[Dict[str, Any]] = None) -> None:
        if attempt.started is None:
            self._read(attempt, started)
        attempt.deliver()
        if attempt.is_allocation:
            self.steps.see_end(attempt)
        if not started and attempt.outlet.look():
            attempt.pause = FIRST_PAUSE
            self.offer(attempt)
        else:
            attempt.pause = min(attempt.pause * 1.5, LONGEST_PAUSE)

    def _look_at_foreign(self, attempt: Attempt) -> None:
        """A stepd that a former agent started: its end can only be seen by its lock."""
        attempt.pause = FOREIGN_PAUSE
        lock = spool.lock(attempt.folder)
        if lock is None:
            return
        os.close(lock)
        self._read(attempt)
        if attempt.ended is not None:
            self._ended(attempt)
        elif attempt.started is not None:
            self._adopt(attempt)
        else:
            self._never_started(attempt, 0)

    def _notified(self) -> None:
        for pid, what, facts in self.pool.notices():
            attempt = self._by_pid.get(pid)
            if what == kit.DONE:
                self._by_pid.pop(pid, None)
                self.pool.free(pid)
                if attempt:
                    attempt.child, attempt.ended = 0, facts
                    self._stepd_ended(attempt, 0)
            elif attempt:
                self._look(attempt, facts)

    def _read(self, attempt: Attempt, started: Optional[Dict[str, Any]] = None) -> None:
        """See what the stepd has written; that the attempt has started is said once, its end by _ended()."""
        is_known = attempt.started is not None
        try:
            attempt.read(started)
        except (ValueError, OSError) as error:
            log(f"spool of {attempt.name}: {error}")
        peer = self.steps.listeners.of(attempt)
        if attempt.started is not None and not is_known and peer:
            peer.send(attempt.started_message())

    def _refresh(self) -> None:
        self.claims.keep_fresh()
        self.loop.later(REFRESH, self._refresh)

    def recover(self) -> None:
        """Take up what former agents left in the spool."""
        self.claims.tidy()
        for attempt in load_all(self.root, self.machine.boot_id):
            self.attempts[attempt.name] = attempt
            if attempt.ended is None:
                self._watch(attempt)
        self.steps.recover()
