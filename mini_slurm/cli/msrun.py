"""msrun: run a program on the machines of a job, or of an allocation of its own."""

from __future__ import annotations

import os
import time
from itertools import groupby

from mini_slurm.cli import common, exits
from mini_slurm.cli.allocation import Allocation, variables
from mini_slurm.desk import submission
from mini_slurm.errors import BadUsage, Fatal, Refused
from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.export import wanted
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.options.grammar import Option, Setting, parse
from mini_slurm.options.settle import TASK_NODES
from mini_slurm.options.srun import REFUSED, SRUN, SRUN_VARIABLES, in_job
from mini_slurm.options.table import STAGED
from mini_slurm.steps import groups, hooks, launch, srun, watch
from mini_slurm.steps.front import Front
from mini_slurm.steps.outputs import Names
from mini_slurm.steps.request import JOB_NODES, names, number
from mini_slurm.steps.talk import CONTROLLER_SOCKET, GREETING, Talk
from mini_slurm.store import database

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.options.collect import Values

ABOUT = "Run a program on the machines of a job, or get machines for it."
WORDS = "PROGRAM [ARGUMENT...]"
# of which tasks have their machine's value, where the login node has one
MACHINES_OWN = ("HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "HOSTNAME")
# what is said of the job and no matter of its only step
OF_THE_JOB = ("exclusive", "exclude", "immediate", "nodelist", "time", "gres", "gpus", "gpus-per-node")
# of which tasks hear from a script or salloc alone
SAID = frozenset({"SLURM_HINT", "SLURM_MEM_PER_CPU", "SLURM_MEM_PER_NODE"})  # ... where their options were given
NOT_SRUNS = SAID | {
    *("SLURM_ACCTG_FREQ", "SLURM_CPUS_PER_GPU", "SLURM_GPUS", "SLURM_GPUS_PER_NODE", "SLURM_GPUS_PER_SOCKET"),
    *("SLURM_GPUS_PER_TASK", "SLURM_GPU_BIND", "SLURM_GPU_FREQ", "SLURM_MEM_PER_GPU", "SLURM_NODE_ALIASES"),
    "SLURM_PROFILE",
}
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
    common.leave(common.run("msrun", exits.heeding(msrun, options)))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, SRUN, STAGED)


def msrun(program: str, arguments: list[str]) -> int:
    """Run what the arguments describe; the exit status."""
    if "SLURM_JOB_ID" not in os.environ:
        common.leave_to_cluster(program, "srun", arguments, options(program))
    parts = groups.split(arguments)
    settings = common.take_first(program, "msrun", [_parse(program, words)[0] for words in parts])
    if settings is None:
        return 0
    environment = srun.own_environment()
    runs = [Run(program, words, environment) for words in parts]
    if any(run.texts.get("mpi") == "list" for run in runs):
        common.tell(srun.MPI_TYPES)
        return 0
    for run in runs:
        run.check()
    number = runs[0].texts.get("jobid")
    return within(program, number, arguments) if number else alone(runs, settings)


def _parse(program: str, words: list[str]) -> tuple[list[Setting], list[str]]:
    return parse(program, words, options(program), permute=False)


# --- within a job


def within(program: str, number: str, arguments: list[str]) -> int:
    """A step of a job that runs, in one of its parts or in several."""
    state, db = common.open_store()
    if not number.partition("_")[0].isdigit():
        raise Refused(f'Invalid numeric value "{number}" for --jobid.')
    job = find(number, db)
    trouble = _trouble(number, job)
    if job is None or trouble:
        common.say(f"{program}: error: {trouble}")
        common.say(f"{program}: Check SLURM_JOB_ID environment variable. Expired or invalid job {number}")
        return 1
    is_whole = job.het_job_id is None
    known = {name: text for name, text in variables(job, db).items() if name not in SAID}
    own = srun.own_environment()

    def read(words: list[str]) -> tuple[dict[str, str], list[str]]:
        return srun.options(program, words, list(options(program)), {}, {})

    runs = []
    for one in groups.components(arguments, own if is_whole else {**own, **known}, read):
        run = Run(program, one.words, one.environment)
        run.environment = {**one.environment, **known} if is_whole else one.environment
        run.component = one
        run.texts["submit-line"] = " ".join([program, *arguments])
        runs.append(run)
    return step(runs, job, state)[0]


