"""msrun: run a program on the machines of a job, or of an allocation of its own."""

from __future__ import annotations

import os
import time
from itertools import groupby

from mini_slurm.cli import common, submission
from mini_slurm.cli.allocation import Allocation, variables
from mini_slurm.errors import Fatal, Refused
from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.export import wanted
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.options.grammar import Option, Setting, parse
from mini_slurm.options.srun import REFUSED, SRUN, SRUN_VARIABLES, in_job
from mini_slurm.steps import hooks, launch, srun
from mini_slurm.steps.front import Front
from mini_slurm.steps.outputs import Names
from mini_slurm.steps.talk import CONTROLLER_SOCKET, GREETING, Talk
from mini_slurm.store import database

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

ABOUT = "Run a program on the machines of a job, or get machines for it."
WORDS = "PROGRAM [ARGUMENT...]"
# of which tasks have their machine's value, where the login node has one
MACHINES_OWN = ("HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "HOSTNAME")
# what is said of the job and no matter of its only step
OF_THE_JOB = ("exclusive", "exclude", "immediate", "nodelist", "time", "gres", "gpus", "gpus-per-node")
PATIENCE = 60.0  # seconds for a controller
REVIVE = 2.0  # seconds between two tries to start one


class ControllerTalk(Talk):
    """The connection to the controller, which is started where none runs."""

    def __init__(self, state: str) -> None:
        super().__init__(state, CONTROLLER_SOCKET, GREETING)
        self._state = state
        self._revived = 0.0

    def connect(self, patience: float) -> None:
        """Connect, however long a controller takes to start. Raises NoAgent."""
        super().connect(max(patience, PATIENCE))

    def _connect(self) -> bool:
        from mini_slurm.controller import autostart

        if super()._connect():
            return True
        if time.monotonic() > self._revived + REVIVE:
            self._revived = time.monotonic()
            autostart.revive(self._state)
        return False


def main() -> None:
    """The console script."""
    common.leave(common.run("msrun", msrun))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, SRUN)


def msrun(program: str, arguments: list[str]) -> int:
    """Run what the arguments describe; the exit status."""
    given, words = parse(program, arguments, options(program), permute=False)
    for setting in given:
        if setting.option.field in ("help", "usage", "version"):
            return _tell(program, setting.option.field)
        if setting.option is common.FLEET:
            common.use_fleet(setting.text or "")
    given = [setting for setting in given if setting.option is not common.FLEET]
    said = {setting.option.long: setting.text or "" for setting in given}
    if ":" in words:
        raise Refused("parts of a heterogeneous job can be asked for by msbatch alone")
    for name in sorted(REFUSED.intersection(said)):
        raise Refused(f"--{name} is not supported yet")
    if said.get("mpi") == "list":
        common.tell(srun.MPI_TYPES)
        return 0
    srun.check_mpi(said.get("mpi", ""))
    run = Run(program, arguments, given, words)
    return run.within(run.texts["jobid"]) if run.texts.get("jobid") else run.alone()


def _tell(program: str, what: str) -> int:
    if what == "version":
        print(common.version(program))
    else:
        from mini_slurm.cli import help

        help.show(program, "msrun", short=what == "usage")
    return 0


