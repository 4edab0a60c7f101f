"""`scontrol update jobid=ID KEY=VALUE...`."""

from __future__ import annotations

import time

from mini_slurm.cli import common, listing
from mini_slurm.cli.control.asking import NO_SUCH_JOB, ask_of_jobs
from mini_slurm.model.moments import BadMoment, parse_moment
from mini_slurm.options import job_ids
from mini_slurm.options.job_ids import split_acted
from mini_slurm.options.job_updates import SIZES, TAGS
from mini_slurm.options.job_values import BadValue, Unread
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_slurm.cli.control.session import Session
    from mini_slurm.options.job_values import Reader
    from mini_slurm.options.tags import Tag

INTO_STATE = ("job_id", "array_job_id", "array_task_id", "array_tasks", "time_limit", "name", "uid")


class Stop(Exception):
    """The words do not make an update; what is to be said, line by line."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


class Nothing(Exception):
    """There is nothing to change, and all has been said."""


def update(session: Session, words: list[str]) -> None:
    """Change the jobs that the words name."""
    try:
        wish = Wish(session, words)
        jobs = split_acted(wish.jobs)
        sized = wish.check_single() if any(key in wish.changes for key in SIZES) else None
    except Stop as stop:
        for line in stop.lines:
            session.fail(line)
        return
    except Nothing:
        return
    session.speaks_of_records(first=False)
    if jobs is None:
        session.fail(f"{NO_SUCH_JOB} for job {wish.jobs}")
        return
    errors = ask_of_jobs(session, "update", jobs, {"changes": wish.changes})
    if sized is not None and not any(errors):
        from mini_slurm.cli.control.resize import leave_scripts

        leave_scripts(session, sized)


class Wish:
    """What one line asks for."""

    def __init__(self, session: Session, words: list[str]) -> None:
        self._session = session
        self._uid: int | None = None
        self.jobs = ""
        self._is_named = False
        self.changes: dict[str, Any] = {}
        rest = list(words)
        while rest:
            self._take(rest)
        if not self.changes:
            raise Stop("No changes specified")
        if not self.jobs and "JobName" in self.changes:
            self.jobs = self._of_name(self.changes["JobName"])
        if not self._is_named and not self.jobs:
            raise Stop(self._error("No job ID specified"))

    def _error(self, text: str) -> str:
        return f"{self._session.program}: error: {text}"

    def _take(self, rest: list[str]) -> None:
        """One key with its value, which may also be the next word."""
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        sign = ""
        if equals and name[-1:] in ("+", "-"):
            name, sign = name[:-1], name[-1]
        elif not equals and _means(name, "nice", 2):
            self.changes["Nice"] = 100
            return
        elif not equals and _means(name, "resetaccruetime", 3):
            self.changes["ResetAccrueTime"] = True
            return
        elif not equals and not rest:
            raise Stop(f"Invalid input: {word}", "Request aborted")
        elif not equals:
            word = value = rest.pop(0)  # scontrol names the value where it does not know the key
        if _means(name, "jobid", 3):
            self.jobs, self._is_named = value, True
        elif _means(name, "userid", 3):
            self._uid = listing.user_number(value)
            if self._uid is None:
                raise Stop(f"Invalid UserID: {value}", "Request aborted")
        else:
            self._change(word, name, sign, value)

    def _change(self, word: str, name: str, sign: str, value: str) -> None:
        tag = next((tag for tag in TAGS if tag.fits(name)), None)
        if tag is None:
            raise Stop(f"Update of this parameter is not supported: {word}", "Request aborted")
        try:
            if tag.key == "TimeLimit":
                self.changes[tag.key] = self._time_limit(tag, sign, value)
            elif tag.key == "AdminComment" and sign == "+":
                self.changes[tag.key] = f"+={value}"
            elif sign:
                raise BadValue(f"Option {word} does not accept [+|-]= syntax")
            elif tag.key == "TresPerNode" and tag.key in self.changes:
                self.changes[tag.key] += "," + tag.read(_moment, value)
            else:
                self._set(tag, tag.read(_moment, value))
        except BadMoment as error:
            common.say(str(error))
            self._set(tag, 0.0)
        except Unread as error:
            common.say(self._error(str(error)))
            raise Nothing from None
        except BadValue as error:
            raise Stop(*error.lines if error.plain else map(self._error, error.lines)) from None

    def _set(self, tag: Tag[Reader], value: Any) -> None:
        """A moment that was not understood is no change; only EndTime counts as one that changes nothing."""
        if value or tag.key not in ("StartTime", "Deadline"):
            self.changes[tag.key] = value

    def _time_limit(self, tag: Tag[Reader], sign: str, value: str) -> int | None:
        """A limit, or how much more or less than the present one."""
        if value[:1] in ("+", "-"):
            if sign:
                raise BadValue("Invalid syntax, variations of +=- are not accepted.")
            sign, value = value[0], value[1:]
        limit: int | None = tag.read(_moment, value)
        if not sign:
            return limit
        if not self.jobs:
            raise BadValue("JobId must precede TimeLimit increment or decrement")
        before = self._present_limit()
        if before is None or limit is None:
            return None
        if sign == "+":
            return before + limit
        if limit > before:
            raise BadValue(f"TimeLimit decrement larger than current time limit ({limit // 60} > {before // 60})")
        return before - limit

    # --- looking at jobs

    def _records(self) -> list[Any]:
        """The records of the one job that is named. Raises Stop."""
        try:
            one = job_ids.parse_acted(self.jobs)
        except ValueError:
            raise Stop(self._error(f"Invalid job ID {self.jobs}")) from None
        where = queries.Where()
        where.states(None, self._session.view().now)
        where.jobs([one.number])
        jobs = queries.select_jobs(self._session.db, INTO_STATE, where)
        if not jobs:
            raise Stop(self._error(f"Could not load state information for job {self.jobs}: {NO_SUCH_JOB}"))
        return [job for job in jobs if one.tasks is None or _has_task(job, one.tasks)] or jobs[:1]

    def _present_limit(self) -> int | None:
        records = self._records()
        if len(records) > 1:
            raise Stop(self._error("TimeLimit increment/decrement not supported for job arrays"))
        limit: int | None = records[0].time_limit
        return limit

    def check_single(self) -> int:
        """The size of one job can be changed at a time: its number. Raises Stop."""
        job, *others = self._records()
        if others:
            raise Stop(self._error("Job resizing not supported for job arrays"))
        return int(job.job_id)

    def _of_name(self, name: str) -> str:
        """The numbers of all jobs of a name. Raises Stop."""
        where = queries.Where()
        where.states(None, self._session.view().now)
        where.among("name", [name])
        if self._uid is not None:
            where.among("uid", [self._uid])
        jobs = queries.select_jobs(self._session.db, INTO_STATE, where)
        if not jobs:
            whose = f"user ID {self._uid} and name" if self._uid is not None else "name"
            raise Stop(self._error(f"No jobs with {whose} '{name}'"))
        return ",".join(str(job.job_id) if job.array_tasks is not None else job.display_id for job in jobs)


def _means(word: str, name: str, shortest: int) -> bool:
    return len(word) >= shortest and name.startswith(word.lower())


def _has_task(job: Any, tasks: frozenset[int]) -> bool:
    from mini_slurm.model.arrays import tasks_of

    return job.array_task_id in tasks or (
        job.array_tasks is not None and bool(tasks.intersection(tasks_of(job.array_tasks)))
    )


def _moment(text: str) -> float:
    return parse_moment(text, time.time(), time.localtime, time.mktime)
