"""Which of a job's machines, CPUs, memory and GPUs a step gets, and which task goes where. Pure."""

from __future__ import annotations

from mini_slurm.steps.request import JOB_NODES, NO_COUNT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.steps.request import StepRequest

UNAVAILABLE = "Requested node configuration is not available"
TOO_FEW_NAMES = "Unspecified error"  # what Slurm says of fewer names than tasks
TOO_MANY = "More processors requested than permitted"
BAD_TRES = "Invalid Trackable RESource (TRES) specification"
NO_GPUS = "Step requested GRES but job doesn't have GRES\nInvalid generic resource (gres) specification"
BUSY = "Requested nodes are busy"
NO_MEMORY = "Memory required by task is not available"


class Impossible(Exception):
    """The job has not what the step asks for. `direct`: the words are srun's own, not the answer to a request.

    Of several lines the last one is the answer.
    """

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
    allowed = _with_memory(request, _allowed(request, nodes))
    _check_gpus(request, nodes)
    tasks = _task_count(request, _node_count(request, allowed)[0])
    chosen = _choose(request, allowed, held, tasks)
    chosen = [node for node in nodes if node in chosen]
    # beyond the CPUs there are, tasks go round
    room = {node.name: node.cpus if request.overcommit else max(1, _slots(request, node, held)) for node in chosen}
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
    both = [name for name in request.excluded if name in request.nodelist]
    if both:
        raise Impossible(f"Requested node {both[0]} is also in the excluded list.\nJob not submitted.", direct=True)
    left = [node for node in nodes if node.name not in request.excluded]
    if not left:
        raise Impossible("Hostlist is empty!  Can't run job.", direct=True)
    if request.relative is not None:
        _check_relative(request, request.relative, len(nodes))
        left = nodes[request.relative :]
    if request.nodelist:
        # those that are named come first: with more asked for, others join them
        named = [node for node in left if node.name in request.nodelist]
        left = named + [node for node in left if node.name not in request.nodelist]
    return left


def _check_relative(request: StepRequest, first: int, all_nodes: int) -> None:
    count = request.least_nodes or 1
    if first + count > all_nodes:
        said = JOB_NODES if request.of_job else "--nodes"
        sum_of = f"{first}+{count}>{all_nodes}"
        why = f"--relative and {said} option incompatible with count of allocated nodes ({sum_of})"
        raise Impossible(why, direct=True)


def _with_memory(request: StepRequest, allowed: list[Node]) -> list[Node]:
    """The machines that have the memory that was asked for."""
    cpus = 1 if request.overcommit else request.cpus_per_task or 1
    need = request.memory_per_node or (request.memory_per_cpu or 0) * cpus
    if not need:
        return allowed
    left = [node for node in allowed if not node.memory or node.memory >= need]
    if len(left) < min(request.least_nodes or 1, len(allowed)):
        _choose(request, allowed, {}, _task_count(request, _node_count(request, allowed)[0]))  # CPUs come first
        raise Impossible(NO_MEMORY)
    return left


def _check_gpus(request: StepRequest, nodes: list[Node]) -> None:
    if NO_COUNT in (request.gpus, request.gpus_per_node, request.gpus_per_task):
        raise Impossible(BAD_TRES)
    wanted = request.gpus or request.gpus_per_node or request.gpus_per_task
    if wanted and not any(node.gpus for node in nodes):
        raise Impossible(NO_GPUS)


def _node_count(request: StepRequest, allowed: list[Node]) -> tuple[int, int]:
    """The least and the largest number of machines."""
    least = request.least_nodes
    if least is not None and least > len(allowed):
        excluded = "\nAre required nodes explicitly excluded?" if request.excluded else ""
        raise Impossible(f"Only allocated {len(allowed)} nodes asked for {least}{excluded}", direct=True)
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


