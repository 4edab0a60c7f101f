"""`scontrol listpids` and `pidinfo`: the processes of jobs on this machine, known by their environment."""

from __future__ import annotations

import os

from mini_slurm.cli import common, listing
from mini_slurm.model.job import Job
from mini_slurm.output.job_fields import ends
from mini_slurm.output.values import NULL
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from mini_slurm.cli.control.session import Session

PROC = "/proc"
NO_DAEMON = "stepd_available: Couldn't find nodename"  # what Slurm says where no slurmd runs
STEPS = ("batch", "extern", "interactive")
FOREVER = 365 * 86400  # seconds that Slurm says a job without a limit has left


class Process:
    """One process of a job: `task` is its number in the step, and in the job, if it is a task itself."""

    __slots__ = ("job_id", "pid", "step", "task")

    def __init__(self, pid: int, job_id: int, step: str, task: str | None) -> None:
        self.pid = pid
        self.job_id = job_id
        self.step = step
        self.task = task


def listpids(session: Session, verb: str, words: list[str]) -> None:
    """The processes of all jobs here, or of one job or step."""
    wanted = words[0] if words and not words[0].startswith("*") else ""
    number, _, step = wanted.partition(".")
    if wanted and not number.strip().isdecimal():
        session.fail(f'"{number}" does not look like a jobid')
        return
    listing.show([f"{'PID':<8} {'JOBID':<8} {'STEPID':<8} {'LOCALID':<7} {'GLOBALID':<8}"])
    if step and not (step.isdecimal() or step in STEPS):
        common.say(f'"{wanted}" does not look like a stepid')
        return
    found = [one for one in _processes() if not wanted or one.job_id == int(number)]
    found = [one for one in found if not step or one.step == step]
    if not found:
        where = words[1] if len(words) > 1 else NULL
        missing = f"{'StepId' if step else 'JobId'}={wanted} does not exist on node {where}."
        session.complain(NO_DAEMON)
        session.fail(missing if wanted else "No job steps exist on this node.")
    for one in found:
        task = "-" if one.task is None else one.task
        listing.show([f"{one.pid:<8} {one.job_id:<8} {one.step:<8} {task:<7} {task:<8}"])


def getent(session: Session, verb: str, words: list[str]) -> None:
    """What a job's own view of users and groups says: none has one here."""
    common.say(f"{session.program}: error: {NO_DAEMON}")
    common.say("No steps found on this node")


def pidinfo(session: Session, verb: str, words: list[str]) -> None:
    """Which job a process belongs to, and when that will end."""
    process = _process(int(words[0])) if words[0].isdecimal() else None
    job = _job(session, process.job_id) if process else None
    if job is None:
        session.fail("Failed to locate job for requested pid")
        return
    view = session.view()
    end = ends(job, view.now) or view.now + FOREVER
    listing.show([f"Slurm JobId={job.job_id} ends at {view.when(end)}"])
    listing.show([f"Job remaining time is {max(int(end - view.now), 0)} seconds"])


def _job(session: Session, number: int) -> Job | None:
    where = queries.Where()
    where.among("job_id", [number])
    columns = ("job_id", "start_time", "end_time", "begin_time", "time_limit")
    jobs = queries.select_jobs(session.db, columns, where)
    return jobs[0] if jobs else None


def _processes() -> Iterator[Process]:
    for name in sorted(filter(str.isdecimal, os.listdir(PROC)), key=int):
        process = _process(int(name))
        if process is not None:
            yield process


def _process(pid: int) -> Process | None:
    """A process that belongs to a job; None for another one, or one that cannot be looked into."""
    try:
        with open(f"{PROC}/{pid}/environ", "rb") as file:
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return None
    variables = dict(line.partition("=")[::2] for line in text.split("\0"))
    job_id = variables.get("SLURM_JOB_ID", "")
    if not (job_id.isdecimal() and "SLURMD_NODENAME" in variables):
        return None
    return Process(pid, int(job_id), variables.get("SLURM_STEP_ID", "batch"), variables.get("SLURM_PROCID"))
