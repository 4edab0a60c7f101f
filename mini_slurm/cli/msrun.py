"""msrun: run a program on the machines of a job, or of an allocation of its own."""

from __future__ import annotations

import os

from mini_slurm.cli import common, exits
from mini_slurm.cli.allocation import Allocation, variables
from mini_slurm.cli.run_request import Run, options
from mini_slurm.cli.running_job import find
from mini_slurm.desk import submission
from mini_slurm.model.job import Job
from mini_slurm.model.numbers import checked
from mini_slurm.model.states import JobState
from mini_slurm.options.grammar import Setting, parse
from mini_slurm.options.srun import SRUN, SRUN_VARIABLES
from mini_slurm.steps import groups, hooks, srun, watch

ABOUT = "Run a program on the machines of a job, or get machines for it."
WORDS = "PROGRAM [ARGUMENT...]"
# of which tasks hear from a script or salloc alone
SAID = frozenset({"SLURM_HINT", "SLURM_MEM_PER_CPU", "SLURM_MEM_PER_NODE"})  # ... where their options were given
NOT_SRUNS = SAID | {
    *("SLURM_ACCTG_FREQ", "SLURM_CPUS_PER_GPU", "SLURM_GPUS", "SLURM_GPUS_PER_NODE", "SLURM_GPUS_PER_SOCKET"),
    *("SLURM_GPUS_PER_TASK", "SLURM_GPU_BIND", "SLURM_GPU_FREQ", "SLURM_MEM_PER_GPU", "SLURM_NODE_ALIASES"),
    "SLURM_PROFILE",
}


def main() -> None:
    """The console script."""
    common.leave(common.run("msrun", exits.heeding(msrun, options)))


def msrun(program: str, arguments: list[str]) -> int:
    """Run what the arguments describe; the exit status."""
    if "SLURM_JOB_ID" not in os.environ:
        common.leave_to_cluster(program, "srun", arguments, options(program))
    parts = groups.split(arguments)
    parsed = [_parse(program, words) for words in parts]
    settings = common.take_first(program, "msrun", [said for said, _ in parsed])
    if settings is None:
        return 0
    environment = srun.own_environment()
    parts = groups.filled(parts, [words for _, words in parsed])
    runs = [Run(program, words, environment) for words in parts]
    if any(run.texts.get("mpi") == "list" for run in runs):
        common.tell(srun.MPI_TYPES)
        return 0
    for run in runs:
        run.check()
    number = runs[0].texts.get("jobid")
    return alone(runs, settings) if number is None else within(program, number, arguments)


def _parse(program: str, words: list[str]) -> tuple[list[Setting], list[str]]:
    return parse(program, words, options(program), permute=False)


# --- within a job


def within(program: str, number: str, arguments: list[str]) -> int:
    """A step of a job that runs, in one of its parts or in several."""
    number = str(checked("--jobid", number))
    state, db = common.open_store()
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
        if "verbose" in run.texts:
            from mini_slurm.steps import said

            said.tell(program, run.texts, run.environment)
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
