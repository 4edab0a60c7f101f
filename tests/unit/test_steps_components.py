"""steps/components.py: what each component of a step gets, and what all of them are together."""

import pytest

from mini_slurm.steps import components
from mini_slurm.steps.layout import Busy, Held, Impossible, Node, Part
from mini_slurm.steps.request import StepRequest


def request(**values: object) -> StepRequest:
    made = StepRequest()
    made.__dict__.update(values)
    return made


def nodes(*cpus: int, memory: int = 0) -> list[Node]:
    return [Node(f"node{number}", count, memory, []) for number, count in enumerate(cpus, start=1)]


def shown(found: list[list[Part]]) -> list[list[tuple[str, list[int]]]]:
    return [[(part.node, part.tasks) for part in parts] for parts in found]


def test_components_get_what_is_left_beside_each_other() -> None:
    one, other = request(ntasks=1, exact=True), request(ntasks=2, exact=True)
    found = components.place([one, other], nodes(4), {})
    assert shown(found) == [[("node1", [0])], [("node1", [0, 1])]]
    assert [parts[0].cpus for parts in found] == [[0], [1, 2]]


def test_components_that_have_no_room_beside_each_other_share() -> None:
    both = [request(ntasks=1), request(ntasks=1)]
    assert shown(components.place(both, nodes(1, memory=100), {})) == [[("node1", [0])]] * 2


def test_components_wait_for_other_steps_and_leave_their_books_alone() -> None:
    held = {"node1": Held()}
    held["node1"].cpus = {0}
    with pytest.raises(Busy):
        components.place(
            [request(ntasks=1, excluded=["node1"]), request(ntasks=1, excluded=["node2"])], nodes(1, 1), held
        )
    components.place([request(ntasks=1, excluded=["node1"])], nodes(1, 1), held)
    assert (list(held), held["node1"].cpus) == (["node1"], {0})


def test_components_apart_have_machines_of_their_own() -> None:
    one, other = request(ntasks=1, apart=True), request(ntasks=1, apart=True)
    assert shown(components.place([one, other], nodes(2, 2), {})) == [[("node1", [0])], [("node2", [0])]]
    few = "Allocation failure of 1 nodes: job size of 1, already allocated 1 nodes to previous components."
    with pytest.raises(Impossible, match=few):
        components.place([one, other], nodes(2), {})
    named = request(ntasks=1, apart=True, nodelist=["node1"])
    with pytest.raises(Impossible, match="Requested nodelist node1 overlaps with excluded node1"):
        components.place([named, named], nodes(1, 1, 1), {})


def test_all_together_are_counted_through_in_the_order_of_the_machines() -> None:
    first, second = Part("node10"), Part("node9")
    first.tasks, second.tasks = [0, 1], [0]
    whole = components.together([[first], [second]])
    assert [(part.node, part.tasks) for part in whole] == [("node9", [2]), ("node10", [0, 1])]


def test_what_the_tasks_of_all_components_are_told() -> None:
    whole = components.together(
        components.place([request(ntasks=1), request(ntasks=4, excluded=["node1"])], nodes(2, 4), {})
    )
    told = components.variables("7", whole, nodes(2, 4))
    assert told["SLURM_JOB_NODELIST"] == told["SLURM_NODELIST"] == told["SLURM_STEP_NODELIST"] == "node[1-2]"
    assert told["SLURM_JOB_CPUS_PER_NODE"] == "2,4"
    assert told["SLURM_TASKS_PER_NODE"] == told["SLURM_STEP_TASKS_PER_NODE"] == "1,4"
    assert (told["SLURM_NTASKS"], told["SLURM_STEP_ID"], told["SLURM_JOB_NUM_NODES"]) == ("5", "7", "2")
    assert "SLURM_DISTRIBUTION" not in told
