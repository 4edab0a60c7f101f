"""Which of a job's machines, CPUs, memory and GPUs a step gets, and which task goes where. Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.steps.request import StepRequest

UNAVAILABLE = "Requested node configuration is not available"
TOO_FEW_NAMES = "Unspecified error"  # what Slurm says of fewer names than tasks
TOO_MANY = "More processors requested than permitted"
BUSY = "Requested nodes are busy"


class Impossible(Exception):
    """The job has not what the step asks for. `direct`: the words are srun's own, not the answer to a request."""

    def __init__(self, why: str, direct: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.direct = direct


class Busy(Exception):
    """The job has it, but other steps hold it now."""


class Node:
    """One machine of the job's allocation."""

    def __init__(self, name: str, cpus: int, memory: int, gpus: list[str]) -> None:
        self.name = name
        self.cpus = cpus
        self.memory = memory  # MiB; 0: not limited
        self.gpus = gpus  # the type of each


class Part:
    """What a step gets on one machine. CPUs and GPUs are counted through, from 0, within what the job has there."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.tasks: list[int] = []
        self.cpus: list[int] = []
        self.memory = 0  # MiB
        self.gpus: list[int] = []
        self.task_gpus: dict[int, list[int]] = {}  # where a task has some of its own


class Held:
    """What the running steps of a job hold on one machine; a step that overlaps holds nothing."""

    def __init__(self) -> None:
        self.cpus: set[int] = set()
        self.memory = 0
        self.gpus: set[int] = set()

    def add(self, part: Part) -> None:
        """A step begins."""
        self.cpus |= set(part.cpus)
        self.memory += part.memory
        self.gpus |= set(part.gpus)


def place(request: StepRequest, nodes: list[Node], held: dict[str, Held]) -> list[Part]:
    """The parts of a step, in the order of the machines. Raises Impossible, Busy."""
    allowed = _allowed(request, nodes)
    least, most = _node_count(request, allowed)
    tasks = _task_count(request, least)
    if request.exact and not request.overlap:
        chosen = _room_for_exact(request, allowed, held, tasks, least, most)
    else:
        chosen = _whole_nodes(request, allowed, held, tasks, least)
    chosen = [node for node in nodes if node in chosen]
    room = {node.name: _slots(request, node, held) for node in chosen}
    counts = _distribute(request, chosen, room, tasks)
    parts = []
    for node in chosen:
        part = Part(node.name)
        part.tasks = counts[node.name]
        if part.tasks:
            _fill(request, node, part, held.get(node.name) or Held())
            parts.append(part)
    return parts


def _allowed(request: StepRequest, nodes: list[Node]) -> list[Node]:
    """The machines that -w, -x and -r leave."""
    known = {node.name for node in nodes}
    if not known.issuperset(request.nodelist):
        raise Impossible(UNAVAILABLE)
    left = [node for node in nodes if node.name not in request.excluded]
    if request.relative is not None:
        if request.relative >= len(nodes):
            raise Impossible(UNAVAILABLE)
        left = nodes[request.relative :]
    if request.nodelist:
        # those that are named come first: with more asked for, others join them
        named = [node for node in left if node.name in request.nodelist]
        left = named + [node for node in left if node.name not in request.nodelist]
    if not left:
        raise Impossible(UNAVAILABLE)
    return left


def _node_count(request: StepRequest, allowed: list[Node]) -> tuple[int, int]:
    """The least and the largest number of machines."""
    least = request.least_nodes
    if least is not None and least > len(allowed):
        raise Impossible(f"Only allocated {len(allowed)} nodes asked for {least}", direct=True)
    if least is None:
        least = max(1, len(set(request.nodelist))) if request.nodelist else len(allowed)
        if request.ntasks is not None:
            least = max(min(least, request.ntasks), 1)
        return least, max(least, len(set(request.nodelist)) or len(allowed))
    most = min(request.most_nodes or least, len(allowed))
    return least, max(least, most)


def _task_count(request: StepRequest, nodes: int) -> int:
    if request.ntasks is not None:
        return request.ntasks
    return nodes * (request.tasks_per_node or 1)


def _capacity(request: StepRequest, node: Node) -> int:
    """Tasks that the machine has CPUs for."""
    if request.overcommit:
        return max(1, node.cpus) * 65536
    most = node.cpus // (request.cpus_per_task or 1)
    return min(most, request.tasks_per_node) if request.tasks_per_node else most


def _free_cpus(node: Node, held: dict[str, Held]) -> list[int]:
    taken = held[node.name].cpus if node.name in held else set()
    return [cpu for cpu in range(node.cpus) if cpu not in taken]


def _slots(request: StepRequest, node: Node, held: dict[str, Held]) -> int:
    """Tasks that there is room for now."""
    if request.exact and not request.overlap and not request.overcommit:
        free = len(_free_cpus(node, held)) // (request.cpus_per_task or 1)
        return min(free, request.tasks_per_node) if request.tasks_per_node else free
    return _capacity(request, node)


def _whole_nodes(
    request: StepRequest, allowed: list[Node], held: dict[str, Held], tasks: int, least: int
) -> list[Node]:
    """A step that does not say `--exact` has all of the job's CPUs on its machines, and waits until they are free."""
    if sum(_capacity(request, node) for node in allowed[: max(least, 1)]) < tasks:
        if least < len(allowed) and request.least_nodes is None:
            return _whole_nodes(request, allowed, held, tasks, least + 1)
        raise Impossible(TOO_MANY)
    if request.overlap:
        return allowed[:least]
    idle = [node for node in allowed if _is_idle(request, node, held) or node.name in request.nodelist]
    if len(idle) < least or not all(_is_idle(request, node, held) for node in idle[:least]):
        raise Busy(BUSY)
    if sum(_capacity(request, node) for node in idle[:least]) < tasks:
        raise Busy(BUSY)
    return idle[:least]


def _is_idle(request: StepRequest, node: Node, held: dict[str, Held]) -> bool:
    taken = held.get(node.name)
    if taken is None:
        return True
    if taken.cpus or (node.memory and taken.memory + _memory(request, node, node.cpus) > node.memory):
        return False
    return len(node.gpus) - len(taken.gpus) >= _gpus_wanted(request, node, 1)


def _room_for_exact(
    request: StepRequest, allowed: list[Node], held: dict[str, Held], tasks: int, least: int, most: int
) -> list[Node]:
    """The first machines that together have room for all tasks now."""
    if sum(_capacity(request, node) for node in allowed) < tasks:
        raise Impossible(TOO_MANY)
    chosen: list[Node] = []
    room = 0
    for node in allowed:
        slots = _slots(request, node, held)
        if slots and _has_memory_and_gpus(request, node, held):
            chosen.append(node)
            room += slots
        if (len(chosen) >= least and room >= tasks) or len(chosen) == most:
            break
    if len(chosen) < least or room < tasks:
        raise Busy(BUSY)
    return chosen


def _has_memory_and_gpus(request: StepRequest, node: Node, held: dict[str, Held]) -> bool:
    taken = held.get(node.name) or Held()
    if node.memory and taken.memory + _memory(request, node, request.cpus_per_task or 1) > node.memory:
        return False
    return len(node.gpus) - len(taken.gpus) >= _gpus_wanted(request, node, 1)


def _memory(request: StepRequest, node: Node, cpus: int) -> int:
    """MiB that a step with so many CPUs of a machine takes there: all, where nothing is said per CPU."""
    if request.memory_per_node is not None:
        return request.memory_per_node or node.memory
    if request.memory_per_cpu:
        return min(request.memory_per_cpu * cpus, node.memory)
    return node.memory


def _gpus_wanted(request: StepRequest, node: Node, tasks: int) -> int:
    if request.gpus_per_task:
        return request.gpus_per_task * tasks
    if request.gpus_per_node is not None:
        return request.gpus_per_node
    if request.gpus is not None:
        return min(request.gpus, len(node.gpus))
    return len(node.gpus)


# --- which task runs where


def _distribute(request: StepRequest, nodes: list[Node], room: dict[str, int], tasks: int) -> dict[str, list[int]]:
    """The numbers of each machine's tasks."""
    if request.distribution == "arbitrary":
        return _arbitrary(request, nodes, tasks)
    names = [node.name for node in nodes]
    if request.distribution.startswith("plane"):
        return _plane(names, room, tasks, int(request.distribution.partition("=")[2] or 1))
    if kind(request, len(nodes), tasks) == "cyclic":
        return _plane(names, room, tasks, 1)
    return _block(names, room, tasks)


def kind(request: StepRequest, nodes: int, tasks: int) -> str:
    """The distribution's name; the default is by blocks where there are more tasks than machines."""
    if request.distribution:
        return request.distribution
    return "cyclic" if tasks <= nodes else "block"


def _block(names: list[str], room: dict[str, int], tasks: int) -> dict[str, list[int]]:
    """Each machine gets one; then one machine after the other is filled up; what is left over goes round."""
    counts = dict.fromkeys(names, 0)
    left = tasks
    for name in names:
        if left and counts[name] < room[name]:
            counts[name] += 1
            left -= 1
    for name in names:
        more = max(0, min(left, room[name] - counts[name]))
        counts[name] += more
        left -= more
    for number in range(left):
        counts[names[number % len(names)]] += 1
    found = {}
    first = 0
    for name in names:
        found[name] = list(range(first, first + counts[name]))
        first += counts[name]
    return found


def _plane(names: list[str], room: dict[str, int], tasks: int, size: int) -> dict[str, list[int]]:
    """So many to each in turn, as long as there is room for them."""
    found: dict[str, list[int]] = {name: [] for name in names}
    task = 0
    while task < tasks:
        before = task
        for name in names:
            for _ in range(size):
                if task < tasks and len(found[name]) < room[name]:
                    found[name].append(task)
                    task += 1
        if task == before:  # no room anywhere: the rest goes round
            room = {name: count + size for name, count in room.items()}
    return found


def _arbitrary(request: StepRequest, nodes: list[Node], tasks: int) -> dict[str, list[int]]:
    """Task N on the Nth of the names, as they were given; on the job's Nth machine where none were."""
    found: dict[str, list[int]] = {node.name: [] for node in nodes}
    names = request.nodelist or list(found)
    if len(names) < tasks:
        raise Impossible(TOO_FEW_NAMES)
    for task, name in enumerate(names[:tasks]):
        if name not in found:
            raise Impossible(UNAVAILABLE)
        found[name].append(task)
    return found


# --- what each part holds


def _fill(request: StepRequest, node: Node, part: Part, held: Held) -> None:
    free = [cpu for cpu in range(node.cpus) if cpu not in held.cpus]
    if request.exact and not request.overlap and not request.overcommit:
        part.cpus = free[: len(part.tasks) * (request.cpus_per_task or 1)]
    elif request.exact:
        part.cpus = list(range(min(node.cpus, len(part.tasks) * (request.cpus_per_task or 1))))
    else:
        part.cpus = list(range(node.cpus))
    part.memory = _memory(request, node, len(part.cpus))
    _give_gpus(request, node, part, held)


def _give_gpus(request: StepRequest, node: Node, part: Part, held: Held) -> None:
    wanted = _gpus_wanted(request, node, len(part.tasks))
    free = [index for index in range(len(node.gpus)) if request.overlap or index not in held.gpus]
    if request.gpu_type:
        free = [index for index in free if node.gpus[index] == request.gpu_type]
    if wanted > len(node.gpus):
        raise Impossible(UNAVAILABLE)
    if wanted > len(free):
        raise Busy(BUSY)
    part.gpus = free[:wanted]
    if request.gpus_per_task:
        size = request.gpus_per_task
        part.task_gpus = {task: part.gpus[index * size : (index + 1) * size] for index, task in enumerate(part.tasks)}
