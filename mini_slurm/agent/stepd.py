"""The watcher of one attempt: forked from the agent, and independent of it while the attempt lasts.

It starts the script, watches the time limit, obeys the `control` FIFO, ends what the script leaves behind, and writes
`ended.json` when no process is left. As a child subreaper it is the parent of every orphan of its job, so none escapes.
A second stepd may take over an attempt whose first one was lost: it finds the processes by their environment, and the
script's exit status comes from the agent, whose child the script has become.
"""

import os
import resource
import select
import signal
import time
from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Optional, Set, Tuple, Union

from mini_slurm.agent import job_steps, limits, processes, script, spool, targets
from mini_slurm.agent.claims import Claim, give_back
from mini_slurm.agent.clock import Clock
from mini_slurm.agent.kit import NEWS, Kit
from mini_slurm.agent.memory import EXIT_SIGNAL, MESSAGE, Watch
from mini_slurm.agent.streams import Streams
from mini_slurm.protocol.messages import StartAttempt

if TYPE_CHECKING:
    from mini_slurm.agent.spawn import Spawner

TICK = 60.0  # seconds; a sleep of the machine must not delay a time limit by more
RETRY = 0.5  # seconds between attempts to write to a full disk
LOST = 2.0  # seconds to wait for the exit status of a script that is not this process's child
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0  # seconds between rounds of SIGKILL
STEPS_PAUSE = 0.05  # seconds between looks whether the job's steps have ended, or a script that is not our child
LAST_WORD = 1.0  # seconds
CONTINUED = 0.005  # seconds from SIGCONT to SIGTERM: who handles both gets them one after the other, as from slurmd


class Place(NamedTuple):
    """What a stepd gets from the agent for an attempt."""

    folder: str
    claim: Claim
    lock: int  # holds the folder's lock


class Usage(NamedTuple):
    """What reaped processes have used."""

    user: float
    system: float
    max_rss: int  # KiB


