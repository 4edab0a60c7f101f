"""What mscancel is asked for: which records its words and filters mean, and what each of them is to get."""

from __future__ import annotations

import os
import time

from mini_slurm.cli import common, listing
from mini_slurm.errors import BadUsage, MiniSlurmError
from mini_slurm.model import signals
from mini_slurm.model.arrays import tasks_of
from mini_slurm.model.job import Job, single_id
from mini_slurm.model.signals import signal_number
from mini_slurm.model.states import JobState
from mini_slurm.options import job_ids, listings
from mini_slurm.store.queries import Where, select_jobs, select_steps
from mini_slurm.store.schema import UNFINISHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.options.job_ids import JobId
    from mini_slurm.options.listings import Chosen

COLUMNS = (
    *("job_id", "array_job_id", "array_task_id", "array_tasks", "uid", "name", "partition", "state"),
    *("het_job_id", "het_offset", "het_size"),
)
FILTERS = ("account", "me", "name", "nodelist", "partition", "qos", "reservation", "state", "user", "wckey")
VARIABLES = {
    "account": "SCANCEL_ACCOUNT", "clusters": "SLURM_CLUSTERS", "ctld": "SCANCEL_CTLD", "hurry": "SCANCEL_HURRY",
    "name": "SCANCEL_NAME", "partition": "SCANCEL_PARTITION", "qos": "SCANCEL_QOS", "user": "SCANCEL_USER",
    "wckey": "SCANCEL_WCKEY",
}  # fmt: skip
SWITCHES = {
    "batch": "SCANCEL_BATCH", "full": "SCANCEL_FULL", "interactive": "SCANCEL_INTERACTIVE",
    "verbose": "SCANCEL_VERBOSE",
}  # fmt: skip
NOT_ENDING = "state != 'COMPLETING'"
SIMPLE = frozenset({"ctld", "full", "hurry", "quiet", "sibling", "verbose", "clusters", "fleet"})
# exit statuses, as Slurm's error numbers leave them
CANNOT = 228  # 2020, for a job that cannot be sent a signal now
DENIED = 210  # 2002, for a job of somebody else
NO_STEP = 225  # 2017, for a step that does not run
NOT_HETEROGENEOUS = 58  # 2106, for a part of a job that has none
NOT_FEDERATED = 191  # for a sibling of a job that has none
# what -v calls the filters
LABELS = {
    "account": "account", "job_name": "name", "nodelist": "nodelist", "partition": "partition", "qos": "qos",
    "reservation": "reservation", "user_name": "user", "wckey": "wckey",
}  # fmt: skip


class Target:
    """A job record, one waiting task of an array record, or a step."""

    def __init__(self, job: Job, task: int | None = None, array: bool = False, step: int | None = None) -> None:
        self.job = job
        self.task = task
        self.step = step
        self.array = array  # the whole array
        self.is_told = False  # -v has said of it what is done

    @property
    def shown(self) -> str:
        """What is meant, as users know it."""
        return self.shown_job if self.step is None else f"{self.shown_job}.{self.step}"

    @property
    def shown_job(self) -> str:
        """The number of the job as users know it."""
        job = self.job
        if self.array:
            return str(job.array_job_id)
        shown = single_id(job)
        if self.task is not None or job.array_task_id is not None:
            shown = f"{job.array_job_id}_{job.array_task_id if self.task is None else self.task}"
        elif job.array_tasks is not None:
            shown = f"{job.array_job_id}_[{job.array_tasks}]"
        return shown

    def cancel(self) -> dict[str, object]:
        """The request that ends it."""
        number = self.job.array_job_id if self.array or self.task is not None else self.job.job_id
        return {"job_id": number, "task": self.task, "array": self.array, "uid": os.getuid()}


def running_steps(job: Job, db: sqlite3.Connection) -> list[int]:
    """The numbers of a job's steps that run."""
    return [number for job_id, number in all_running(job, db) if job_id == job.job_id]


def all_running(job: Job, db: sqlite3.Connection) -> list[tuple[int, int]]:
    """The steps of a job that run: the job's number and their own. Of a heterogeneous job those of its parts, too.

    One that runs in the first part is that part's, whichever others it runs in.
    """
    where = Where("end_time IS NULL")
    where.among("job_id", [*range(job.job_id, job.job_id + max(job.het_size, 1))])
    found = {step.number: step.job_id for step in reversed(select_steps(db, where))}
    return [(job_id, number) for number, job_id in sorted(found.items())]


def take_variables(program: str, chosen: Chosen) -> None:
    """What the environment says counts where an option was not given. Raises BadUsage."""
    for field, variable in VARIABLES.items():
        chosen.default(field, os.environ.get(variable))
    for field, variable in SWITCHES.items():
        text = os.environ.get(variable)
        if text is not None and text.lower() == "true":
            chosen.default(field, text)
        elif text is not None and text.lower() != "false":
            common.say(f"{program}: error: Unrecognized {variable} value: {text}")
    text = os.environ.get("SCANCEL_STATE")
    if text is not None and "state" not in chosen:
        _state(text, "Unrecognized SCANCEL_STATE value")
        chosen.default("state", text)


