"""A step that runs in several parts of a job, or of itself: what each gets, and what all of them are together. Pure."""

from __future__ import annotations

from mini_slurm.model.hostlist import compress, natural
from mini_slurm.steps import environment, layout
from mini_slurm.steps.layout import Busy, Held, Impossible, Node, Part

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.steps.request import StepRequest


def place(requests: list[StepRequest], nodes: list[Node], held: dict[str, Held]) -> list[list[Part]]:
    """What each component of a step gets, in their order. Raises Impossible, Busy."""
    found: list[list[Part]] = []
    for request in requests:
        free = _left(request, nodes, found) if request.apart else nodes
        try:
            found.append(layout.place(request, free, _with(held, found)))
        except Busy:
            if not found:
                raise
            found.append(layout.place(request, free, held))  # rather share than wait for each other
    return found


def _left(request: StepRequest, nodes: list[Node], before: list[list[Part]]) -> list[Node]:
    """The machines that no component before this one has."""
    taken = {part.node for parts in before for part in parts}
    least = request.least_nodes or 1
    if taken and len(nodes) - len(taken) < least:
        raise Impossible(
            f"Allocation failure of {least} nodes: job size of {len(nodes)}, already allocated {len(taken)} nodes"
            " to previous components.",
            direct=True,
        )
    both = [name for name in request.nodelist if name in taken]
    if both:
        why = f"Requested nodelist {compress(request.nodelist)} overlaps with excluded {compress(sorted(taken))}."
        raise Impossible(f"{why}\nJob not submitted.", direct=True)
    return [node for node in nodes if node.name not in taken]


def _with(held: dict[str, Held], components: list[list[Part]]) -> dict[str, Held]:
    """What other steps hold, and these components."""
    found: dict[str, Held] = {}
    for name, others in held.items():
        found[name] = Held()
        found[name].__dict__.update(cpus=set(others.cpus), memory=others.memory, gpus=set(others.gpus))
    for part in (part for parts in components for part in parts):
        found.setdefault(part.node, Held()).add(part)
    return found


def together(components: list[list[Part]]) -> list[Part]:
    """One part for each machine, in the order of their names, with the tasks of all components counted through."""
    found: dict[str, Part] = {}
    first = 0
    for parts in components:
        for part in parts:
            whole = found.setdefault(part.node, Part(part.node))
            whole.tasks = [*whole.tasks, *(first + task for task in part.tasks)]
        first += sum(len(part.tasks) for part in parts)
    return [found[name] for name in sorted(found, key=natural)]


def variables(number: str, whole: list[Part], nodes: list[Node]) -> dict[str, str]:
    """What the tasks of all components are told of the step, which stands for the job. `nodes`: those of the job."""
    cpus = {node.name: node.cpus for node in nodes}
    names = compress([part.node for part in whole])
    found = environment.of_step(number, names, whole, "")
    del found["SLURM_DISTRIBUTION"]  # each component has its own
    return {
        **found,
        "SLURM_JOB_CPUS_PER_NODE": environment.counts([cpus[part.node] for part in whole]),
        "SLURM_JOB_NODELIST": names,
        "SLURM_JOB_NUM_NODES": str(len(whole)),
        "SLURM_NODELIST": names,
    }
