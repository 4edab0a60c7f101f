"""What msstat is asked for, and how the controller, and through it the machines, are asked for it."""

from __future__ import annotations

import time

from mini_slurm.cli import common, listing
from mini_slurm.errors import BadUsage, Refused
from mini_slurm.options import job_ids
from mini_slurm.output.stat_fields import Record, Task
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from typing import Any

    from mini_slurm.model.job import Job
    from mini_slurm.options.job_ids import JobId

PATIENCE = 10.0  # seconds to wait for the machines
PAUSE = 0.01  # seconds between two looks
COLUMNS = ("job_id", "array_job_id", "array_task_id", "array_tasks", "het_job_id", "het_offset")
SCRIPT = ""  # what an answer calls the batch step


def steps_named(program: str, texts: Iterable[str]) -> list[JobId]:
    """The jobs and steps that are named. Raises BadUsage."""
    try:
        return [job_ids.parse_selected(word) for text in texts for word in job_ids.split(text)]
    except ValueError as error:
        raise BadUsage(f"{program}: fatal: {error}", exit_code=1) from None


def measured(wanted: JobId, *, everything: bool) -> list[Record]:
    """The steps of a job that are meant: the one that is named, all, or the first of srun's. Raises Refused."""
    records: list[Record] = []
    for job in _running(wanted):
        steps = _own(job, _ask(job))
        shown = job.display_id
        names = [name for name in _names(steps, wanted, everything=everything) if name in steps]
        if not names and wanted.step is not None:
            raise _not_running(wanted)
        for name in names:
            record = steps[name]
            record.name = f"{shown}.{name or 'batch'}"
            records.append(record)
    return records


def _names(steps: dict[str, Record], wanted: JobId, *, everything: bool) -> list[str]:
    of_srun = sorted((name for name in steps if name != SCRIPT), key=_place)
    if wanted.step == job_ids.BATCH:
        return [SCRIPT]
    if wanted.step is not None:
        return [name for name in of_srun if _place(name)[0] == wanted.step][:1] or [str(wanted.step)]
    return [SCRIPT, *of_srun] if everything else of_srun[:1]


def _place(name: str) -> tuple[int, int]:
    """The number of a step, and of its component."""
    number, _, component = name.partition("+")
    return int(number), int(component or 0)


def _own(job: Job, steps: dict[str, Record]) -> dict[str, Record]:
    """Those of a part of a heterogeneous job; and by the names that components of a step have in any other."""
    found = {}
    for name, record in steps.items():
        number, _, part = name.partition("_")
        if job.het_job_id is not None and int(part or 0) == job.het_offset:
            found[number] = record
        elif job.het_job_id is None:
            has_others = any(other.startswith(f"{number}_") for other in steps) and name != SCRIPT
            found[f"{number}+{part or 0}" if has_others else number] = record
    return found


def _running(wanted: JobId) -> list[Job]:
    db = listing.open_to_read()
    where = queries.Where()
    number = wanted.part_of or wanted.number  # `12+1.0` is read as `12.0`
    where.jobs([number])
    if wanted.tasks is not None:
        where.among("array_task_id", wanted.tasks)
    jobs = queries.select_jobs(db, COLUMNS, where)
    if not jobs and not (wanted.tasks and _is_known(db, wanted.number)):
        raise Refused(f"couldn't get steps for job {wanted.number}")
    jobs = [job for job in jobs if job.het_job_id is None or job.job_id == number]  # each part has its own steps
    running = [job for job in jobs if job.state.name in ("RUNNING", "SUSPENDED")]
    if not running:
        raise _not_running(wanted)
    return running


def _is_known(db: sqlite3.Connection | None, number: int) -> bool:
    """Is there such a job, or such an array?"""
    where = queries.Where()
    where.jobs([number])
    return bool(queries.select_jobs(db, ("job_id",), where))


def _not_running(wanted: JobId) -> Refused:
    """What is named is known, but does not run."""
    if wanted.step is None:
        return Refused(f"No steps running for job {wanted.number}")
    step = wanted.text.partition(".")[2]
    return Refused(f"StepId={wanted.number}.{step} not found running.")


def _ask(job: Job) -> dict[str, Record]:
    """What each of the job's steps uses, by its number. Raises Refused."""
    from mini_slurm.store import database

    state, db = common.open_store()
    try:
        numbers = database.request(db, "measure", [{"job_id": job.het_job_id or job.job_id}])
        common.wake_controller(state)
        answer = _wait(db, numbers)
    finally:
        db.close()
    if answer is None:
        raise Refused(f"the machines of job {job.display_id} have not answered", hint="msinfo shows which are down")
    if answer["error"]:
        raise Refused(answer["error"])
    return _by_step(answer["parts"])


def _wait(db: sqlite3.Connection, numbers: list[int]) -> dict[str, Any] | None:
    from mini_slurm.store import database

    deadline = time.monotonic() + PATIENCE
    while not queries.is_answered(db, numbers[0]):
        if time.monotonic() > deadline:
            return None
        time.sleep(PAUSE)
    return database.take_answers(db, numbers)[0]


def _by_step(parts: list[dict[str, Any]]) -> dict[str, Record]:
    found: dict[str, Record] = {}
    for part in sorted(parts, key=lambda part: str(part["machine"])):
        for name, tasks in part["tasks"].items():
            record = found.setdefault(name, Record(name))
            record.nodes.append(part["machine"])
            record.pids += part["pids"].get(name, [])
            record.frequencies.append(part["frequency"])
            record.gpus += part["gpus"] if name == SCRIPT and part["gpus"] else []
            record.tasks += [Task(part["machine"], int(number), figures) for number, *figures in tasks]
    return found