def read_signal(chosen: Chosen) -> int:
    """The number of the signal that is to be sent. Raises BadUsage."""
    text = chosen.text("signal") or ""
    number = signal_number(text) % 2**16 if "signal" in chosen else signals.NUMBERS["KILL"]
    if not number:
        raise BadUsage(f"Unknown job signal: {text}", exit_code=1)
    return number


def doing(number: int, chosen: Chosen, kind: str) -> str:
    """What -v says is done to a job or a step: `Signal 10 to batch job`."""
    how = {"batch": "batch ", "full": "full "}.get(next((one for one in ("batch", "full") if one in chosen), ""), "")
    what = f"{how}{kind}" if kind == "job" else kind
    return f"Signal {number} to {what}" if "signal" in chosen else f"Terminating {what}"


def read_ids(program: str, words: list[str]) -> list[JobId]:
    """The jobs that the words name. Raises BadUsage."""
    try:
        return job_ids.parse_targets(words)
    except ValueError as error:
        before = []
        if isinstance(error, job_ids.BadRange):
            before.append(f"{program}: error: _parse_single_range: {error.why}")
        raise BadUsage(*before, f"{program}: error: Invalid job id {error}", exit_code=1) from None


def check(chosen: Chosen, ids: list[JobId]) -> None:
    """Something has to be named. Raises MiniSlurmError."""
    if not ids and not any(field in chosen for field in FILTERS):
        raise MiniSlurmError("No job identification provided")


def agreed(target: Target) -> bool:
    """-i: does the user say yes?"""
    job = target.job
    named = f"job_id={Target(job).shown}" if target.step is None else f"step_id={target.shown}"
    answer = ""
    while answer not in ("y", "n"):
        try:
            answer = input(f"Cancel {named} name={job.name} partition={job.partition} [y/n]? ")[:1].lower()
        except EOFError:
            return False
    return answer == "y"


def targets(program: str, chosen: Chosen, ids: list[JobId], db: sqlite3.Connection) -> tuple[list[Target], int]:
    """What the words and filters mean among the jobs that are not over, and the exit status so far."""
    where = conditions(program, chosen)
    if not ids:
        _tell_loaded(program, chosen)
        jobs = select_jobs(db, COLUMNS, where)
        _tell_if_none(program, chosen, jobs)
        return [Target(job) for job in jobs], 0
    numbers = {one.number for one in ids}
    where.jobs(numbers)
    jobs = select_jobs(db, COLUMNS, where)
    if _is_simple(chosen, ids):
        return _named(program, chosen, ids, jobs, db)
    _tell_loaded(program, chosen)
    known = Where(UNFINISHED, NOT_ENDING)
    known.jobs(numbers)
    code = _miss(program, chosen, ids, select_jobs(db, COLUMNS, known))
    filtered = any(field in chosen for field in FILTERS)
    if _none_left(program, chosen, numbers, db):
        _tell_if_none(program, chosen, [])
    meant = [target for one in ids for target in _meant(one, jobs, filtered or "interactive" in chosen)]
    return _records(meant), code


def _records(meant: list[Target]) -> list[Target]:
    """Each record once, for a waiting task that of its array: Slurm means all that wait, where it looks jobs up."""
    found = {(one.job.job_id, one.step): Target(one.job, array=one.array, step=one.step) for one in meant}
    return list(found.values())


def _is_simple(chosen: Chosen, ids: list[JobId]) -> bool:
    """Are jobs only named, and to be ended? Slurm does not look them up then, and passes over what is unknown."""
    return SIMPLE.issuperset(chosen.given) and all(one.step is None for one in ids)


def _tell_loaded(program: str, chosen: Chosen) -> None:
    """Jobs are looked up: -v tells what Slurm loads for it."""
    if is_verbose(chosen):
        from mini_slurm.cli.verbose import loaded

        for line in loaded(chosen):
            common.say(f"{program}: {line}")


def _tell_if_none(program: str, chosen: Chosen, jobs: list[Job]) -> None:
    """-v: no job is what the filters ask for."""
    if jobs or not is_verbose(chosen):
        return
    given = {label: chosen.text(field) for label, field in LABELS.items() if field in chosen}
    if "state" in chosen:
        given["state"] = _state(chosen.text("state") or "", "")
    if "me" in chosen:
        given["user_name"] = str(os.getuid())
    if given:
        filters = "".join(f"{label}={value} " for label, value in sorted(given.items()))
        common.say(f"{program}: error: No active jobs match ALL job filters, including: {filters}")


def _none_left(program: str, chosen: Chosen, numbers: set[int], db: sqlite3.Connection) -> bool:
    """Does no job pass the filters? As Slurm counts: all that are not older than the oldest one that is named."""
    if not is_verbose(chosen):
        return False
    found = [job.job_id for job in select_jobs(db, COLUMNS, conditions(program, chosen))]
    known = Where(UNFINISHED, NOT_ENDING)
    known.jobs(numbers)
    oldest = min((job.job_id for job in select_jobs(db, COLUMNS, known)), default=None)
    return oldest is None or not any(number >= oldest for number in found)


