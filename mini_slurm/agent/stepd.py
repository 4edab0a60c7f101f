"""The watcher of one attempt: forked from the agent, and independent of it while the attempt lasts.

It starts the script, watches the time limit, obeys the `control` FIFO, ends what the script leaves behind, and writes
`ended.json` when no process is left. As a child subreaper it is the parent of every orphan of its job, so none escapes.
A second stepd may take over an attempt whose first one was lost: it finds the processes by their environment, and the
script's exit status comes from the agent, whose child the script has become.
"""

import json
import os
import resource
import select
import signal
import socket
import struct
import sys
import time
import traceback
from typing import Any, Dict, List, NamedTuple, NoReturn, Optional, Set

from mini_slurm.agent import limits, processes, spool
from mini_slurm.agent.claims import Claim, give_back
from mini_slurm.agent.script import Plan, become_script, plan
from mini_slurm.agent.streams import Streams
from mini_slurm.protocol.messages import StartAttempt

FAILED = 70  # exit status of a stepd that ended by a fault of its own
TICK = 60.0  # seconds; a sleep of the machine must not delay a time limit by more
RETRY = 0.5  # seconds between attempts to write to a full disk
LOST = 2.0  # seconds to wait for the exit status of a script that is not this process's child
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0  # seconds between rounds of SIGKILL
ATTEMPTS = 500  # one after the other, until a new process takes over
NOTICE = struct.Struct("!IB")  # pid of a stepd, and what there is to see
NEWS, DONE = 0, 1
FILES = struct.Struct("ii")
PASSED_OVER = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP)  # which Python and the agent ignore


class Place(NamedTuple):
    """What a stepd gets from the agent for an attempt."""

    folder: str
    claim: Claim
    lock: int  # holds the folder's lock
    notify: int  # a pipe to the agent
    boot_id: str


class Usage(NamedTuple):
    """What reaped processes have used."""

    user: float
    system: float
    max_rss: int  # KiB


def serve(channel: socket.socket, notify: int, boot_id: str) -> NoReturn:
    """Be a stepd for one attempt after the other; called in a process freshly forked from the agent."""
    status = FAILED
    try:
        _cut_loose({channel.fileno(), notify})
        for _ in range(ATTEMPTS):
            text, ancillary, _, _ = channel.recvmsg(1 << 16, socket.CMSG_SPACE(8), socket.MSG_CMSG_CLOEXEC)
            if not text:
                break
            order = json.loads(text)
            claim, lock = FILES.unpack(ancillary[0][2])
            held = Claim(order["path"], claim, order["cpus"], order["memory"], order["gpus"])
            _attend(Place(order["folder"], held, lock, notify, boot_id), order)
            if order["started"]:
                break
        status = 0
    except OSError as error:
        traceback.print_exc()
        status = error.errno or FAILED  # before started.json is there, the agent reads the reason from this
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def now() -> float:
    """Seconds since the machine's boot; never set back or forward."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _attend(place: Place, order: Dict[str, Any]) -> None:
    """Care for one attempt, and leave nothing of it in this process. Raises OSError."""
    plan = spool.read_json(place.folder, "start.json") or {}
    watcher = Stepd(place, plan)
    if order["started"]:
        watcher.adopt(order["started"])
    else:
        watcher.start(StartAttempt(data=b"", **plan), order["visible"])
    watcher.close()
    limits.set_title("mini_slurm stepd")
    _notify(place.notify, DONE)


def _notify(pipe: int, what: int) -> None:
    try:
        os.write(pipe, NOTICE.pack(os.getpid(), what))
    except OSError:
        return  # no agent, or one that is busy: it looks by itself


def _cut_loose(keep: Set[int]) -> None:
    """Keep nothing of the agent's: its sockets and the locks of other attempts must close with it."""
    os.setsid()
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in keep:
            try:
                os.close(int(name))
            except OSError:
                continue  # the descriptor that read the list
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for number in PASSED_OVER:
        signal.signal(number, _pass_over)


def _pass_over(number: int, frame: object) -> None:
    """Unlike a signal that is ignored, one with a handler gets its default back in the script, by exec."""


