"""`scontrol update stepid=JOB[.STEP] timelimit=TIME`: a step that runs, or all of a job, get another time limit."""

from __future__ import annotations

import time

from mini_slurm.cli.control.asking import NO_SUCH_JOB, PATIENCE, PAUSE, ask_one
from mini_slurm.model.numbers import leading_number
from mini_slurm.options.job_values import limit_seconds
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session
    from mini_slurm.model.step import Step

NO_ANSWER = "Unable to contact slurm controller (connect failure)"
UNLIMITED = -1  # minutes


class Stop(Exception):
    """Nothing is changed; what is to be said, line by line."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


def update(session: Session, words: list[str]) -> None:
    """Change the limit of the steps that the words name."""
    try:
        Wish(session, words).do()
    except Stop as stop:
        session.exit_code = 1
        for line in stop.lines:
            session.reject(line)


class Wish:
    """What one line asks for."""

    def __init__(self, session: Session, words: list[str]) -> None:
        self._session = session
        self._job, self._step = 0, ""  # the step is all that there are where none is named
        self._minutes: int | None = None
        for word in words:
            name, equals, value = word.partition("=")
            if not equals:
                raise Stop(f"Invalid input: {word}", "Request aborted", "slurm_update error: No error")
            if len(name) >= 4 and "stepid".startswith(name.lower()):
                self._name(word, value)
            elif len(name) >= 2 and "timelimit".startswith(name.lower()):
                self._minutes = self._limit(value)
            else:
                raise Stop(f"Update of this parameter is not supported: {word}", "Request aborted")
        if self._minutes is None:
            raise Stop("No changes specified")

    def _name(self, word: str, value: str) -> None:
        """`12` or `12.0`: as C reads it, the step of a name is that of 0."""
        self._job, rest = leading_number(value)
        if rest and not rest.startswith("."):
            raise Stop(f"Invalid StepID parameter: {word}", "Request aborted")
        self._step = str(leading_number(rest[1:])[0]) if rest else ""

    def _limit(self, value: str) -> int:
        """Minutes; with a sign, more or less than the step has now."""
        sign = value[:1] if value[:1] in ("+", "-") else ""
        try:
            seconds = limit_seconds(value[len(sign) :])
        except ValueError:
            self._session.complain("Invalid TimeLimit value")
            raise Stop from None
        minutes = UNLIMITED if seconds is None else seconds // 60
        return self._changed(sign, minutes) if sign else minutes

    def _changed(self, sign: str, minutes: int) -> int:
        steps = self._steps() if self._step else []
        if not queries.exists(self._session.db, self._job):
            name = f"{self._job}.{self._step}"
            self._session.complain(f"Could not load state information for step {name}: {NO_SUCH_JOB}")
        if not steps:
            raise Stop
        before = UNLIMITED if steps[0].time_limit is None else steps[0].time_limit // 60
        if sign == "+":
            return before + minutes
        if UNLIMITED in (before, minutes):
            return before
        if minutes > before:
            self._session.complain(f"TimeLimit decrement larger than current time limit ({minutes} > {before})")
            raise Stop
        return before - minutes

    def _steps(self) -> list[Step]:
        """Those that run now, of those that are named."""
        where = queries.Where("state = 'RUNNING'")
        where.add("job_id = ?", self._job)
        steps = queries.select_steps(self._session.db, where)
        return [step for step in steps if self._step in ("", str(step.number))]

    def do(self) -> None:
        """Ask for it, and wait until it is so. No minutes at all change nothing."""
        steps = self._steps()
        if not queries.exists(self._session.db, self._job) or (self._step and not steps):
            raise Stop(f"slurm_update error: {NO_SUCH_JOB}")
        minutes = self._minutes
        if not minutes:
            return
        seconds = None if minutes == UNLIMITED else minutes * 60
        for number in dict.fromkeys(step.number for step in steps):
            body = {"job_id": self._job, "step": number, "seconds": seconds}
            error = ask_one(self._session, "step_limit", body)
            if error:
                raise Stop(f"slurm_update error: {error}")
        self._await(seconds)

    def _await(self, seconds: int | None) -> None:
        """The job's first machine looks after its steps, and tells when it has changed them."""
        deadline = time.monotonic() + PATIENCE
        while any(step.time_limit != seconds for step in self._steps()):
            if time.monotonic() > deadline:
                self._session.advise("the job's machine does not answer now: try again when it does")
                raise Stop(f"slurm_update error: {NO_ANSWER}")
            time.sleep(PAUSE)
