"""Do the options that ask for GPUs agree with each other, and what do they say of tasks and machines?

GPUs can be asked for by job, by machine, by socket and by task; Slurm checks them type by type, and completes what
was left open.
"""

from __future__ import annotations

from mini_slurm.errors import Refused
from mini_slurm.model.gres import GPU, GPU_MEMORY, Gres, parse, prefixed

INVALID = "Invalid generic resource (gres) specification"
FAILED = "Failed to validate job spec"
PER_NODE = "--gres=gpu/--gpus-per-node"


class Counts:
    """Tasks, machines and CPUs as they were asked for; None where nothing was said."""

    def __init__(self) -> None:
        self.tasks: int | None = None
        self.least_nodes: int | None = None
        self.most_nodes: int | None = None
        self.tasks_per_node: int | None = None
        self.tasks_per_socket: int | None = None
        self.tasks_per_gpu: int | None = None
        self.sockets: int | None = None
        self.cpus_per_task: int | None = None


class Asked:
    """GPUs of one type, by what they were asked for."""

    def __init__(self) -> None:
        self.job = self.node = self.socket = self.task = self.cpus = 0
        self.total = 0


def settle_gpus(counts: Counts, asked: dict[str, str | None], cpus_per_gpu: int | None, memory: int | None) -> None:
    """Complete the counts. `asked` has lists of GPUs by job, node, socket and task; `memory` is MiB for each.

    Raises Refused.
    """
    if not any(asked.values()) and cpus_per_gpu is None and not memory and counts.tasks_per_gpu is None:
        return
    if (asked["task"] or counts.tasks_per_gpu is not None) and counts.tasks is None:
        _imply_tasks(counts)
    _check_memory(asked)
    found = _by_type(counts, asked, cpus_per_gpu)
    if counts.tasks_per_gpu is not None:
        _tasks_of_gpus(counts, found)
    wanted = any(one.job or one.node or one.socket or one.task for one in found.values())
    if memory and not wanted:
        raise Refused(f"Requested mem_per_tres=gres:gpu:{memory} but did not request any GPU.", INVALID)
    for one in found.values():
        _check_order(one, counts)
        _check_nodes(one, counts)
        _check_tasks(one, counts)
        _check_cpus(one, counts)
        if one.job and counts.least_nodes is not None and one.job < counts.least_nodes:
            raise _refused("--gpus < -N")
        if one.job and counts.most_nodes is not None:
            counts.most_nodes = min(counts.most_nodes, one.job)


def _refused(text: str, joint: str = ", ") -> Refused:
    return Refused(f"{FAILED}{joint}{text}", INVALID)


def _imply_tasks(counts: Counts) -> None:
    """A fixed number of machines says how many tasks there are."""
    if counts.least_nodes is None or counts.least_nodes != counts.most_nodes:
        return
    if counts.tasks_per_gpu is not None:
        counts.tasks = counts.least_nodes * counts.tasks_per_gpu
    elif counts.tasks_per_node is not None:
        counts.tasks = counts.least_nodes * counts.tasks_per_node
    elif counts.cpus_per_task is None:
        counts.tasks = counts.least_nodes


