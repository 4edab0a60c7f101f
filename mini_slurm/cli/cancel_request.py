"""What mscancel is asked for: which records its words and filters mean, and what each of them is to get."""

from __future__ import annotations

import os
import signal

from mini_slurm.cli import common, listing
from mini_slurm.errors import BadUsage, MiniSlurmError
from mini_slurm.model.arrays import tasks_of
from mini_slurm.model.job import Job, single_id
from mini_slurm.model.states import JobState
from mini_slurm.options import job_ids, listings
from mini_slurm.store.queries import Where, exists, select_jobs, select_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.options.job_ids import JobId
    from mini_slurm.options.listings import Chosen

COLUMNS = ("job_id", "array_job_id", "array_task_id", "array_tasks", "uid", "name", "partition", "state", "outcome",
           "het_job_id", "het_offset")  # fmt: skip
FILTERS = ("account", "me", "name", "nodelist", "partition", "qos", "reservation", "state", "user", "wckey")
VARIABLES = {
    "account": "SCANCEL_ACCOUNT", "batch": "SCANCEL_BATCH", "full": "SCANCEL_FULL", "name": "SCANCEL_NAME",
    "interactive": "SCANCEL_INTERACTIVE", "partition": "SCANCEL_PARTITION", "qos": "SCANCEL_QOS",
    "state": "SCANCEL_STATE", "user": "SCANCEL_USER", "verbose": "SCANCEL_VERBOSE",
}  # fmt: skip
CANNOT = 228  # exit status for a job that cannot be sent a signal now, as Slurm's error number 2020 leaves it


class Target:
    """A job record, one waiting task of an array record, or a step."""

    def __init__(self, job: Job, task: int | None = None, array: bool = False, step: int | None = None) -> None:
        self.job = job
        self.task = task
        self.step = step
        self.array = array  # the whole array

    @property
    def shown(self) -> str:
        """The number as users know it."""
        job = self.job
        if self.array:
            return str(job.array_job_id)
        if self.task is not None or job.array_task_id is not None:
            return f"{job.array_job_id}_{job.array_task_id if self.task is None else self.task}"
        return single_id(job)

    def cancel(self) -> dict[str, object]:
        """The request that ends it."""
        number = self.job.array_job_id if self.array or self.task is not None else self.job.job_id
        return {"job_id": number, "task": self.task, "array": self.array, "uid": os.getuid()}


def running_steps(job: Job, db: sqlite3.Connection) -> list[int]:
    """The numbers of a job's steps that run."""
    where = Where("end_time IS NULL")
    where.among("job_id", [job.job_id])
    return [step.number for step in select_steps(db, where)]


def signal_number(text: str) -> int:
    """The number of a signal by name or number. Raises BadUsage."""
    if text.isascii() and text.isdigit() and len(text) < 4 and 0 < int(text) < signal.NSIG:
        return int(text)
    name = text.upper()
    try:
        return int(signal.Signals[name if name.startswith("SIG") else f"SIG{name}"])
    except KeyError:
        raise BadUsage(f"Unknown job signal: {text}", exit_code=1) from None


def read_ids(program: str, words: list[str]) -> list[JobId]:
    """The jobs that the words name. Raises BadUsage."""
    try:
        return job_ids.parse_targets(words)
    except ValueError as error:
        raise BadUsage(f"{program}: error: Invalid job id {error}", exit_code=1) from None


def check(chosen: Chosen, ids: list[JobId]) -> None:
    """Something has to be named. Raises MiniSlurmError."""
    if not ids and not any(field in chosen for field in FILTERS):
        raise MiniSlurmError("No job identification provided")


def agreed(target: Target) -> bool:
    """-i: does the user say yes?"""
    job = target.job
    question = f"Cancel job_id={target.shown} name={job.name} partition={job.partition} [y/n]? "
    try:
        return input(question).strip().lower().startswith("y")
    except EOFError:
        return False


def targets(program: str, chosen: Chosen, ids: list[JobId], db: sqlite3.Connection) -> list[Target]:
    """What the words and filters mean among the jobs that are not over; what is unknown is said with -v."""
    where = conditions(program, chosen)
    if not ids:
        return [Target(job) for job in select_jobs(db, COLUMNS, where)]
    where.jobs({one.number for one in ids})
    jobs = select_jobs(db, COLUMNS, where)
    found: list[Target] = []
    filtered = any(field in chosen for field in FILTERS)
    for one in ids:
        meant = _meant(one, jobs, filtered)
        if one.step is not None:
            found += [Target(target.job, step=one.step) for target in meant if one.step >= 0]
            continue
        found += meant
        if "verbose" in chosen and "quiet" not in chosen:
            _tell(program, one, meant, db)
    return found


def conditions(program: str, chosen: Chosen) -> Where:
    """What the filters ask for, of jobs that are not over. Raises MiniSlurmError."""
    where = Where("state NOT IN ('COMPLETING')")
    where.states(frozenset(state for state in JobState if not state.is_over), 0.0)
    if "state" in chosen:
        where.among("state", [_state(chosen.text("state") or "")])
    if "user" in chosen:
        name = chosen.text("user") or ""
        number = listing.user_number(name)
        if number is None:
            raise MiniSlurmError(f"Invalid user name: {name}")
        where.among("uid", [number])
    if "me" in chosen:
        where.among("uid", [os.getuid()])
    for field, column in (("account", "account"), ("name", "name"), ("partition", "partition"), ("qos", "qos")):
        if field in chosen:
            where.among(column, [chosen.text(field)])
    if "nodelist" in chosen:
        where.among("node", listing.names(chosen.text("nodelist") or ""))
    if "reservation" in chosen:
        where.among("reservation", [chosen.text("reservation")])
    if "wckey" in chosen:
        where.add("0")  # a fleet has none
    return where


def _state(word: str) -> str:
    try:
        (state,) = listings.job_states([word]) or (None,)
    except listings.UnknownState:
        raise BadUsage(
            f"Invalid job state specified: {word}",
            "Valid job states are PENDING, RUNNING, and SUSPENDED",
            exit_code=1,
        ) from None
    return "" if state is None else state.name


def _meant(one: JobId, jobs: list[Job], filtered: bool) -> list[Target]:
    """The records of one word; a whole array is one target unless a filter may have left some of it out."""
    mine = [job for job in jobs if one.number in (job.job_id, job.array_job_id)]
    if one.part_of is not None:
        mine = [job for job in mine if job.het_job_id == one.part_of]
    if one.tasks is None:
        whole = [job for job in mine if job.array_job_id == one.number]
        if whole and not filtered:
            return [Target(whole[0], array=True)]
        return [Target(job) for job in mine]
    found = []
    for job in mine:
        if job.array_job_id != one.number:
            continue
        if job.array_tasks is not None:
            found += [Target(job, task) for task in tasks_of(job.array_tasks) if task in one.tasks]
        elif job.array_task_id in one.tasks:
            found.append(Target(job))
    return found


def _tell(program: str, one: JobId, meant: list[Target], db: sqlite3.Connection) -> None:
    """-v: what is ended, and why what is not."""
    for target in meant:
        common.say(f"{program}: Terminating job {target.shown}")
    if meant:
        return
    tasks = sorted(one.tasks or ())
    for shown in [f"{one.number}_{task}" for task in tasks] or [str(one.number)]:
        common.say(f"{program}: Terminating job {shown}")
        common.say(f"{program}: error: Kill job error on job id {shown}: {_why(one.number, db)}")


def _why(number: int, db: sqlite3.Connection) -> str:
    return "Job/step already completing or completed" if exists(db, number) else "Invalid job id specified"
