"""What a job asks for and what it holds, as Slurm counts it: CPUs, tasks, trackable resources (`cpu=1,mem=500M`)."""

from __future__ import annotations

from mini_slurm.model.numbers import LARGEST
from mini_slurm.model.request import ASKED_NODES, MEMORY_CPUS, TRES_CPUS, TRES_MEMORY, extra, number, shown_nodes
from mini_slurm.model.states import JobState
from mini_slurm.output.values import gres, size

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from mini_slurm.model.job import Job
    from mini_slurm.model.step import Step

RESOURCES = ("cpu", "mem", "energy", "node", "billing", "fs/disk", "vmem", "pages", "gres/gpu")  # in Slurm's order
SHARD, GPU_MEMORY = "shard", "gpumem"
SHARING = {0: "OK", 1: "NO", 2: "USER", 3: "MCS", 4: "YES"}


def requested_cpus(job: Job) -> int:
    """CPUs that a job gets at least: a task on each machine, where their number is certain, unless more was said."""
    if job.min_cpus is not None:
        return job.min_cpus
    if "overcommit" in extra(job):
        return asked_nodes(job)
    certain = job.max_nodes is None or job.max_nodes == job.nodes
    of_nodes = job.nodes if certain else job.nodes * (job.ntasks_per_node or 0) or 1
    return (job.ntasks or of_nodes) * (job.cpus_per_task or 1)


def cpus(job: Job) -> int:
    """CPUs allocated, or those that a waiting job will get at least."""
    waits = job.state is JobState.PENDING
    return requested_cpus(job) if waits or not job.alloc_cpus else job.alloc_cpus


def node_list(job: Job) -> str:
    """Where the job is or was, as a hostlist; a job that waits again is nowhere."""
    return "" if job.state is JobState.PENDING else job.node_list or job.node or ""


def nodes(job: Job) -> int:
    """Machines allocated, or those that a waiting job will get at least."""
    names = node_list(job)
    if "," not in names and "[" not in names:
        return 1 if names else shown_nodes(job)
    from mini_slurm.model.hostlist import expand

    return len(expand(names))


def asked_nodes(job: Job) -> int:
    """Machines that were asked for; `Job.nodes` says how many the tasks need, where nobody did."""
    if job.max_nodes is not None:
        return job.nodes
    if job.required_nodes is None or ASKED_NODES in extra(job):
        return number(job, ASKED_NODES) or 1
    from mini_slurm.model.hostlist import expand

    return len(set(expand(job.required_nodes)))


def tasks(job: Job) -> int | None:
    """Tasks asked for, else one for each machine; None for a job that ended without having had any.

    Where the tasks of a machine were said, a job that got machines shows that many on each.
    """
    if job.ntasks is not None and not (job.ntasks_per_node and job.alloc_cpus):
        return job.ntasks
    return nodes(job) * (job.ntasks_per_node or 1) if job.state is JobState.PENDING or job.alloc_cpus else None


def requested(job: Job, whole: int = 0) -> str:
    """What a job waits for; `whole` is the memory in MiB that --mem=0 stands for, on one machine."""
    count = requested_cpus(job)
    gpus = _requested_gpus(job)
    gpus = 1 if gpus >= LARGEST else gpus  # as Slurm shows what it was asked for -1 times
    written = _written(
        number(job, TRES_CPUS) or count, _requested_memory(job, count, gpus, whole), asked_nodes(job), gpus
    )
    return ",".join([written, *_parts(job, asked_nodes(job))])


def allocated(job: Job) -> str | None:
    """What a job holds or held; None for one that never started."""
    if not job.alloc_cpus:
        return None
    written = _written(job.alloc_cpus, job.alloc_memory, nodes(job), _count(job.alloc_gpus))
    return ",".join([written, *_parts(job, nodes(job))])


def _parts(job: Job, count: int) -> list[str]:
    return [f"gres/{name}={size(n * count) if name == GPU_MEMORY else n * count}" for name, n in parts(job)]


def parts(job: Job) -> list[tuple[str, int]]:
    """The parts of GPUs that it asks for on each machine: shards, and MiB of memory."""
    if not job.gres or (SHARD not in job.gres and GPU_MEMORY not in job.gres):
        return []
    from mini_slurm.model.gpu_request import gpu_parts

    wanted = gpu_parts(job)
    sums = ((GPU_MEMORY, sum(one.memory for one in wanted)), (SHARD, sum(one.shards for one in wanted)))
    return [(name, amount) for name, amount in sums if amount]