# --- outside of jobs


def alone(runs: list[Run], settings: list[list[Setting]]) -> int:
    """An allocation of their own, and a step on all of it; or one in each of its parts."""
    for run, given in zip(runs, settings, strict=True):
        run.check_alone(given)
    held = _allocate(runs, settings)
    if held is None:
        return 0
    status = 1 << 8
    try:
        code, status = _run_all(held, runs)
    finally:
        held.release(status)
    return code


def _allocate(runs: list[Run], settings: list[list[Setting]]) -> Allocation | None:
    """None: it was only asked when it would be there."""
    program = runs[0].program
    values = submission.read_front_parts(program, settings, (*SRUN, *SRUN_VARIABLES), common.say)
    held = Allocation(program, [run.job(one) for run, one in zip(runs, values, strict=True)], values)
    if values[0].of.get("verbose"):
        from mini_slurm.cli import defined

        for line in defined.lines(values[0], SRUN, runs[0].texts):
            held.say(line)
    if values[0].of.get("test_only"):
        from mini_slurm.cli.test_only import test_only

        for job, one in zip(held.jobs, values, strict=True):
            test_only(program, job, one, held.db)
        return None
    held.admit()
    held.obtain()
    return held


def _run_all(held: Allocation, runs: list[Run]) -> tuple[int, int]:
    """The exit status, and what the steps came to."""
    known = {**held.remembered(), **variables(held.job, held.db)}
    environment = {**runs[0].environment, **{name: known[name] for name in known.keys() - NOT_SRUNS}}
    for group, run in enumerate(runs):
        run.environment = groups.of_group(environment, group) if len(runs) > 1 else environment
        run.fit(held.jobs[group])
    if len(runs) > 1:
        for group, run in enumerate(runs):
            run.component = groups.Component(group, run.words, {})
            run.component.tell(environment, len(runs))
        groups.bind([run.component for run in runs if run.component])
    return step(runs, held.job, held.state)


def step(runs: list[Run], job: Job, state: str) -> tuple[int, int]:
    """Run a step of these components: the exit status, and what it came to."""
    begun = [run.begin(job, state) for run in runs]
    first = runs[0]
    hooks.run(first.program, first.texts.get("prolog"), first.words)
    code = watch.run(begun)
    hooks.run(first.program, first.texts.get("epilog"), first.words, "epilog")
    return code, watch.wait_status(begun)


