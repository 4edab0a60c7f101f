"""mscancel: end jobs, or send them a signal."""

from __future__ import annotations

import os
import time

from mini_slurm.cli import cancel_request, cancel_targets, common, listing
from mini_slurm.cli.cancel_targets import Target
from mini_slurm.desk import places
from mini_slurm.model import signals
from mini_slurm.model.states import JobState
from mini_slurm.options import scancel
from mini_slurm.store.database import is_handled, request
from mini_slurm.store.queries import has_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.model.job import Job
    from mini_slurm.options.grammar import Option
    from mini_slurm.options.job_ids import JobId
    from mini_slurm.options.listings import Chosen

# exit statuses, as Slurm's error numbers leave them
CANNOT = 228  # 2020, for a job that cannot be sent a signal now
DENIED = 210  # 2002, for a job of somebody else
NO_STEP = 225  # 2017, for a step that does not run
STANDS_STILL = 187  # for a step of a job that is suspended
NOT_A_PART = 60  # for a part of a heterogeneous job
PATIENCE = 10.0  # seconds to wait for the controller
PAUSE = 0.01  # seconds between two looks

ABOUT = "End jobs, or send them a signal."
WORDS = "[JOB_ID[_TASK][.STEP]...]"


def main() -> int:
    """The console script."""
    return listing.leave(common.run("mscancel", mscancel))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, scancel.OPTIONS)


def mscancel(program: str, arguments: list[str]) -> int:
    """End or signal what the arguments choose; the exit status."""
    read = listing.read(program, arguments, options(program), "mscancel")
    if read is None:
        return 0
    chosen, words = read
    cancel_request.take_variables(program, chosen)
    number = cancel_request.read_signal(chosen)
    ids = cancel_request.read_ids(program, words)
    cancel_request.check(chosen, ids)
    state, db = common.open_store()
    if "clusters" in chosen or has_foreign(db) or not (places.only_fleet(db) or places.survey(db).fleet):
        from mini_slurm.cli.foreign import cancel

        left, code = cancel.cancel(cancel.Wish(program, arguments, chosen, ids), state, db)
        if left is None or (ids and not left):
            return code
        return _cancel(program, chosen, number, left, state, db) or code
    return _cancel(program, chosen, number, ids, state, db)


def _cancel(program: str, chosen: Chosen, number: int, ids: list[JobId], state: str, db: sqlite3.Connection) -> int:
    """End or signal jobs of the fleet; the exit status."""
    targets, code = cancel_targets.targets(program, chosen, ids, db)
    if "interactive" in chosen:
        targets = [target for target in targets if cancel_targets.agreed(target)]
    requests = Requests(program, chosen, number, db)
    for target in targets:
        if ids or not target.job.het_offset:  # its first part stands for a whole job
            requests.add(target)
    for kind, bodies in requests.bodies.items():
        _ask(program, state, db, kind, bodies)
    return max(code, requests.code)


class Requests:
    """What the controller is asked for, and the exit status that comes of what cannot be asked for."""

    def __init__(self, program: str, chosen: Chosen, number: int, db: sqlite3.Connection) -> None:
        self.bodies: dict[str, list[dict[str, object]]] = {"signal": [], "cancel": []}
        self.code = 0
        self._program = program
        self._chosen = chosen
        self._number = number
        self._db = db

    def add(self, target: Target) -> None:
        """One more job or step is to get what the options say."""
        if target.step is not None and target.job.state is JobState.PENDING:
            return  # a job that waits has no steps
        self._tell(target)
        if target.job.uid != os.getuid():
            self._refuse(target, "Access/permission denied", DENIED)
        elif target.job.het_offset and target.step is None:  # a heterogeneous job is ended as a whole
            from mini_slurm.scheduler.targets import NOT_WHOLE

            self._refuse(target, NOT_WHOLE, NOT_A_PART)
        elif target.step is not None:
            self._add_step(target, target.step)
        elif self._ends_all(target.job):
            self.bodies["cancel"].append(target.cancel())
        elif target.job.state in (JobState.PENDING, JobState.SUSPENDED):
            self._refuse(target, "Job can not be altered now, try again later", CANNOT)
        else:
            self._add_signal(target)

    def _ends_all(self, job: Job) -> bool:
        """Is the job to be over? A batch script that has not started, or stands still, cannot be ended alone."""
        is_whole = "batch" not in self._chosen or job.state in (JobState.PENDING, JobState.SUSPENDED)
        return self._number == signals.NUMBERS["KILL"] and is_whole

    def _tell(self, target: Target) -> None:
        """-v; where jobs are only named, it has been told in the words that name them."""
        if cancel_request.is_verbose(self._chosen) and not target.is_told:
            kind = "job" if target.step is None else "step"
            common.say(f"{self._program}: {cancel_request.doing(self._number, self._chosen, kind)} {target.shown}")

    def _refuse(self, target: Target, why: str, code: int) -> None:
        named = f"job id {target.shown}" if target.step is None else f"job step id {target.shown_job}"
        common.say(f"{self._program}: error: Kill job error on {named}: {why}")
        self.code = max(self.code, code)

    def _add_signal(self, target: Target) -> None:
        """A signal goes to the batch script with -b, to all processes with -f, else to the steps that run."""
        if self._number > signals.LAST:
            return
        if "batch" in self._chosen or "full" in self._chosen:
            self.bodies["signal"].append(self._signal(target, "batch" not in self._chosen))
        else:
            for job_id, step in cancel_targets.all_running(target.job, self._db):
                self.bodies["signal"].append({**self._signal(target, True), "job_id": job_id, "step": step})
            if self._number in (
                signals.NUMBERS["STOP"],
                signals.NUMBERS["CONT"],
            ):  # shown with no step too
                self.bodies["signal"].append({**self._signal(target, True), "is_noted": True})

    def _add_step(self, target: Target, step: int) -> None:
        if step not in cancel_targets.running_steps(target.job, self._db):
            if "signal" not in self._chosen:
                self._refuse(target, "Invalid job id specified", NO_STEP)
        elif target.job.state is JobState.SUSPENDED and "signal" in self._chosen:
            self._refuse(target, "Job step not running", STANDS_STILL)
        elif target.job.state is JobState.SUSPENDED:
            self._refuse(target, "Job can not be altered now, try again later", CANNOT)
        elif self._number <= signals.LAST:
            ends = "signal" not in self._chosen
            self.bodies["signal"].append({**self._signal(target, True), "step": step, "ends": ends})

    def _signal(self, target: Target, whole: bool) -> dict[str, object]:
        return {"job_id": target.job.job_id, "signal": self._number, "whole": whole, "uid": os.getuid()}


def _ask(program: str, state: str, db: sqlite3.Connection, kind: str, bodies: list[dict[str, object]]) -> None:
    """Store the requests and wait until the controller has dealt with them."""
    if not bodies:
        return
    numbers = request(db, kind, bodies)
    common.wake_controller(state)
    deadline = time.monotonic() + PATIENCE
    while not is_handled(db, numbers):
        if time.monotonic() > deadline:
            common.say(f"{program}: the controller has not answered yet; the request is stored and will be met")
            return
        time.sleep(PAUSE)