def shown(job: Job, whole: Mapping[str, int]) -> str:
    """What a job holds or held, else what it asks for; `whole`: partition -> MiB that --mem=0 stands for."""
    return allocated(job) or requested(job, whole.get(job.partition.partition(",")[0], 0))


def held(job: Job) -> dict[str, int]:
    """What a job that was started holds or held of each resource; memory in MiB."""
    return {
        "cpu": job.alloc_cpus, "mem": job.alloc_memory, "node": nodes(job), "billing": job.alloc_cpus,
        "gres/gpu": _count(job.alloc_gpus),
    }  # fmt: skip


def of_step(step: Step) -> str:
    """What a step holds."""
    parts = [f"cpu={step.cpus}", f"mem={size(step.memory)}", f"node={step.nodes}"]
    gpus = _count(step.gpus)
    return ",".join([*parts, f"gres/gpu={gpus}"] if gpus else parts)


def _written(cpu_count: int, memory: int, node_count: int, gpus: int) -> str:
    parts = [f"cpu={cpu_count}", f"mem={size(memory)}", f"node={node_count}", f"billing={cpu_count}"]
    return ",".join([*parts, f"gres/gpu={gpus}"] if gpus else parts)


def _requested_memory(job: Job, cpu_count: int, gpus: int, whole: int) -> int:
    per_gpu = memory_by_gpu(job)
    if per_gpu and gpus:
        from mini_slurm.model.units import parse_memory

        return parse_memory(per_gpu) * gpus
    if TRES_MEMORY in extra(job):
        return number(job, TRES_MEMORY)
    if job.memory_per_node is not None:
        return (job.memory_per_node or whole) * asked_nodes(job)
    return (job.memory_per_cpu or 0) * (number(job, MEMORY_CPUS) or cpu_count)


def _requested_gpus(job: Job) -> int:
    """GPUs of the whole job, however they were asked for."""
    options = extra(job)
    if job.gpus:
        return _count(job.gpus)
    if "gpus-per-task" in options:
        return _count(options["gpus-per-task"]) * (job.ntasks or 0)
    if "ntasks-per-gpu" in options and not job.gres:
        return (tasks(job) or 1) // max(int(options["ntasks-per-gpu"]), 1)
    if "gpus-per-socket" in options:
        return _count(options["gpus-per-socket"]) * int(options.get("sockets-per-node", "1")) * asked_nodes(job)
    return _count_of(job.gres or "") * asked_nodes(job)


def _count(text: str) -> int:
    """How many `a100:2`, `2`, `1k` or `a100:1,v100:1` are."""
    return _count_of(",".join(f"gpu:{part}" for part in text.split(","))) if text else 0


def _count_of(text: str) -> int:
    """GPUs among generic resources as --gres writes them; those of a cluster may be of kinds that are unknown here."""
    ours = ",".join(part for part in text.split(",") if part.partition(":")[0] == "gpu")
    if not ours:
        return 0
    from mini_slurm.model.gres import by_type, parse

    try:
        return sum(by_type(parse(ours)).values())
    except ValueError:
        return 0


def layout(job: Job) -> tuple[str, str, str]:
    """Sockets of a node, cores of a socket and threads of a core that were asked for; `*` where any will do."""
    options = extra(job)
    given = [*options.get("extra-node-info", "").split(":"), "", ""]
    names = ("sockets-per-node", "cores-per-socket", "threads-per-core")
    sockets, cores, threads = (options.get(name) or part or "*" for name, part in zip(names, given, strict=False))
    return sockets, cores, threads


def disk(job: Job) -> int:
    """Space for temporary files in MiB."""
    text = extra(job).get("tmp")
    if not text:
        return 0
    from mini_slurm.model.units import parse_memory

    return parse_memory(text)


def memory_by_gpu(job: Job) -> str:
    """Memory of each GPU, as --mem-per-gpu takes it; "": it is counted by something else, as where 0 was said."""
    text = extra(job).get("mem-per-gpu", "")
    return "" if text == "0M" else text


def per_gpu(job: Job, name: str) -> str | None:
    """An option that says something of each GPU, or of the GPUs of each task or socket; None where it was not given."""
    text = extra(job).get(name)
    if text is None or name != "mem-per-gpu":
        return text and gres(",".join(f"gpu:{part}" for part in text.split(",")))
    from mini_slurm.model.units import parse_memory

    return f"gres:gpu:{parse_memory(text)}"


def wait_status(job: Job) -> int:
    """How it ended, as wait(2) tells it."""
    return job.exit_code << 8 | job.exit_signal


def sharing(job: Job) -> str:
    """May other jobs use its machines at the same time?"""
    return "YES" if "oversubscribe" in extra(job) else SHARING.get(job.exclusive, "OK")