class Run:
    """One step, as a command line describes it."""

    def __init__(self, program: str, arguments: list[str], environment: dict[str, str]) -> None:
        self.program = program
        self._is_alone = False  # is the job there for this step only?
        self.component: groups.Component | None = None  # of a step that has several, or in a part of a job
        self._task_nodes: str | None = None  # the machine of each task in turn, where they were named
        self.environment = dict(environment)
        own = {variable: row.long for row in SRUN if in_job(row) for variable in row.env}
        self.texts, self.words = srun.options(program, arguments, list(options(program)), own, environment)
        self._is_of_job = "nodes" in self.texts and self.texts["nodes"] == environment.get(JOB_NODES)
        self.texts["submit-line"] = " ".join([program, *arguments])
        launch.drop_terminal(program, self.texts)
        if self.texts.get("chdir"):
            self.texts["chdir"] = os.path.join(submission.working_folder(), self.texts["chdir"])

    def check(self) -> None:
        """Raises Refused for what cannot be had."""
        for name in sorted(REFUSED.intersection(self.texts)):
            raise Refused(f"--{name} is not supported yet")
        for row in STAGED if "jobid" in self.texts else ():
            if row.long in self.texts:
                raise Refused(f"--{row.long} is for a job of its own: this is a step of job {self.texts['jobid']}")
        srun.check_mpi(self.texts)
        groups.numbers(self.texts.get("het-group", ""))

    def check_alone(self, given: list[Setting]) -> None:
        """Raises MiniSlurmError where the step, with an allocation of its own, cannot be what was asked for."""
        if "relative" in self.texts:
            number("relative", self.texts["relative"], 0)
            raise Fatal("--relative option invalid for job allocation request")
        plan = self._plan_quietly()
        if "multi-prog" in self.texts and "ntasks" not in self.texts:
            self.texts["ntasks"] = str(plan.wanted.ntasks)  # as many as the file names
            given.append(Setting(next(row for row in SRUN if row.long == "ntasks"), self.texts["ntasks"]))

    def _plan_quietly(self) -> launch.Plan:
        """What is said of it is said when it begins. Raises MiniSlurmError, then after the warning before it."""
        try:
            return launch.read(self.program, {**self.texts, "quiet": ""}, self.words, self.environment, [])
        except BadUsage:
            if "cpu-bind" in self.texts and "quiet" not in self.texts:
                common.say(f"{self.program}: {launch.NO_BINDING}")
            raise

    def job(self, values: Values) -> Job:
        """What is asked for, to run the step on."""
        command = self.words[0]
        self._task_nodes = values.text(TASK_NODES)
        job = submission.describe(values, submission.Script(b"", os.path.basename(command), command), self.words[1:])
        if self._task_nodes is not None and "ntasks" not in self.texts:
            job.ntasks = len(names(self._task_nodes))  # srun counts a machine as often as it is named
        return job

    def fit(self, job: Job) -> None:
        """What the job came to is what its step takes: all of it."""
        self._is_alone = True
        for name in OF_THE_JOB:
            self.texts.pop(name, None)
        if self._task_nodes is not None:
            self.texts |= {"distribution": "arbitrary", "nodelist": self._task_nodes}
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

    def begin(self, job: Job, state: str) -> Front:
        """What sees it through, once all components are there."""
        texts = self.component.complete(self.texts) if self.component else self.texts
        kept = launch.exported(self.environment, texts.get("export"))
        fixed = wanted(texts.get("export"))[1]
        own = [name for name in MACHINES_OWN if name in kept and name not in fixed]
        self.words = self._delivered(job, state)
        plan = launch.read(self.program, texts, self.words, self.environment, own)
        names = _names(job, texts)
        plan.mark(alone=self._is_alone, of_job=self._is_of_job and not self._is_alone)
        if self.component:
            plan.mark(**self.component.marks)
            self.component.name(names)
        request = ["launch", os.urandom(8).hex(), "", str(job.job_id), *plan.fields]
        return Front(plan.settings, ControllerTalk(state), request, names, plan.outputs)

    def _delivered(self, job: Job, state: str) -> list[str]:
        """What is to run, with --bcast its copy. Raises Refused."""
        if "bcast" not in self.texts:
            return self.words
        from mini_slurm.steps import bcast, sbcast

        target = sbcast.Target(str(job.job_id), "", ControllerTalk(state), self.environment)
        target.limits = self.component.limits if self.component else {}
        return bcast.deliver(self.program, self.texts, self.words, target)


def _names(job: Job, texts: dict[str, str]) -> Names:
    """What the symbols in the names of output files stand for."""
    array, task = job.array_job_id or job.job_id, job.array_task_id
    return Names(
        str(job.job_id),
        "",
        str(array),
        "4294967294" if task is None else str(task),
        job.user,
        texts.get("job-name") or job.name,
    )


def find(number: str, db: sqlite3.Connection) -> Job | None:
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
        return f"Slurm job {number} has expired"
    if job.het_offset:
        from mini_slurm.scheduler.targets import NOT_LEADER

        return confirm + NOT_LEADER
    return ""