def _choose(request: StepRequest, allowed: list[Node], held: dict[str, Held], tasks: int) -> list[Node]:
    """The machines that it runs on: the first that have room for all tasks, and as many of them as it may have.

    Where the machines have CPUs enough, but each some too few for another whole task, they take more than they have
    CPUs for, once nobody else is on them. Raises Impossible, Busy.
    """
    numbers = _node_numbers(request, allowed, tasks)
    named = set(request.nodelist[: numbers[0]])
    whole_tasks = {node.name: _capacity(request, node) for node in allowed}
    cpus = {node.name: node.cpus for node in allowed}
    for room, need in ((whole_tasks, tasks), (cpus, tasks * (request.cpus_per_task or 1))):
        if any(_first_with(room, allowed, named, count, need) for count in numbers):
            free = {node.name: _free(request, node, held, room[node.name]) for node in allowed}
            idle = [node for node in allowed if free[node.name]]
            found = (_first_with(free, idle, named, count, need) for count in numbers)
            chosen = next((machines for machines in found if machines), None)
            if chosen is None:
                raise Busy(BUSY)
            return chosen
    raise Impossible(UNAVAILABLE if named and len(named) == numbers[0] else TOO_MANY)


def _free(request: StepRequest, node: Node, held: dict[str, Held], room: int) -> int:
    """How much of the room that a machine has in all a step may use now."""
    if request.overlap:
        return room
    if not request.exact:
        return room if _is_idle(request, node, held) else 0
    if not _has_memory_and_gpus(request, node, held):
        return 0
    slots = _slots(request, node, held)
    return slots if room == _capacity(request, node) else room * (len(_free_cpus(node, held)) == node.cpus)


def _first_with(room: dict[str, int], nodes: list[Node], named: set[str], count: int, need: int) -> list[Node] | None:
    """So many machines that together have so much room; those that are named are among them."""
    chosen = [node for node in nodes if node.name in named]
    others = [node for node in nodes if node.name not in named]
    if len(chosen) < len(named) or len(chosen) > count:
        return None
    chosen += _even(room, others, count - len(chosen), need - _sum(room, chosen))
    return chosen if len(chosen) == count and _sum(room, chosen) >= need else None


def _even(room: dict[str, int], nodes: list[Node], count: int, need: int) -> list[Node]:
    """The first that have room for an even share of what is needed, then the largest of the others."""
    share = -(-need // count) if count else 0
    large = [node for node in nodes if room[node.name] >= share]
    small = [node for node in nodes if room[node.name] < share]
    return [*large, *sorted(small, key=lambda node: -room[node.name])][:count]


def _sum(room: dict[str, int], nodes: list[Node]) -> int:
    return sum(room[node.name] for node in nodes)


def _node_numbers(request: StepRequest, allowed: list[Node], tasks: int) -> list[int]:
    """How many machines it may have, the best first: with --nodes as many as it may, else as few as will do."""
    least, most = _node_count(request, allowed)
    if request.least_nodes is None:
        return list(range(least, len(allowed) + 1))
    return list(range(max(least, min(most, tasks)), least - 1, -1))


def _is_idle(request: StepRequest, node: Node, held: dict[str, Held]) -> bool:
    taken = held.get(node.name)
    if taken is None:
        return True
    if taken.cpus or (node.memory and taken.memory + _memory(request, node, node.cpus) > node.memory):
        return False
    return len(node.gpus) - len(taken.gpus) >= _gpus_wanted(request, node, 1)


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
    if request.pack:
        return _packed(names, room, tasks)
    even = _plane(names, room, tasks, 1)
    return _in_blocks({name: len(even[name]) for name in names})


def kind(request: StepRequest, nodes: int, tasks: int) -> str:
    """The distribution's name; the default is by blocks where there are more tasks than machines."""
    if request.distribution:
        return request.distribution
    return "cyclic" if tasks <= nodes else "block"


def _packed(names: list[str], room: dict[str, int], tasks: int) -> dict[str, list[int]]:
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
    return _in_blocks(counts)


def _in_blocks(counts: dict[str, int]) -> dict[str, list[int]]:
    """So many tasks for each machine, counted through."""
    found = {}
    first = 0
    for name, count in counts.items():
        found[name] = list(range(first, first + count))
        first += count
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