def now() -> float:
    """Seconds since the machine's boot; never set back or forward."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Stepd:
    """One attempt, from its script's start to its last process's end."""

    kind = "JOB"  # what Slurm's messages call it

    def __init__(self, place: Place, kit: Kit, plan: Dict[str, Any], started: Optional[Dict[str, Any]]) -> None:
        """`started`: what another stepd wrote when it started the attempt."""
        self.place = place
        self.kit = kit
        self.plan = plan
        self.clock = Clock(place.folder, plan, is_new=started is None)
        self.begun = self.clock.begun = now()
        self.memory = Watch(plan["memory"] if plan.get("constrain_memory", True) else 0, self.begun)
        self.began_at = time.time()
        self.spawner: Optional[Spawner] = None  # while the script is started the quick way
        self.script, self.script_start = 0, 0  # pid, 0: not known; when it began, as /proc has it
        self.status: Optional[int] = None  # wait status of the script
        self.usage = Usage(0.0, 0.0, 0)
        self.adopted = self.over = False  # over: the script has ended, what is left is killed
        self.is_member = plan.get("role") == "member"  # there is no script: what the job holds here is held until `end`
        self.lost_at: Optional[float] = None  # when the script of somebody else's was seen to be gone
        self.cause, self.said = "", False
        self.term_at: Optional[float] = None
        self.kill_at: Optional[float] = None
        self.last_word = 0.0  # until when the job's sruns may speak, after its steps have ended
        self.pause = FIRST_PAUSE
        self.retry_at: Optional[float] = None
        self.told: Dict[str, Any] = {}  # what was written down last: how it started, or ended
        limits.set_title("mini_slurm stepd [{}]".format(plan["title"]))
        self.control = os.open(f"{place.folder}/control", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.end = spool.reserve(place.folder)
        self.seen: Dict[str, int] = {}  # stream -> descriptor of its file at the submit side, where that is seen here
        self.streams = self._open_streams(started)
        kit.poll.register(self.control, select.EPOLLIN)
        self.streams.watch(kit.poll)

    @property
    def title(self) -> str:
        """Its StepId in Slurm's messages."""
        return f"{self.plan['title']}.batch"

    def _open_streams(self, started: Optional[Dict[str, Any]]) -> Any:
        marks = self.plan["targets"]
        self.seen = targets.reopen(marks, started["seen"]) if started else targets.open_seen(marks)
        return Streams(self.plan["streams"], self.place.folder, self.seen, is_new=started is None)

    def start(self, visible: List[Dict[str, str]]) -> None:
        """Start the script and see it to its end. Raises OSError while nothing has been started."""
        limits.pin(self.place.claim.cpus)
        self.memory.enclose(self.kit.cgroups, self.plan["attempt"], is_job=True)
        if self.is_member:
            self.script_start = processes.start_now()
            self._note()
        else:
            start = StartAttempt(data=b"", **self.plan)
            self.ready = script.plan(start, f"{self.place.folder}/slurm_script", visible[0])
            self.spawner = self.kit.spawner
            self._launch()
        self.kit.tell(NEWS, self.told)
        self._serve()

    def _launch(self) -> None:
        """Make the script's process, write down that it may run, and let it. Raises OSError."""
        files = self.streams.handles()
        since = processes.start_now()
        held = self._hold(files)
        for descriptor in files:
            os.close(descriptor)
        self.memory.add(held.number)
        self.script, self.script_start = held.number, processes.start_of(held.number, since)
        self._note()
        held.release()

    def _hold(self, files: Tuple[int, int]) -> "Union[Spawner, script.Forked]":
        if self.spawner:
            try:
                return self.spawner.hold(self.ready, files, f"/proc/self/fd/{self.place.lock}/started.json")
            except OSError:
                self.spawner = None
        return script.Forked(self.ready, files)

    def adopt(self, started: Dict[str, Any]) -> None:
        """See an attempt to its end that another stepd started."""
        self._take_over(started)
        self.script, self.script_start = started["script"], started["script_start"]
        self.kit.tell(NEWS)
        self._serve()

    def _take_over(self, started: Dict[str, Any]) -> None:
        self.adopted = True
        self.begun, self.began_at = started["begun"], started["began_at"]
        self.clock.begun = self.begun
        self.memory.find(started.get("cgroup", ""))

    def _note(self) -> None:
        """Write down that the attempt has begun: from here on its script may run."""
        self.told = self._started()
        spool.write_json(self.place.folder, "started.json", self.told)

    def _started(self) -> Dict[str, Any]:
        return {
            "boot_id": self.kit.boot_id,
            "begun": self.begun,
            "began_at": self.began_at,
            "stepd": os.getpid(),
            "script": self.script,
            "script_start": self.script_start,
            "cpus": self.place.claim.cpus,
            "gpus": self.place.claim.gpus,
            "shares": dict(self.place.claim.shares),
            "seen": list(self.seen),
            "cgroup": self.memory.folder,
        }

    def _serve(self) -> None:
        wake = self.kit.wakes[0]
        while True:
            for descriptor, _ in self.kit.poll.poll(self._timeout()):
                if descriptor == self.control:
                    self._obey()
                elif descriptor == wake:
                    os.read(wake, 4096)
                else:
                    self.streams.take(descriptor)
            self._settle()
            self._watch_launch()
            self._reap()
            if self._has_ended():
                self.over = True
            self._watch_time()
            self._watch_memory()
            if self.over and not self._kill_rest():
                break
        self._finish()

    def _timeout(self) -> float:
        moments = [self.term_at, self.kill_at, self.retry_at, None if self.is_member else self.memory.due]
        if not self.cause:
            moments += [self.clock.end, self.clock.warn_at]
        if self.over or (self.kill_at is not None and now() >= self.kill_at):
            moments = [now() + self.pause, self.retry_at]
        elif self.adopted or (self.status is not None and self.cause):
            moments.append(now() + STEPS_PAUSE)
        rest: float = self.streams.rest()
        return max(0.0, min([TICK, rest, *(moment - now() for moment in moments if moment is not None)]))

    def _has_ended(self) -> bool:
        return (self.status is not None or self._is_lost()) and not self._lingers()

    def _lingers(self) -> bool:
        """Is a job that was ended to wait for its steps, and then a moment for its sruns to say how those ended?"""
        if not self.cause or not job_steps.has_any(self.place.folder):
            return False
        if job_steps.are_running(self.place.folder):
            self.last_word = now() + LAST_WORD
        return now() < self.last_word and bool(self._members())

    def _settle(self) -> None:
        if self.retry_at is None or now() >= self.retry_at:
            self.retry_at = None if self.streams.settle() else now() + RETRY

    def _watch_launch(self) -> None:
        """Where the quick way has failed after all, fork can say why in the script's standard error."""
        if self.spawner and self.spawner.has_failed():
            self.spawner = None
            self._launch()

    def _reap(self) -> None:
        """Take the exit statuses of children that have ended."""
        if self.spawner and self.spawner.is_pending:
            return  # a process that did not come to run is posix_spawn's
        for pid, status, used in processes.ended_children():
            self._count(used.ru_utime, used.ru_stime, used.ru_maxrss)
            self._exited(pid, status)

    def _exited(self, pid: int, status: int) -> None:
        """A child has ended, of this process or of the agent."""
        if pid == self.script:
            self.status = status

    def _is_lost(self) -> bool:
        """Has a script that is not our child ended, without a word from the agent about how?"""
        if not self.adopted or self.is_member or processes.is_running(self.script, self.script_start):
            return False
        self.lost_at = self.lost_at or now()
        return now() > self.lost_at + LOST

    def _members(self) -> List[int]:
        if self.adopted or not self.kit.is_reaper:
            return self.memory.with_hidden(processes.members(self.plan["attempt"], self.script))
        return processes.descendants([os.getpid()])

    def _kill_rest(self) -> bool:
        """SIGKILL for all that is left, with growing pauses between the rounds. True while there was something."""
        mine = not self.adopted and self.kit.is_reaper
        if mine and not processes.has_children():
            return False
        members = self._members()
        processes.freeze_and_kill(members)
        self.pause = min(self.pause * 2, LONGEST_PAUSE)
        return mine or bool(members)

    def _watch_time(self) -> None:
        if not self.cause and not self.over:
            warning = self.clock.due_warning(now())
            if warning:
                self._signal(warning, "batch" if self.clock.warns_script else "steps")
            if self.clock.is_over(now()):
                self._terminate("TIMEOUT", self.plan["kill_wait"], "TIME LIMIT")
        if self.term_at is not None and now() >= self.term_at:
            self.term_at = None
            processes.send(self._members(), signal.SIGTERM)
        if self.kill_at is not None and now() >= self.kill_at and not self.over:
            self._kill_rest()

    def _watch_memory(self) -> None:
        if not self.is_member and now() >= self.memory.due:
            self.memory.look(self._members(), now())

    def _terminate(self, cause: str, kill_wait: int, why: str = "") -> None:
        job_steps.end_all(self.place.folder, kill_wait, why)
        if self.is_member:
            self.status = 0
            return
        kill_wait = 0 if self.clock.is_stopped else kill_wait  # as in Slurm, who stands still is not asked to end
        if not self.cause:
            self.cause = cause
            self._announce(f" DUE TO {why}" if why else "")
            processes.send([] if self.clock.is_stopped else self._members(), signal.SIGCONT)
            self.term_at = now() + min(CONTINUED, kill_wait)
        self.kill_at = min(now() + kill_wait, self.kill_at or float("inf"))

    def _announce(self, why: str) -> None:
        if not self.said:
            self.said = True
            words = (self.kind, self.plan["title"], self.plan["node"], time.strftime("%Y-%m-%dT%H:%M:%S"), why)
            self._say("*** {} {} ON {} CANCELLED AT {}{} ***".format(*words))

    def _say(self, text: str) -> None:
        self.streams.say("slurmstepd-{}: error: {}\n".format(self.plan["node"], text))

    def _obey(self) -> None:
        for line in os.read(self.control, 1 << 16).decode().splitlines():
            word, *rest = line.split()
            if word == "end" and not self.over:
                self._terminate("CANCELLED", int(rest[0]), " ".join(rest[1:]))
            elif word == "signal" and not self.over:
                self._signal(int(rest[0]), rest[1])
            elif word == "limit":
                self.clock.set_limit(int(rest[0]) if rest else None)
            elif word == "suspend" and not self.cause:
                job_steps.tell_all(self.place.folder, word)
                self._stop()
            elif word == "notify":
                self._say(bytes.fromhex("".join(rest)).decode(errors="replace"))
            elif word == "resume":
                job_steps.tell_all(self.place.folder, word)
                if self.clock.go_on(now()):
                    processes.send(self._members(), signal.SIGCONT)
            elif word == "exited":
                self._count(float(rest[2]), float(rest[3]), int(rest[4]))
                self._exited(int(rest[0]), int(rest[1]))
            else:
                self._obey_other(word, rest)

    def _obey_other(self, word: str, rest: List[str]) -> None:
        """What only steps are told."""

    def _stop(self) -> None:
        """Suspend all processes, until none is left that was made meanwhile."""
        self.clock.stop(now())
        stopped: Set[int] = set()
        while not stopped.issuperset(self._members()):
            members = self._members()
            processes.send(members, signal.SIGSTOP)
            stopped.update(members)

    def _signal(self, number: int, whom: str) -> None:
        """To the `whole` attempt, its `steps` or its `batch` script. What a step gets, it announces itself."""
        if number in (signal.SIGTERM, signal.SIGKILL) and whom != "steps":
            self._announce("")
        if whom == "whole":
            processes.send(self._members(), number)
        if whom in ("whole", "steps"):
            job_steps.tell_all(self.place.folder, f"signal {number} whole")
        elif processes.is_running(self.script, self.script_start):
            processes.send([self.script], number)

    def _finish(self) -> None:
        self._end_steps()
        if self.memory.settle():
            self._say(MESSAGE.format(self.memory.kills, self.title))
        while not self.streams.settle() or not self.streams.finish():
            time.sleep(RETRY)
        targets.sync(self.seen)
        self.told = self._ended()
        while True:
            try:
                spool.write_end(self.place.folder, self.end, self.told)
                break
            except OSError:
                time.sleep(RETRY)
        give_back(self.place.claim)

    def _end_steps(self) -> None:
        """See the job's steps on this machine to their end: until then what the job holds is in use."""
        if not job_steps.has_any(self.place.folder):
            return
        job_steps.tell_all(self.place.folder, f"end {self.plan['kill_wait']}")
        while job_steps.are_running(self.place.folder):
            time.sleep(STEPS_PAUSE)

    def _ended(self) -> Dict[str, Any]:
        status, used = self.status or 0, self.usage
        if self.memory.kills and not self.cause:
            self.cause, status = "OUT_OF_MEMORY", EXIT_SIGNAL
        return {
            "boot_id": self.kit.boot_id,
            "at": now(),
            "elapsed": now() - self.begun,
            "cause": self.cause if self.status is not None else self.cause or "NODE_FAIL",
            "exit_code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
            "exit_signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            "max_rss": max(used.max_rss, self.memory.peak),
            "user_seconds": used.user,
            "system_seconds": used.system,
            "sizes": self.streams.sizes(),
        }

    def _count(self, user: float, system: float, max_rss: int) -> int:
        """Book what a reaped process has used, and those that it had reaped itself; its KiB, 0 if not known."""
        # Linux counts what a process held before exec: that was a copy of this stepd, and says nothing of the job.
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + 1024
        used = self.usage
        known = max_rss if max_rss > own else 0
        self.usage = Usage(used.user + user, used.system + system, max(used.max_rss, known))
        return known

    def close(self) -> None:
        """Give back what this process holds for the attempt."""
        self.streams.close()
        self.memory.close()
        for descriptor in (self.control, self.end, self.place.lock, self.place.claim.descriptor):
            os.close(descriptor)