class Run:
    """One msrun."""

    def __init__(self, program: str, arguments: list[str], given: list[Setting], words: list[str]) -> None:
        self.program = program
        self.given = given
        self.words = words
        self.environment = srun.own_environment()
        own = {variable: row.long for row in SRUN if (variable := in_job(row))}
        self.texts, _ = srun.options(program, arguments, list(options(program)), own, self.environment)
        self.texts["submit-line"] = " ".join([program, *arguments])
        if self.texts.get("chdir"):
            self.texts["chdir"] = os.path.join(submission.working_folder(), self.texts["chdir"])

    # --- within a job

    def within(self, number: str) -> int:
        """A step of a job that runs."""
        state, db = common.open_store()
        job = _find(number, db)
        trouble = _trouble(number, job)
        if job is None or trouble:
            common.say(f"{self.program}: error: {trouble}")
            common.say(f"{self.program}: Check SLURM_JOB_ID environment variable. Expired or invalid job {number}")
            return 1
        return self._step(job, state, db)[0]

    # --- outside of jobs

    def alone(self) -> int:
        """An allocation of its own, and a step on all of it."""
        if "relative" in self.texts:
            raise Fatal("--relative option invalid for job allocation request")
        launch.read(self.program, {**self.texts, "quiet": ""}, self.words, self.environment, [])  # says what is wrong
        held = self._allocate()
        if held is None:
            return 0
        status = 1 << 8
        try:
            self._fit(held.job)
            code, status = self._step(held.job, held.state, held.db)
        finally:
            held.release(status)
        return code

    def _allocate(self) -> Allocation | None:
        """None: it was only asked when it would be there."""
        values = submission.read_front_values(self.program, self.given, (*SRUN, *SRUN_VARIABLES))
        command = self.words[0]
        job = submission.describe(values, submission.Script(b"", os.path.basename(command), command), self.words[1:])
        held = Allocation(self.program, job, values)
        if values.of.get("test_only"):
            from mini_slurm.cli.test_only import test_only

            test_only(self.program, job, values, held.db)
            return None
        held.admit()
        held.obtain()
        self.environment.update(values.remembered)
        return held

    def _fit(self, job: Job) -> None:
        """What the job came to is what its step takes: all of it."""
        for name in OF_THE_JOB:
            self.texts.pop(name, None)
        cpus = [share.resources.cpus for share in parse_allocation(job.allocation).values()]
        nodes = len(cpus)
        self.texts["nodes"] = str(nodes)
        if job.ntasks is not None and "overcommit" not in self.texts:
            self.texts["ntasks"] = str(max(job.ntasks, nodes))
        self.environment["SLURM_SUBMIT_DIR"] = submission.working_folder()
        self.environment["SLURM_SUBMIT_HOST"] = job.submit_host
        if "verbose" in self.texts:
            runs = ",".join(f"{number}(x{len(list(run))})" for number, run in groupby(cpus))
            common.say(f"{self.program}: jobid {job.job_id}: nodes({nodes}):`{job.node_list}', cpu counts: {runs}")

    # --- the step

    def _step(self, job: Job, state: str, db: sqlite3.Connection) -> tuple[int, int]:
        """Run it: the exit status, and what it came to."""
        environment = {**self.environment, **variables(job, db)}
        kept = launch.exported(environment, self.texts.get("export"))
        fixed = wanted(self.texts.get("export"))[1]
        own = [name for name in MACHINES_OWN if name in kept and name not in fixed]
        plan = launch.read(self.program, self.texts, self.words, environment, own)
        array, task = job.array_job_id or job.job_id, job.array_task_id
        names = Names(
            str(job.job_id),
            "",
            str(array),
            "4294967294" if task is None else str(task),
            job.user,
            self.texts.get("job-name") or job.name,
        )
        request = ["launch", os.urandom(8).hex(), "", str(job.job_id), *plan.fields]
        front = Front(plan.settings, ControllerTalk(state), request, names, plan.outputs)
        hooks.run(self.program, self.texts.get("prolog"), self.words)
        code = front.run()
        hooks.run(self.program, self.texts.get("epilog"), self.words)
        return code, front.wait_status


def _find(number: str, db: sqlite3.Connection) -> Job | None:
    """The job of this number, or the task `12_3` of an array."""
    first, _, task = number.partition("_")
    if not all(part.isascii() and part.isdigit() and len(part) < 19 for part in (first, task or first)):
        return None
    where = "array_job_id = ? AND array_task_id = ?" if task else "job_id = ?"
    found = database.load_jobs(db, where, [int(first), int(task)] if task else [int(first)])
    return found[0] if found else None


def _trouble(number: str, job: Job | None) -> str:
    """Why there can be no step in this job; "" when there can."""
    confirm = f"Unable to confirm allocation for job {number}: "
    if job is None:
        return confirm + "Invalid job id specified"
    if job.state is JobState.PENDING:
        return confirm + "Job is pending execution"
    if job.state.is_over or job.outcome is not None:
        return f"SLURM job {number} has expired."
    return ""