def _named(
    program: str, chosen: Chosen, ids: list[JobId], jobs: list[Job], db: sqlite3.Connection
) -> tuple[list[Target], int]:
    """The targets of plain words, and the exit status; -v says what becomes of each."""
    found: list[Target] = []
    code = 0
    for one in ids:
        meant = _meant(one, jobs, filtered=False)
        if is_verbose(chosen):
            common.say(f"{program}: {doing(0, chosen, 'job')} {one.text}")
        why = _why_not(one, meant, chosen)
        if why is not None:
            common.say(f"{program}: error: Kill job error on job id {one.text}: {why[0]}")
            code = max(code, why[1])
            continue
        found += meant
        for target in meant:
            target.is_told = True
        if not meant and is_verbose(chosen):
            common.say(f"{program}: error: Kill job error on job id {one.text}: {_why(one, db)}")
    return found, code


def _why_not(one: JobId, meant: list[Target], chosen: Chosen) -> tuple[str, int] | None:
    """Why what is named so cannot be ended, and the exit status of that."""
    if "sibling" in chosen and meant:
        return "Not a valid federated job", NOT_FEDERATED
    if one.part_of is not None and any(target.job.het_job_id is None for target in meant):
        return "Job not heterogeneous job", NOT_HETEROGENEOUS
    return None


def _miss(program: str, chosen: Chosen, ids: list[JobId], jobs: list[Job]) -> int:
    """Complain of words that name no job that is not over; the exit status."""
    code = 0
    for one in ids:
        if _meant(one, jobs, filtered=True):
            continue
        code = 1
        if "quiet" not in chosen:
            kind = "job id" if one.step is None else "job step id"
            common.say(f"{program}: error: Kill job error on {kind} {one.text}: Invalid job id specified")
    return code


def is_verbose(chosen: Chosen) -> bool:
    """Is everything told? The last of -v and -Q counts."""
    return "verbose" in chosen and "quiet" not in chosen


def conditions(program: str, chosen: Chosen) -> Where:
    """What the filters ask for, of jobs that are not over. Raises MiniSlurmError."""
    where = Where(NOT_ENDING)
    where.states(frozenset(state for state in JobState if not state.is_over), 0.0)
    if "state" in chosen:
        where.among("state", [_state(chosen.text("state") or "", "Invalid job state specified")])
    if "user" in chosen:
        name = chosen.text("user") or ""
        number = listing.user_number(name)
        if number is None or (name.isdigit() and listing.user_name(number) is None):
            raise MiniSlurmError(f"Invalid user name: {name}")
        where.among("uid", [number])
    if "me" in chosen:
        where.among("uid", [os.getuid()])
    for field in ("account", "name", "partition", "qos", "reservation"):
        if field in chosen:
            where.among(field, [chosen.text(field)])
    if "nodelist" in chosen:
        where.on_nodes(_nodes(chosen.text("nodelist") or ""))
    if "wckey" in chosen:
        key = chosen.text("wckey") or ""  # a `*`, which marks one that nobody asked for, need not be given
        where.among("json_extract(extra, '$.wckey')", [key] if key.startswith("*") else [key, f"*{key}"])
    return where


def _nodes(text: str) -> list[str]:
    """The names of -w; a text with a slash is a file with names in it."""
    if "/" in text:
        try:
            with open(text, encoding="utf-8", errors="replace") as file:
                text = ",".join(file.read().split())
        except OSError:
            pass  # then it names no node
    return listing.nodes(text)


def _state(word: str, complaint: str) -> str:
    try:
        (state,) = listings.job_states([word]) or (None,)
    except listings.UnknownState:
        raise BadUsage(
            f"{complaint}: {word}", "Valid job states are PENDING, RUNNING, and SUSPENDED", exit_code=1
        ) from None
    return "" if state is None else state.name


def _meant(one: JobId, jobs: list[Job], filtered: bool) -> list[Target]:
    """The records of one word; a whole array is one target unless a filter may have left some of it out."""
    mine = [job for job in jobs if one.number in (job.job_id, job.array_job_id)]
    if one.part_of is not None:
        mine = [job for job in mine if (job.het_job_id or job.job_id) == one.part_of]
    if one.step is not None:
        return [Target(job, step=one.step) for job in mine if one.tasks is None or _tasks(job) & set(one.tasks)]
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


def _tasks(job: Job) -> set[int | None]:
    """The task that a record is, or those that wait in it."""
    return {job.array_task_id} if job.array_tasks is None else {*tasks_of(job.array_tasks)}


def _why(one: JobId, db: sqlite3.Connection) -> str:
    """Why nothing of this name can be ended: it is over, or is not known, or not any more."""
    where = Where()
    where.states(None, time.time())
    where.jobs([one.number])
    known = _meant(one, select_jobs(db, COLUMNS, where), filtered=True)
    return "Job/step already completing or completed" if known else "Invalid job id specified"