def _by_type(counts: Counts, asked: dict[str, str | None], cpus_per_gpu: int | None) -> dict[str, Asked]:
    """Everything that was asked for, by type of GPU, with totals where they are known."""
    nodes, tasks = counts.least_nodes or 1, counts.tasks or 1
    if counts.least_nodes is not None and counts.sockets is not None:
        sockets = nodes * counts.sockets
    elif counts.tasks is not None and counts.tasks_per_socket is not None:
        sockets = -(-tasks // counts.tasks_per_socket)
    else:
        sockets = 1
    factors = {"job": 1, "node": nodes, "socket": sockets, "task": tasks}
    found: dict[str, Asked] = {}
    if cpus_per_gpu:
        found.setdefault("", Asked()).cpus = cpus_per_gpu
    for what, factor in factors.items():
        for gres in _read(asked[what], is_gres=what == "node"):
            one = found.setdefault(gres.type, Asked())
            setattr(one, what, gres.amount)
            one.total = max(one.total, gres.amount * factor)
    return found


def _read(text: str | None, *, is_gres: bool) -> list[Gres]:
    try:
        found = parse((text or "") if is_gres else prefixed(text or ""))
    except ValueError:
        raise Refused(INVALID, hint="write for example --gpus=2, --gpus=a100:2 or --gres=gpu:2") from None
    return [gres for gres in found if gres.name == GPU]


def _check_memory(asked: dict[str, str | None]) -> None:
    """So much memory of each GPU can only be had of the GPUs of a machine."""
    shares = GPU_MEMORY in (asked["node"] or "")
    if shares and (asked["job"] or asked["socket"] or asked["task"]):
        raise Refused(INVALID, hint="write gpumem beside GPUs by node, as --gres=gpu:2,gpumem:16G")


def _tasks_of_gpus(counts: Counts, found: dict[str, Asked]) -> None:
    """So many tasks for each GPU: the GPUs say how many tasks there are, or the tasks how many GPUs."""
    per_gpu = counts.tasks_per_gpu or 1
    total = sum(one.total for one in found.values())
    if total:
        counts.tasks = total * per_gpu
    elif counts.tasks:
        one = found.setdefault("", Asked())
        one.job = one.total = counts.tasks // per_gpu
    else:
        line = "gres_job_state_validate: --ntasks-per-tres needs either a GRES GPU specification or a node/ntask"
        raise Refused(f"{line} specification", INVALID)
    if counts.tasks % per_gpu:
        raise _refused("-n/--ntasks has to be a multiple of --ntasks-per-gpu.")


def _check_order(one: Asked, counts: Counts) -> None:
    if one.job and max(one.node, one.task, one.socket) > one.job:
        raise Refused(f"Failed to ensure --gpus >= {PER_NODE} >= --gpus-per-socket", INVALID)
    if one.node and max(one.task, one.socket) > one.node:
        raise Refused("Failed to ensure --gpus >= --gpus-per-task", INVALID)
    if one.socket and counts.sockets is None:
        raise Refused("--gpus-per-socket option requires --sockets-per-node specification", INVALID)
    if one.cpus and counts.cpus_per_task is not None:
        raise Refused("--cpus-per-gpu is mutually exclusive with --cpus-per-task", INVALID)


def _check_nodes(one: Asked, counts: Counts) -> None:
    if one.job and one.node:
        nodes, rest = divmod(one.job, one.node)
        if rest:
            raise _refused(f"--gpus is not multiple of {PER_NODE}")
        least, most = counts.least_nodes, counts.most_nodes
        if (least is not None and nodes < least) or (most is not None and nodes > most):
            what = f"Based on --gpu and {PER_NODE} required nodes ({nodes}) doesn't fall between"
            bounds = (2**32 - 2 if bound is None else bound for bound in (least, most))
            raise _refused("{} min_nodes ({}) and max_nodes ({}) boundaries.".format(what, *bounds), ". ")
        counts.least_nodes = counts.most_nodes = nodes
    if one.node and one.socket:
        sockets, rest = divmod(one.node, one.socket)
        if rest:
            raise _refused(f"{PER_NODE} not multiple of --gpus-per-socket.")
        if counts.sockets not in (None, sockets):
            what = f"Based on {PER_NODE} and --gpus-per-socket required number of sockets differ from"
            raise _refused(f"{what} --sockets-per-node.", ". ")
        counts.sockets = sockets


def _check_tasks(one: Asked, counts: Counts) -> None:
    if not one.task:
        return
    if one.job:
        tasks, rest = divmod(one.job, one.task)
        if rest:
            raise _refused("--gpus not multiple of --gpus-per-task")
        if counts.tasks not in (None, tasks):
            what = "Based on --gpus and --gpus-per-task number of requested tasks differ from"
            raise _refused(f"{what} -n/--ntasks.", ". ")
        counts.tasks = tasks
    elif counts.tasks is not None:
        one.job = counts.tasks * one.task
    else:
        raise _refused("--gpus-per-task used without either --gpus or -n/--ntasks is not allowed.", ". ")
    counts.tasks_per_node = _per(
        one.node, one.task, counts.tasks_per_node, PER_NODE, "tasks per node", "--ntasks-per-node"
    )
    counts.tasks_per_socket = _per(
        one.socket, one.task, counts.tasks_per_socket, "--gpus-per-socket", "tasks per sockets", "--ntasks-per-socket"
    )


def _per(gpus: int, per_task: int, tasks: int | None, option: str, what: str, other: str) -> int | None:
    """Tasks of a machine or a socket, as its GPUs and those of a task say."""
    if not gpus:
        return tasks
    found, rest = divmod(gpus, per_task)
    if rest:
        raise _refused(f"{option} not multiple of --gpus-per-task.")
    if tasks and tasks != found:
        raise _refused(f"Based on {option} and --gpus-per-task requested number of {what} differ from {other}.", ". ")
    return found


def _check_cpus(one: Asked, counts: Counts) -> None:
    if not (one.cpus and one.task):
        return
    wanted = one.cpus * one.task
    if counts.cpus_per_task not in (None, wanted):
        what = "Based on --cpus-per-gpu and --gpus-per-task requested number of cpus differ from"
        raise _refused(f"{what} -c/--cpus-per-task.", ". ")
    counts.cpus_per_task = wanted
