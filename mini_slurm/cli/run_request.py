"""What msrun is asked for: a step, as a command line describes it, and the job of its own that it may want."""

from __future__ import annotations

import os
from itertools import groupby

from mini_slurm.cli import common
from mini_slurm.cli.running_job import ControllerTalk
from mini_slurm.desk import submission
from mini_slurm.errors import BadUsage, Fatal, Refused
from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.export import wanted
from mini_slurm.model.job import Job
from mini_slurm.options.grammar import Option, Setting
from mini_slurm.options.settle import TASK_NODES
from mini_slurm.options.srun import REFUSED, SRUN, in_job
from mini_slurm.options.table import STAGED
from mini_slurm.steps import groups, hosts, launch, srun
from mini_slurm.steps.front import Front
from mini_slurm.steps.outputs import Names
from mini_slurm.steps.request import JOB_NODES, names, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.options.collect import Values

# what the fleet has to say to it, with the job
OF_THE_FLEET = frozenset({"gpus", "gpus-per-node", "gpus-per-task", "gres"})
# of which tasks have their machine's value, where the login node has one
MACHINES_OWN = ("HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "HOSTNAME")
# what is said of the job and no matter of its only step
OF_THE_JOB = ("exclusive", "exclude", "immediate", "nodelist", "time", "gres", "gpus", "gpus-per-node")


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, SRUN, STAGED)


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
        groups.numbers(self.texts.get("het-group", "0"))

    def check_alone(self, given: list[Setting]) -> None:
        """Raises MiniSlurmError where the step, with an allocation of its own, cannot be what was asked for."""
        if "relative" in self.texts:
            number("relative", self.texts["relative"], 0)
            if "test-only" not in self.texts:
                raise Fatal("--relative option invalid for job allocation request")
        plan = self._plan_quietly()
        if "multi-prog" in self.texts and "ntasks" not in self.texts:
            self.texts["ntasks"] = str(plan.wanted.ntasks)  # as many as the file names
            given.append(Setting(next(row for row in SRUN if row.long == "ntasks"), self.texts["ntasks"]))

    def _plan_quietly(self) -> launch.Plan:
        """What is said of it is said when it begins. Raises MiniSlurmError, then after the warning before it."""
        texts = {name: text for name, text in self.texts.items() if name not in OF_THE_FLEET}
        try:
            return launch.read(self.program, {**texts, "quiet": "QQ"}, self.words, self.environment, [])
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
        if not self._is_alone:
            hosts.take(texts, self.environment)
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
