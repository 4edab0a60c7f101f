"""A job without a script, for srun and salloc: asked for, waited for, and given back.

As long as the command lives it holds the lock of a file, by which the controller knows that the job is wanted.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import sys
import time
from contextlib import closing, suppress

from mini_slurm.cli import common
from mini_slurm.config.paths import FRONTS
from mini_slurm.desk import admit, heterogeneous, submission
from mini_slurm.desk.changes import Changes
from mini_slurm.errors import Refused
from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.environment import batch_environment, het_environment, of_part
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.options.collect import Values
from mini_slurm.options.staging import STAGING
from mini_slurm.store import database

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LOOK = 0.25  # seconds between two looks while the time that has passed matters
QUICK = 0.5  # seconds in which a job starts that does not have to wait
BEGINNING = 5.0  # ... where the controller has just been started, and knows no machine yet
RETURN = 3.0  # seconds until what was given back is seen to be free
TAKEN = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
BUSY = "Requested nodes are busy"
DONE = "Job/step already completing or completed"
# what Slurm says at once of a job that waits for such a reason
WARNINGS = {
    "PartitionDown": "Required partition not available (inactive or drain)",
    "PartitionInactive": "Required partition not available (inactive or drain)",
    "Partition": "Requested partition configuration not available now",
    "ReqNodeNotAvail": "Required node not available (down, drained or reserved)",
    "Nodes required": "Required node not available (down, drained or reserved)",
    "JobHeldUser": "Job is in held state, pending scheduler release",
}
NOT_ELIGIBLE = frozenset({"BeginTime", "Dependency", "JobHeldUser"})  # reasons of a job that is not to start yet
STAGE_IN, STAGE_OUT = "stage-in: ", "stage-out"  # begin reasons of jobs whose files cannot travel, or do
BATCH_ONLY = frozenset({"ENVIRONMENT", "HOSTNAME"})  # of the variables that a script gets


class Interrupted(Refused):
    """The user does not want to wait any more; what there is to say of it has been said."""


class Allocation:
    """One job without a script. `job` and `values` are those of its first part, most often the only one."""

    pending_words: tuple[str, ...] = ()  # what the command says first of a job that waits
    failed = failed_at_once = "Unable to allocate resources: "

    def __init__(self, program: str, jobs: list[Job], values: list[Values]) -> None:
        if len(jobs) > 1:
            heterogeneous.check(jobs)
        for job in jobs:
            job.submit_line = submission.command_line(program, sys.argv[1:])
        self.program = program
        self.jobs = jobs
        self.job = jobs[0]
        self._values = values
        self.values = values[0]
        self.state, self.db = common.open_store()
        self._signal = 0
        self._note: Callable[[Iterable[str]], None] = lambda reasons: None  # shows how far files are
        self._bell = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)  # rung by a signal
        self._is_announced = False
        self._is_fresh = False  # has this command started the controller?

    # --- what is said

    def say(self, text: str) -> None:
        """A line for the user, unless --quiet."""
        if not self.values.of.get("quiet"):
            common.say(f"{self.program}: {text}")

    # --- asking

    def admit(self) -> None:
        """Let the fleet complete the job. Raises Refused, in this command's words."""
        try:
            admit.admit_all(self.jobs, self._values, self.db, strict=not common.is_slurms_name(self.program))
        except Refused as error:
            lines = [line.replace(admit.FAILED, self.failed) for line in error.lines]
            raise Refused(*lines, hint=error.hint, exit_code=error.exit_code) from None

    def obtain(self, *, attended: bool = True) -> None:
        """Submit the job, and wait until its machines are there. Raises Refused."""
        self._stage()
        for number in TAKEN:
            signal.signal(number, self._note_signal)
        if attended:
            self._attend()
        if len(self.jobs) > 1:
            database.submit_parts(self.db, self.jobs, None, b"{}")
        else:
            database.submit(self.db, self.job, None, b"{}")
        self.wake()
        self._wait()

    def _stage(self) -> None:
        """Note what is to be brought to the machines and home, and take the snapshot. Raises Refused."""
        if any(one.of.get(field) for one in self._values for field in STAGING):
            from mini_slurm.cli.staging import progress, travels
            from mini_slurm.desk.staging import attach

            self._note = travels()
            attach(self.jobs, self._values, self.state, progress())

    def _note_signal(self, number: int, frame: object) -> None:
        self._signal = number
        with suppress(BlockingIOError):
            os.write(self._bell[1], b"!")

    def _attend(self) -> None:
        """Take the lock that says that somebody waits for the job; it is let go by the end of this process."""
        folder = os.path.join(self.state, FRONTS)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.job.attendant = os.urandom(8).hex()
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        fcntl.flock(os.open(os.path.join(folder, self.job.attendant), flags, 0o600), fcntl.LOCK_EX)

    def wake(self) -> None:
        """See to it that a controller looks at what was stored."""
        from mini_slurm.controller import autostart

        self._is_fresh |= not autostart.ring(self.state)
        common.wake_controller(self.state)

    # --- waiting

    def look(self) -> Job:
        """The job as it is now."""
        first = self.job.job_id
        self.jobs = database.load_jobs(self.db, "job_id BETWEEN ? AND ?", [first, first + len(self.jobs) - 1])
        self.job = self.jobs[0]
        return self.job

    def changes(self) -> Changes:
        """By which the controller tells of what has changed; it was woken just now."""
        from mini_slurm.controller import autostart

        return Changes(self.state, lambda: autostart.revive(self.state), is_woken=True)

    def _wait(self) -> None:
        begun = time.monotonic()
        seen: float | None = None
        with closing(self.changes()) as changes:
            while True:
                job, now = self.look(), time.monotonic()
                if job.state in (JobState.RUNNING, JobState.SUSPENDED):
                    break
                if self._signal:
                    self._give_up()
                if job.state.is_over or job.outcome is not None:
                    self._note([])
                    if job.reason.startswith(STAGE_IN):
                        raise Refused(f"{self.failed}{job.reason}")
                    self.tell_cancelled()
                    raise Refused(f"{self.failed}{DONE}")
                if job.state is JobState.PENDING and (job.eligible_time is not None or job.reason in NOT_ELIGIBLE):
                    seen = now if seen is None else seen
                    self._pending(now - seen, now - begun)
                is_settled = self._is_announced and "immediate" not in self.values.of
                self._note([job.reason])
                self._hear(changes, LOOK if job.state is JobState.PENDING and not is_settled else None)
        self._note([])
        if self._is_announced:
            self.say(f"job {self.job.job_id} has been allocated resources")
        if self._signal:
            self._give_up()

    def _hear(self, changes: Changes, timeout: float | None) -> None:
        """Return when the job may have changed, a signal has come, or so many seconds have passed."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self._signal:
            left = None if end is None else max(end - time.monotonic(), 0.0)
            changed = changes.wait(left, self._bell[0])
            if changed is None or self.job.job_id in changed or left == 0.0:
                return

    def _pending(self, seen: float, waited: float) -> None:
        """It waits: say so, unless it is only being looked at; or give it up, if it was to start at once."""
        if seen < (BEGINNING if self._is_fresh else QUICK):
            return
        patience = self._patience()
        if patience is not None and waited >= patience:
            if not self._is_announced:
                self._hint()
            self.cancel()
            self.refuse_at_once()
        if self._is_announced:
            return
        self._is_announced = True
        for line in (*self._warnings(), *self.pending_words, "job {} queued and waiting for resources"):
            self.say(line.format(self.job.job_id))
        self._hint()

    def _warnings(self) -> list[str]:
        """What Slurm says of why it waits; of a heterogeneous job nothing."""
        if len(self.jobs) > 1:
            return []
        return [text for reason, text in WARNINGS.items() if self.job.reason.startswith(reason)]

    def _hint(self) -> None:
        """Why the machines that it waits for cannot be reached."""
        if not self.values.of.get("quiet"):
            from mini_slurm.cli.unreached import hints

            hints(self.program, self.job, self.job.reason, self.db)

    def refuse_at_once(self) -> None:
        """It was to start at once, and cannot. Raises Refused."""
        if len(self.jobs) > 1 and not self._patience():
            raise Refused(f"{self.failed}Job can not start immediately")
        if self.job.reason in NOT_ELIGIBLE and not self._patience():
            raise Refused(f"{self.failed}Job dependency problem")
        if self.job.reason.startswith("Partition"):
            raise Refused(f"{self.failed}{WARNINGS['Partition']}")
        raise Refused(f"{self.failed_at_once}{BUSY}")

    def _patience(self) -> float | None:
        """How long --immediate lets it wait; None: for ever."""
        if "immediate" not in self.values.of:
            return None
        seconds = self.values.number("immediate") or 0
        return {0: None, 1: 0.0}.get(seconds, float(seconds))

    def _give_up(self) -> None:
        self.cancel()
        self.tell_interrupted()
        raise Interrupted()

    def tell_cancelled(self) -> None:
        """Say that somebody else has given it up."""
        self.say("Job has been cancelled")

    def tell_interrupted(self) -> None:
        """Say that it was given up because of a signal."""
        self.say(f"Job allocation {self.job.job_id} has been revoked")
        self.say(f"Force Terminated JobId={self.job.job_id}")

    def remembered(self) -> dict[str, str]:
        """What the options leave behind for whoever uses the allocation."""
        found = dict(self.values.remembered)
        for offset, values in enumerate(self._values if len(self.jobs) > 1 else ()):
            found |= of_part(values.remembered, offset)
        return found

    # --- giving back

    def cancel(self) -> None:
        """It is not wanted any more."""
        body: dict[str, object] = {"job_id": self.job.job_id, "task": None, "array": False, "uid": os.getuid()}
        self._ask("cancel", body)

    def release(self, status: int) -> None:
        """It has served its purpose, and came to this wait status."""
        body: dict[str, object] = {
            "job_id": self.job.job_id,
            "uid": os.getuid(),
            "exit_code": status >> 8 & 0xFF,
            "exit_signal": status & 0x7F,
        }
        self._ask("release", body)

    def _ask(self, kind: str, body: dict[str, object]) -> None:
        database.request(self.db, kind, [body])
        self.wake()
        end = time.monotonic() + RETURN
        with closing(self.changes()) as changes:
            while not self.look().state.is_over and (left := end - time.monotonic()) > 0:
                changes.wait(left)
            self._see_results_home(changes)
        if self.job.state.is_over:
            self.leave()

    def _see_results_home(self, changes: Changes) -> None:
        """Wait for --stage-out, however long it takes; who does not want to is left alone with Ctrl-C."""
        if not any(one.of.get("stage_out") for one in self._values):
            return
        self._signal = 0
        with suppress(BlockingIOError):
            os.read(self._bell[0], 64)  # what has rung so far was heeded
        before = {number: signal.signal(number, self._note_signal) for number in TAKEN}
        while not self.look().state.is_over and not self._signal:
            self._note([self.job.reason])
            self._hear(changes, None)
        self._note([])
        for number, handler in before.items():
            signal.signal(number, handler)
        if self._signal:
            self.say(f"the results of job {self.job.job_id} are still on their way; mscancel gives them up")
        elif self.job.reason.startswith(STAGE_OUT):
            self.say(self.job.reason)

    def leave(self) -> None:
        """Nobody has to know any more whether this process lives."""
        if self.job.attendant:
            with suppress(OSError):
                os.unlink(os.path.join(self.state, FRONTS, self.job.attendant))


def variables(job: Job, db: sqlite3.Connection) -> dict[str, str]:
    """What Slurm sets for whoever uses an allocation that is there, of all its parts."""
    first = next(iter(parse_allocation(job.allocation).values()))
    fleet = common.fleet(db)
    cluster, aliases = fleet.name, fleet.node_aliases(parse_allocation(job.allocation))
    found = batch_environment(job, cluster=cluster, gpus_on_node=first.resources.visible_gpus, aliases=aliases)
    if job.het_job_id is not None:
        found |= het_environment(database.load_jobs(db, "het_job_id = ?", [job.het_job_id]), cluster)
    return {name: value for name, value in found.items() if name not in BATCH_ONLY}