class Stepd:
    """One attempt, from its script's start to its last process's end."""

    def __init__(self, place: Place, plan: Dict[str, Any]) -> None:
        self.place = place
        self.plan = plan
        self.begun = now()
        self.began_at = time.time()
        self.script = 0  # pid; 0: not known
        self.script_start = 0
        self.status: Optional[int] = None  # wait status of the script
        self.usage = Usage(0.0, 0.0, 0)
        self.adopted = False
        self.is_member = plan.get("role") == "member"  # there is no script: what the job holds here is held until `end`
        self.lost_at: Optional[float] = None  # when the script of somebody else's was seen to be gone
        self.over = False  # the script has ended: what is left is killed
        self.cause = ""
        self.said = False
        self.kill_at: Optional[float] = None
        self.pause = FIRST_PAUSE
        self.retry_at: Optional[float] = None
        limits.set_title("mini_slurm stepd [{}]".format(plan["title"]))
        self.reaper = limits.become_subreaper()
        self.wakes = os.pipe()
        self.wake, wake = self.wakes
        os.set_blocking(self.wake, False)
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, _pass_over)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self.control = os.open(os.path.join(place.folder, "control"), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.end = spool.reserve(place.folder)
        self.streams = Streams(plan["streams"], place.folder)
        self.poll = select.epoll()
        self.poll.register(self.wake, select.EPOLLIN)
        self.poll.register(self.control, select.EPOLLIN)
        self.streams.watch(self.poll)

    def start(self, start: StartAttempt, gpus: Dict[str, str]) -> None:
        """Start the script and see it to its end. Raises OSError while nothing has been started."""
        limits.pin(self.place.claim.cpus)
        go = None if self.is_member else self._fork(start, gpus)
        self.script_start = processes.start_now()
        spool.write_json(self.place.folder, "started.json", self._started())
        if go is not None:
            os.write(go, b"g")
            os.close(go)
        _notify(self.place.notify, NEWS)
        self._serve()

    def _fork(self, start: StartAttempt, gpus: Dict[str, str]) -> int:
        """Make the script's process; it begins when something is written to the pipe that is returned."""
        held, go = os.pipe()
        files = self.streams.handles()
        ready = plan(start, os.path.join(self.place.folder, "slurm_script"), gpus, files)
        self.script = os.fork()
        if not self.script:
            os.close(go)
            _in_child(ready, held)
        for descriptor in (held, *files):
            os.close(descriptor)
        return go

    def adopt(self, started: Dict[str, Any]) -> None:
        """See an attempt to its end that another stepd started."""
        self.adopted = True
        self.begun, self.began_at = started["begun"], started["began_at"]
        self.script, self.script_start = started["script"], started["script_start"]
        _notify(self.place.notify, NEWS)
        self._serve()

    def _started(self) -> Dict[str, Any]:
        return {
            "boot_id": self.place.boot_id,
            "begun": self.begun,
            "began_at": self.began_at,
            "stepd": os.getpid(),
            "script": self.script,
            "script_start": self.script_start,
            "cpus": self.place.claim.cpus,
            "gpus": self.place.claim.gpus,
        }

    def _serve(self) -> None:
        while True:
            for descriptor, _ in self.poll.poll(self._timeout()):
                if descriptor == self.control:
                    self._obey()
                elif descriptor == self.wake:
                    os.read(self.wake, 4096)
                else:
                    self.streams.take(descriptor)
            self._settle()
            self._reap()
            if self.status is not None or self._is_lost():
                self.over = True
            self._watch_time()
            if self.over and not self._kill_rest():
                break
        self._finish()

    def _timeout(self) -> float:
        if self.streams.more():
            return 0.0
        moments = [self.kill_at, self.retry_at]
        limit = self.plan["time_limit"]
        if limit is not None and not self.cause:
            moments.append(self.begun + limit)
        if self.over or (self.kill_at is not None and now() >= self.kill_at):
            moments = [now() + self.pause, self.retry_at]
        elif self.adopted:
            moments.append(now() + 0.1)
        return max(0.0, min([TICK, *(moment - now() for moment in moments if moment is not None)]))

    def _settle(self) -> None:
        if self.retry_at is None or now() >= self.retry_at:
            self.retry_at = None if self.streams.settle() else now() + RETRY

    def _reap(self) -> None:
        """Take the exit statuses of children that have ended."""
        for pid, status, used in processes.ended_children():
            self._count(used.ru_utime, used.ru_stime, used.ru_maxrss)
            if pid == self.script:
                self.status = status

    def _is_lost(self) -> bool:
        """Has a script that is not our child ended, without a word from the agent about how?"""
        if not self.adopted or self.is_member or processes.is_running(self.script, self.script_start):
            return False
        if self.lost_at is None:
            self.lost_at = now()
        return now() > self.lost_at + LOST

    def _members(self) -> List[int]:
        if self.adopted or not self.reaper:
            return processes.members(self.plan["attempt"], self.script)
        return processes.descendants([os.getpid()])

    def _kill_rest(self) -> bool:
        """SIGKILL for all that is left, with growing pauses between the rounds. True while there was something."""
        mine = not self.adopted and self.reaper
        if mine and not _has_children():
            return False
        members = self._members()
        processes.freeze_and_kill(members)
        self.pause = min(self.pause * 2, LONGEST_PAUSE)
        return mine or bool(members)

    def _watch_time(self) -> None:
        limit = self.plan["time_limit"]
        if limit is not None and not self.cause and not self.over and now() >= self.begun + limit:
            self._terminate("TIMEOUT", self.plan["kill_wait"])
        if self.kill_at is not None and now() >= self.kill_at and not self.over:
            self._kill_rest()

    def _terminate(self, cause: str, kill_wait: int) -> None:
        if self.is_member:
            self.status = 0
            return
        if not self.cause:
            self.cause = cause
            self._announce(" DUE TO TIME LIMIT" if cause == "TIMEOUT" else "")
            members = self._members()
            processes.send(members, signal.SIGCONT)
            processes.send(members, signal.SIGTERM)
        moment = now() + kill_wait
        self.kill_at = moment if self.kill_at is None else min(self.kill_at, moment)

    def _announce(self, why: str) -> None:
        if not self.said:
            self.said = True
            moment = time.strftime("%Y-%m-%dT%H:%M:%S")
            words = "slurmstepd-{0}: error: *** JOB {1} ON {0} CANCELLED AT {2}{3} ***\n"
            self.streams.say(words.format(self.plan["node"], self.plan["title"], moment, why))

    def _obey(self) -> None:
        for line in os.read(self.control, 1 << 16).decode().splitlines():
            word, *rest = line.split()
            if word == "end" and not self.over:
                self._terminate("CANCELLED", int(rest[0]))
            elif word == "signal" and not self.over:
                self._signal(int(rest[0]), rest[1] == "whole")
            elif word == "exited":
                self.status = int(rest[0])
                self._count(float(rest[1]), float(rest[2]), int(rest[3]))

    def _signal(self, number: int, whole: bool) -> None:
        if number in (signal.SIGTERM, signal.SIGKILL):
            self._announce("")
        if whole:
            processes.send(self._members(), number)
        elif processes.is_running(self.script, self.script_start):
            processes.send([self.script], number)

    def _finish(self) -> None:
        while not self.streams.settle() or not self.streams.finish():
            time.sleep(RETRY)
        ended = self._ended()
        while True:
            try:
                spool.write_end(self.place.folder, self.end, ended)
                break
            except OSError:
                time.sleep(RETRY)
        give_back(self.place.claim)

    def _ended(self) -> Dict[str, Any]:
        status = self.status or 0
        used = self.usage
        return {
            "boot_id": self.place.boot_id,
            "at": now(),
            "elapsed": now() - self.begun,
            "cause": self.cause if self.status is not None else self.cause or "NODE_FAIL",
            "exit_code": os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0,
            "exit_signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            "max_rss": used.max_rss,
            "user_seconds": used.user,
            "system_seconds": used.system,
        }

    def _count(self, user: float, system: float, max_rss: int) -> None:
        """Book what a reaped process has used, and those that it had reaped itself."""
        # Linux counts what a process held before exec: that was a copy of this stepd, and says nothing of the job.
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + 1024
        used = self.usage
        self.usage = Usage(used.user + user, used.system + system, max(used.max_rss, max_rss if max_rss > own else 0))

    def close(self) -> None:
        """Give back what this process holds for the attempt."""
        self.streams.close()
        self.poll.close()
        for descriptor in (*self.wakes, self.control, self.end, self.place.lock, self.place.claim.descriptor):
            os.close(descriptor)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _in_child(ready: Plan, held: int) -> NoReturn:
    try:
        become_script(ready, held)
    except BaseException:
        traceback.print_exc()  # into the job's standard error
    finally:
        sys.stderr.flush()
        os._exit(FAILED)
