"""One machine's side of the hands: keep a channel to its agent, and turn what the agent says into events."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Protocol

from mini_slurm.controller import reports, trust
from mini_slurm.controller.outputs import Outputs
from mini_slurm.controller.steps import Steps
from mini_slurm.errors import Unreachable
from mini_slurm.links.base import Channel, Link
from mini_slurm.model.machine import Machine
from mini_slurm.model.machine_resources import resources
from mini_slurm.protocol import messages
from mini_slurm.protocol.framing import Decoder, ProtocolError, encode
from mini_slurm.protocol.messages import VERSION, Message
from mini_slurm.scheduler import events
from mini_slurm.scheduler.events import Event

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE, HOPELESS_PAUSE = 0.2, 15.0, 60.0  # seconds between two tries to connect
BRIEF = 2.0  # seconds that a channel lasts which ends again and again: the next one has to wait longer
SILENCE = 20.0  # seconds without a word until the agent is asked whether it is there; less where node_timeout is short
PATIENCE = 3  # unanswered questions until the channel is given up
OF_JOBS = (messages.Started, messages.Ended)  # the most of what machines say; none of it is about steps
FRESH = 60.0  # seconds for which it is believed how busy a machine is
NOTABLE_SKEW = 60.0  # seconds between a machine's clock and ours, beyond which somebody should know
NOTABLE_LOAD, NOTABLE_MEMORY = 0.1, 256  # smaller changes of load and free memory (MiB) are not worth a commit


class Board(Protocol):
    """Where news of a machine go."""

    def post(self, event: Event) -> None:
        """Something happened."""

    def note_machine(self, machine: Machine) -> None:
        """What is known of a machine changed."""

    def note_use(self, machine: Machine) -> None:
        """Others than before use a machine besides jobs."""

    def is_elsewhere(self, attempt: str, machine: str) -> bool:
        """Is this the present attempt of a job, but on another machine?"""

    def is_smaller(self, attempt: str) -> bool:
        """Has the job whose present attempt this is given machines back?"""


class MachineHand:
    """The channel to one machine. What is sent while there is none is lost: the core says it again on connection."""

    def __init__(
        self,
        machine: Machine,
        link: Link,
        state_id: str,
        board: Board,
        outputs: Outputs,
        steps: Steps,
        clock: Callable[[], float],
        node_timeout: float,
        watch: messages.Watch | None = None,
    ) -> None:
        self.machine = machine
        self._link = link
        self._state_id = state_id
        self._board = board
        self._outputs = outputs
        self._steps = steps
        self._clock = clock
        self._node_timeout = node_timeout
        self._silence = min(SILENCE, node_timeout / (PATIENCE + 1))
        self._watch = watch  # how its use by others is to be looked at
        self._channel: Channel | None = None
        self._unsent = bytearray()
        self._questions = 0
        self._is_lost = False
        self._last_word = 0.0
        self._vitals_at = 0.0  # when it last said how busy it is

    def watch(self, order: messages.Watch) -> None:
        """Have the machine's use by others looked at in this way from now on."""
        if order != self._watch:
            self._watch = order
            self.send(order)

    async def open_stager(self) -> Channel:
        """A channel of its own to what brings files of jobs. Raises Unreachable."""
        if self._channel is None:
            raise Unreachable(f"{self.machine.name} does not answer")
        return await self._link.open_stager()

    def note_refusal(self, why: str) -> None:
        """Show why the machine could not start something."""
        self._note_state("UP", f"{self.machine.name}: {why}")

    def send(self, message: Message) -> None:
        """Send a message if there is a channel: together with what else is said in this turn of the event loop."""
        if self._channel is None:
            return
        if not self._unsent:
            asyncio.get_running_loop().call_soon(self._flush)
        self._unsent += encode(message)

    def _flush(self) -> None:
        words, self._unsent = bytes(self._unsent), bytearray()
        if self._channel is not None:
            self._channel.write(words)

    async def run(self) -> None:
        """Connect, listen, connect again; ends by being cancelled."""
        pause = FIRST_PAUSE
        self._last_word = asyncio.get_running_loop().time()
        watch = asyncio.create_task(self._watch_silence())
        try:
            while True:
                try:
                    began = asyncio.get_running_loop().time()
                    await self._converse()
                    is_brief = asyncio.get_running_loop().time() - began < BRIEF
                    pause = min(pause * 2, LONGEST_PAUSE) if is_brief else FIRST_PAUSE
                except Unreachable as error:
                    pause = min(pause * 2, LONGEST_PAUSE) if error.again else HOPELESS_PAUSE
                    self._note_trouble(error)
                await asyncio.sleep(pause * random.uniform(0.75, 1.25))
        finally:
            watch.cancel()
            await self._link.close()

    async def _watch_silence(self) -> None:
        """See to it that a machine is lost in time, also while a try to connect hangs."""
        while True:
            await asyncio.sleep(self._silence)
            self._note_silence()
            if asyncio.get_running_loop().time() - self._vitals_at > FRESH:
                self.send(messages.Ping(0))

    async def _converse(self) -> None:
        """One channel, from its opening to its end. Raises Unreachable when there is none to be had."""
        channel = await self._link.open()
        decoder = Decoder()
        self._questions = 0
        channel.write(encode(messages.Hello(VERSION, self._state_id, self.machine.name)))
        try:
            while True:
                try:
                    async with asyncio.timeout(self._silence):
                        data = await channel.read()
                except TimeoutError:
                    if self._questions >= PATIENCE:
                        return
                    self._questions += 1
                    channel.write(encode(messages.Ping(self._questions)))
                    continue
                if not data:
                    return
                self._questions = 0
                self._last_word = asyncio.get_running_loop().time()
                for message in decoder.feed(data):
                    self._take(message, channel)
        except (ProtocolError, OSError) as error:
            log.warning("%s: the channel is given up: %s", self.machine.name, error)
        finally:
            if self._channel is not None:
                self._channel = None
                self._unsent.clear()
                self._steps.disconnected(self.machine.name)
                self._board.post(events.MachineDisconnected(self.machine.name))
            await channel.close()

    def _take(self, message: Message, channel: Channel) -> None:
        """Raises ProtocolError when the message cannot be true."""
        trust.check(message)
        attempt = getattr(message, "attempt", "")
        if self._board.is_elsewhere(attempt, self.machine.name):
            self._take_rest(message, attempt)
            return
        if isinstance(message, messages.Welcome):
            self._channel = channel
            self._welcome(message)
            if self._watch is not None:
                self.send(self._watch)
            self._steps.connected(self.machine.name)
        elif isinstance(message, messages.Output):
            self._outputs.take(message)
        elif isinstance(message, OF_JOBS) or not self._steps.take(self.machine.name, message, self._clock()):
            event = self._event(message)
            if event is not None:
                self._board.post(event)
            if isinstance(message, messages.Ended):
                self._outputs.ended(message)

    def _take_rest(self, message: Message, attempt: str) -> None:
        """What is said of an attempt that may have given this machine back: how it ends here, and nothing else."""
        if not self._board.is_smaller(attempt):
            raise ProtocolError(f"{attempt} is not an attempt of this machine")
        if isinstance(message, messages.Relay):
            self._steps.take(self.machine.name, message, self._clock())
            return
        event = None if isinstance(message, messages.Output) else self._event(message)
        if event is not None:
            self._board.post(event)

    def _event(self, message: Message) -> Event | None:
        now = self._clock()
        if isinstance(message, messages.Started):
            if self.machine.reason:
                self._note_state("UP", "")  # what it refused before, it can do again
            return reports.started(self.machine.name, message, now)
        if isinstance(message, messages.Refused):
            log.info("%s refused %s: %s", self.machine.name, message.attempt, message.why)
            if not message.busy:
                self.note_refusal(message.why)
            return events.AttemptRefused(self.machine.name, message.attempt, message.busy, message.why)
        if isinstance(message, messages.Ended):
            return reports.ended(self.machine.name, message, now)
        if isinstance(message, messages.Unknown):
            return events.AttemptUnknown(self.machine.name, message.attempt)
        if isinstance(message, messages.Pong):
            self._note_vitals(message)
        if isinstance(message, messages.Outside):
            return self._note_use(message)
        return None

    def _welcome(self, message: messages.Welcome) -> None:
        now = self._clock()
        machine = reports.machine(self.machine.name, message, now)
        self._vitals_at = asyncio.get_running_loop().time()
        ahead = message.clock - now
        log.info("%s: connected, its clock is %.1f s ahead", machine.name, ahead)
        if abs(ahead) > NOTABLE_SKEW:
            log.warning("%s: its clock is wrong, and so are the times of files made there: set it", machine.name)
        self.machine = machine
        self._is_lost = False
        self._board.note_machine(machine)
        total = resources(machine)
        self._board.post(
            events.MachineConnected(machine.name, total, machine.boot_id, frozenset(map(str, message.attempts)))
        )

    def _note_trouble(self, error: Unreachable) -> None:
        """A machine that was never reached is down from its first failure on; others have node_timeout."""
        self._board.post(events.MachineDisconnected(self.machine.name))
        why = f"{error.lines[0]} ({error.hint})" if error.hint else error.lines[0]
        if why != self.machine.reason:
            log.warning("%s", why)
            state = "DOWN" if self.machine.state not in ("UP", "SILENT") or self._is_lost else "SILENT"
            self._note_state(state, why)

    def _note_silence(self) -> None:
        silence = asyncio.get_running_loop().time() - self._last_word
        if self._channel is None and not self._is_lost and silence > self._node_timeout:
            self._is_lost = True
            self._note_state("DOWN", self.machine.reason or "Not responding")
            self._board.post(events.MachineLost(self.machine.name))

    def _note_vitals(self, message: messages.Pong) -> None:
        """How busy the machine is: stored when it has changed by much."""
        self._vitals_at = asyncio.get_running_loop().time()
        load, free = max(message.load, 0.0), max(message.free_memory, 0)
        known = self.machine
        if abs(load - (known.load or 0.0)) < NOTABLE_LOAD and abs(free - (known.free_memory or 0)) < NOTABLE_MEMORY:
            return
        self.machine = Machine(**{**known.__dict__, "load": load, "free_memory": free})
        self._board.note_machine(self.machine)

    def _note_use(self, message: messages.Outside) -> Event:
        """Who uses the machine besides jobs, and which jobs hold GPUs without using them."""
        self.machine = Machine(**{**self.machine.__dict__, **reports.use(message, self._clock())})
        self._board.note_use(self.machine)
        return events.UseSeen(self.machine.name, message.blocked)

    def _note_state(self, state: str, reason: str) -> None:
        values = {**self.machine.__dict__, "state": state, "reason": reason, "reason_time": self._clock()}
        self.machine = Machine(**values)
        self._board.note_machine(self.machine)
