"""What srun wants started, and what each machine of a step is told of it."""

from typing import Dict, List, NamedTuple, Tuple

from mini_slurm.agent.script import account
from mini_slurm.agent.step import JobSteps, Step
from mini_slurm.model.hostlist import compress
from mini_slurm.protocol import flat
from mini_slurm.protocol.messages import StartTasks
from mini_slurm.steps import environment
from mini_slurm.steps.layout import Part
from mini_slurm.steps.request import StepRequest, from_texts

PARTS = "SLURM_HET_SIZE"
TMPDIR = "/tmp"  # of a task whose srun knows of none


class Launch(NamedTuple):
    """One `launch` frame, in its order."""

    token: str  # srun's own name for this step: what comes twice begins once
    attempt: str  # of the job, as srun's environment has it
    job_id: str
    request: StepRequest
    programs: List[List[str]]  # one for all tasks, or one for each
    environment: Dict[str, str]
    own: List[str]  # names of variables that each machine has a value of its own for
    work_dir: str
    umask: int
    limits: Dict[str, Tuple[int, int]]
    inputs: str  # "all", "none" or a task's number
    prolog: str
    epilog: str
    pty: Tuple[int, int]
    labels: Dict[str, str]  # further variables for the tasks
    offsets: Dict[str, int]  # machine -> how much srun has of what it noted


def read(frame: List[bytes]) -> Launch:
    """The launch that a frame describes. Raises BadFrame."""
    try:
        _, token, attempt, job_id, request, programs, variables, own, folder, umask, limits, *rest = frame
        inputs, prolog, epilog, pty, labels, offsets = rest
        return Launch(
            flat.text(token),
            flat.text(attempt),
            flat.text(job_id),
            from_texts(flat.pairs(request)),
            [flat.strings(program) for program in flat.split(programs)],
            flat.pairs(variables),
            flat.strings(own),
            flat.text(folder),
            flat.number(umask),
            {name: _pair(text) for name, text in flat.pairs(limits).items()},
            flat.text(inputs),
            flat.text(prolog),
            flat.text(epilog),
            _pair(flat.text(pty)),
            flat.pairs(labels),
            {node: int(offset) for node, offset in flat.pairs(offsets).items()},
        )
    except ValueError as error:
        raise flat.BadFrame(f"not a launch: {error}") from None


def _pair(text: str) -> Tuple[int, int]:
    first, second = text.split()
    return int(first), int(second)


def message(step: Step, job: JobSteps, wanted: Launch, index: int) -> StartTasks:
    """What the machine of this number within the step is told."""
    parts = step.parts()
    part = parts[index]
    number = str(step.record["number"])
    per_task = len(wanted.programs) > 1
    record, first = step.record, step.record["first_task"]
    common = {
        **environment.of_step(number, step.nodelist, parts, record["distribution"].lower()),
        **record["shared"],
    }
    place = record["node_numbers"].get(part.node, index)
    return StartTasks(
        attempt=step.name,
        head=job.node,
        title=step.title(job),
        node=part.node,
        cpus=part.cpus,
        memory=part.memory if job.plan.get("constrain_memory", True) else 0,
        gpus=part.gpus,
        tasks=part.tasks,
        programs=[wanted.programs[task] for task in part.tasks] if per_task else wanted.programs,
        task_gpus={str(task): gpus for task, gpus in part.task_gpus.items()},
        environment={**_variables(wanted, common), **environment.of_node(place, part, first)},
        own=[*wanted.own, *_same_as_mine(wanted.environment)],
        task_environments=[environment.of_task(part, local, first) for local in range(len(part.tasks))],
        work_dir=wanted.work_dir,
        umask=wanted.umask,
        limits=wanted.limits,
        inputs=_inputs(wanted, part.tasks),
        prolog=wanted.prolog,
        epilog=wanted.epilog,
        pty=wanted.pty,
        time_limit=None if step.record["time_limit"] < 0 else step.record["time_limit"],
        kill_wait=job.plan["kill_wait"],
    )


def _variables(wanted: Launch, common: Dict[str, str]) -> Dict[str, str]:
    """What is the same for all tasks. Who asked for no layout, and has the machines to itself, is told of none."""
    request = wanted.request
    if request.alone and request.memory_per_node is None and request.memory_per_cpu is None:
        common.pop("SLURM_DISTRIBUTION" if not request.distribution else "", None)
    return {"TMPDIR": TMPDIR, **wanted.environment, **common, **_of_job(wanted)}


def _of_job(wanted: Launch) -> Dict[str, str]:
    """What srun adds that is no matter of the step: its options' marks, and Slurm's second name for the job's CPUs."""
    is_told = wanted.request.alone or PARTS in wanted.environment  # a heterogeneous job knows it of each part
    cpus = "" if is_told else wanted.environment.get("SLURM_JOB_CPUS_PER_NODE")
    return {**wanted.labels, **({"SLURM_JOB_CPUS_PER_NODE_PACK_GROUP_0": cpus} if cpus else {})}


def _same_as_mine(variables: Dict[str, str]) -> List[str]:
    """HOME and the like, where they are this machine's: another one has others."""
    return [name for name, value in account().items() if variables.get(name) == value]


def forecast(parts: List[Part], variables: Dict[str, str]) -> str:
    """What srun --test-only says of a step: it has its place in the job."""
    cpus = sum(len(part.cpus) for part in parts)
    names = compress([part.node for part in parts])
    return f"{cpus} processors on nodes {names} in partition {variables.get('SLURM_JOB_PARTITION', '')}"


def _inputs(wanted: Launch, tasks: List[int]) -> List[int]:
    if wanted.inputs == "all":
        return tasks
    return [task for task in tasks if str(task) == wanted.inputs]
