"""Which of a job's machines and CPUs a step gets, and which task goes where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.errors import BadOption, Refused
from mini_slurm.steps.layout import NO_GPUS, NO_MEMORY, Busy, Held, Impossible, Node, Part, place
from mini_slurm.steps.request import StepRequest, from_texts, read, to_texts


def request(text: str = "") -> StepRequest:
    """What `srun OPTIONS` asks for: `ntasks=2 exact`."""
    given = dict((word.partition("=")[::2]) for word in text.split())
    return read(given, [])


def nodes(*cpus: int, memory: int = 0, gpus: int = 0) -> list[Node]:
    return [Node(f"node{index}", count, memory, [""] * gpus) for index, count in enumerate(cpus, start=1)]


def tasks(text: str, machines: list[Node], held: dict[str, Held] | None = None) -> dict[str, list[int]]:
    return {part.node: part.tasks for part in place(request(text), machines, held or {})}


def holding(parts: list[Part]) -> dict[str, Held]:
    found: dict[str, Held] = {}
    for part in parts:
        found.setdefault(part.node, Held()).add(part)
    return found


@pytest.mark.parametrize(
    ("text", "cpus", "expected"),
    [
        ("", (1,), [[0]]),
        ("", (2, 2), [[0], [1]]),
        ("ntasks=3", (2, 1), [[0, 1], [2]]),
        ("ntasks=3 distribution=cyclic", (2, 2), [[0, 2], [1]]),
        ("ntasks=4 nodes=2", (4, 4), [[0, 1], [2, 3]]),
        ("ntasks=4 nodes=2 distribution=block,pack", (4, 4), [[0, 1, 2], [3]]),
        ("ntasks=9 nodes=4", (2, 2, 4, 4), [[0, 1], [2, 3], [4, 5, 6], [7, 8]]),
        ("ntasks=11 distribution=block,NoPack", (2, 2, 4, 4), [[0, 1], [2, 3], [4, 5, 6, 7], [8, 9, 10]]),
        ("ntasks=9 nodes=4 distribution=*,Pack", (2, 2, 4, 4), [[0, 1], [2, 3], [4, 5, 6, 7], [8]]),
        ("ntasks=5 nodes=2", (2, 2, 4, 4), [[], [], [0, 1, 2], [3, 4]]),
        ("ntasks=5 nodes=2 distribution=cyclic,pack", (2, 2, 4, 4), [[], [], [0, 2, 4], [1, 3]]),
        ("ntasks=7 nodes=3", (2, 2, 4, 4), [[0, 1], [], [2, 3, 4], [5, 6]]),
        ("ntasks=7 nodes=3 distribution=plane=2", (2, 2, 4, 4), [[0, 1], [], [2, 3, 6], [4, 5]]),
        ("ntasks=7 nodes=2-3", (2, 2, 4, 4), [[0, 1], [], [2, 3, 4], [5, 6]]),
        ("ntasks=6 nodes=2 nodelist=node1", (2, 2, 4, 4), [[0, 1], [], [2, 3, 4, 5], []]),
        ("ntasks=4 nodes=2 distribution=plane=2", (4, 4), [[0, 1], [2, 3]]),
        ("ntasks=4 nodes=2 distribution=plane=1", (4, 4), [[0, 2], [1, 3]]),
        ("ntasks=6 ntasks-per-node=3", (4, 4), [[0, 1, 2], [3, 4, 5]]),
        ("nodes=2 ntasks-per-node=2", (4, 4), [[0, 1], [2, 3]]),
        ("ntasks=1 nodes=1 relative=1", (1, 1, 1), [[], [0], []]),
        ("ntasks=1 nodelist=node2", (1, 1), [[], [0]]),
        ("ntasks=1 exclude=node1", (1, 1), [[], [0]]),
        ("ntasks=3 nodelist=node2,node1,node2 distribution=arbitrary", (2, 2), [[1], [0, 2]]),
        ("ntasks=2 nodelist=node2,node1,node2 distribution=arbitrary", (2, 2), [[1], [0]]),
        ("ntasks=2 distribution=arbitrary", (2, 2), [[0], [1]]),
        ("ntasks=5 overcommit", (1,), [[0, 1, 2, 3, 4]]),
        ("ntasks=7 nodes=3 overcommit", (2, 2, 2), [[0, 1, 2], [3, 4], [5, 6]]),
        ("ntasks=10 nodes=2 overcommit", (2, 4), [[0, 1, 2, 3], [4, 5, 6, 7, 8, 9]]),
        ("ntasks=9 nodes=2 overcommit cpus-per-task=2", (2, 4), [[0, 1, 2, 3], [4, 5, 6, 7, 8]]),
        ("ntasks=5 nodes=2", (2, 2, 3, 1), [[0, 1], [], [2, 3, 4], []]),
        ("ntasks=5 nodes=2 exact", (2, 2, 3, 1), [[0, 1], [], [2, 3, 4], []]),
        ("ntasks=3 nodes=1", (2, 2, 3, 1), [[], [], [0, 1, 2], []]),
        ("ntasks=3 nodes=1 exact", (2, 2, 3, 1), [[], [], [0, 1, 2], []]),
        ("ntasks=2 nodes=1-2", (2, 2, 3, 1), [[0], [1], [], []]),
        ("ntasks=4 nodes=2-4", (2, 2, 3, 1), [[0], [1], [2], [3]]),
        ("ntasks=5 nodes=1-3", (2, 2, 3, 1), [[0, 1], [2, 3], [4], []]),
        ("ntasks=4 cpus-per-task=2", (2, 2, 3, 1), [[0], [1], [2], [3]]),
        ("nodes=4 ntasks=8 ntasks-per-node=2", (2, 2, 3, 1), [[0, 1, 2], [3, 4], [5, 6], [7]]),
    ],
)
def test_tasks_go_where_slurm_puts_them(text: str, cpus: tuple[int, ...], expected: list[list[int]]) -> None:
    machines = nodes(*cpus)
    found = tasks(text, machines)
    assert [found.get(node.name, []) for node in machines] == expected


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ntasks=3", "More processors requested than permitted"),
        ("ntasks=2 cpus-per-task=2", "More processors requested than permitted"),
        ("nodelist=node9", "Requested node configuration is not available"),
        ("nodes=2 ntasks=2", "Only allocated 1 nodes asked for 2"),
        ("relative=1", "--relative and --nodes option incompatible with count of allocated nodes (1+1>1)"),
        ("exclude=node1", "Hostlist is empty!  Can't run job."),
        ("exclude=node1 nodelist=node1", "Requested node node1 is also in the excluded list.\nJob not submitted."),
        ("nodes=1 ntasks=3 nodelist=node1", "Requested node configuration is not available"),
        *((text, NO_GPUS) for text in ("gpus=1", "gpus-per-task=1", "gpus-per-node=1", "gres=gpu:1")),
    ],
)
def test_what_the_job_has_not_is_refused(text: str, why: str) -> None:
    with pytest.raises(Impossible) as caught:
        place(request(text), nodes(2), {})
    assert caught.value.why == why


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ntasks=1 cpus-per-task=9 mem-per-cpu=500", "More processors requested than permitted"),
        ("ntasks=1 cpus-per-task=2 mem-per-cpu=5000", NO_MEMORY),
    ],
)
def test_cpus_are_looked_at_before_memory(text: str, why: str) -> None:
    with pytest.raises(Impossible) as caught:
        place(request(text), nodes(2, memory=4000), {})
    assert caught.value.why == why


def test_memory_per_cpu_is_that_of_one_where_tasks_share_it() -> None:
    assert place(request("ntasks=1 cpus-per-task=4 overcommit mem-per-cpu=3000"), nodes(2, memory=4000), {})


def test_the_jobs_own_size_is_named_where_it_leaves_no_room_for_relative() -> None:
    wanted = request("relative=1 nodes=2")
    wanted.of_job = True
    with pytest.raises(Impossible) as caught:
        place(wanted, nodes(1, 1), {})
    assert caught.value.why.startswith("--relative and SLURM_JOB_NUM_NODES option incompatible")


def test_no_number_of_machines_says_nothing() -> None:
    assert tasks("ntasks=2 nodes=0", nodes(1, 1)) == tasks("ntasks=2", nodes(1, 1))


@pytest.mark.parametrize("text", ["plane", "plane=0", "plane=x"])
def test_a_plane_has_a_size(text: str) -> None:
    with pytest.raises(BadOption) as raised:
        request(f"distribution={text}")
    assert raised.value.lines == ("Invalid plane size or size not specified", "Invalid --distribution specification")


def test_a_step_has_all_cpus_unless_it_says_exact() -> None:
    assert [part.cpus for part in place(request("ntasks=1"), nodes(4), {})] == [[0, 1, 2, 3]]
    assert [part.cpus for part in place(request("ntasks=1 exact"), nodes(4), {})] == [[0]]
    assert [part.cpus for part in place(request("ntasks=1 cpus-per-task=2"), nodes(4), {})] == [[0, 1]]


def test_exact_steps_share_the_cpus_and_wait_when_all_are_held() -> None:
    machines = nodes(2)
    first = place(request("ntasks=1 exclusive"), machines, {})
    second = place(request("ntasks=1 exclusive"), machines, holding(first))
    assert [part.cpus for part in first + second] == [[0], [1]]
    with pytest.raises(Busy):
        place(request("ntasks=1 exclusive"), machines, holding(first + second))


def test_a_step_waits_for_one_that_has_all_cpus_unless_it_overlaps() -> None:
    machines = nodes(2)
    held = holding(place(request("ntasks=1"), machines, {}))
    with pytest.raises(Busy):
        place(request("ntasks=1"), machines, held)
    assert place(request("ntasks=1 overlap"), machines, held)[0].tasks == [0]


def test_a_step_takes_another_machine_when_the_first_is_held() -> None:
    machines = nodes(1, 1)
    held = holding(place(request("ntasks=1 nodes=1"), machines, {}))
    assert tasks("ntasks=1 nodes=1", machines, held) == {"node2": [0]}


def test_tasks_of_several_cpus_wait_for_a_machine_that_has_them() -> None:
    machines = nodes(2, 2)
    held = holding(place(request("ntasks=2 nodes=2 exact"), machines, {}))
    with pytest.raises(Busy):
        place(request("ntasks=1 nodes=1 cpus-per-task=2"), machines, held)
    with pytest.raises(Busy):  # 4 CPUs for 4 tasks, once the others have ended
        place(request("ntasks=4 nodes=2 exact"), machines, held)


def test_a_machine_that_is_named_is_waited_for() -> None:
    machines = nodes(1, 1)
    held = holding(place(request("ntasks=1 nodes=1 exact"), machines, {}))
    with pytest.raises(Busy):
        place(request("ntasks=1 nodes=1 exact nodelist=node1"), machines, held)


def test_memory_is_held_as_cpus_are() -> None:
    machines = nodes(4, memory=1000)
    first = place(request("ntasks=1 exact mem=600"), machines, {})
    assert first[0].memory == 600
    with pytest.raises(Busy):
        place(request("ntasks=1 exact mem=600"), machines, holding(first))
    assert place(request("ntasks=1 exact mem-per-cpu=300"), machines, holding(first))[0].memory == 300


def test_gpus_of_each_task_are_its_own() -> None:
    machines = nodes(2, gpus=2)
    part = place(request("ntasks=2 gpus-per-task=1"), machines, {})[0]
    assert (part.gpus, part.task_gpus) == ([0, 1], {0: [0], 1: [1]})
    part = place(request("ntasks=2 gpus=2"), machines, {})[0]
    assert (part.gpus, part.task_gpus) == ([0, 1], {})
    assert place(request("ntasks=1 gres=none"), machines, {})[0].gpus == []


@pytest.mark.parametrize(("per_node", "warned"), [("1", True), ("2", False), ("9", False)])
def test_tasks_per_machine_that_do_not_go_with_tasks_and_machines_are_passed_over(per_node: str, warned: bool) -> None:
    warnings: list[str] = []
    wanted = read({"nodes": "2", "ntasks": "4", "ntasks-per-node": per_node}, warnings)
    assert [part.tasks for part in place(wanted, nodes(2, 2), {})] == [[0, 1], [2, 3]]
    assert [line.partition(" set to")[0] for line in warnings] == ["Warning: can't honor --ntasks-per-node"] * warned


def test_machines_that_are_named_keep_the_jobs_order() -> None:
    assert tasks("nodes=3 ntasks=3 nodelist=node3,node2", nodes(1, 1, 1)) == {"node1": [0], "node2": [1], "node3": [2]}


def test_too_few_tasks_for_the_machines_is_warned_of() -> None:
    warnings: list[str] = []
    found = read({"ntasks": "1", "nodes": "2"}, warnings)
    assert warnings == ["Warning: can't run 1 processes on 2 nodes, setting nnodes to 1"]
    assert (found.least_nodes, found.most_nodes) == (1, 1)


@given(
    st.lists(st.integers(1, 8), min_size=1, max_size=5),
    st.integers(1, 30),
    st.sampled_from(["block", "cyclic", "plane=2", ""]),
    st.booleans(),
)
def test_every_task_goes_to_one_machine_that_has_room(cpus: list[int], count: int, how: str, exact: bool) -> None:
    wanted = request(f"ntasks={count} distribution={how}" + " exact" * exact)
    machines = nodes(*cpus)
    try:
        parts = place(wanted, machines, {})
    except Impossible:
        assert count > sum(cpus)
        return
    assert sorted(task for part in parts for task in part.tasks) == list(range(count))
    assert all(len(part.tasks) <= node.cpus for part in parts for node in machines if node.name == part.node)
    assert all(len(set(part.cpus)) == len(part.cpus) for part in parts)


@given(
    st.integers(1, 99),
    st.lists(st.sampled_from(["node1", "node2"]), max_size=2),
    st.booleans(),
    st.text("a b", max_size=5),
)
def test_a_request_survives_its_way_to_the_agent(ntasks: int, names: list[str], exact: bool, line: str) -> None:
    sent = StepRequest()
    sent.ntasks, sent.nodelist, sent.exact, sent.submit_line = ntasks, names, exact, line
    assert from_texts(to_texts(sent)).__dict__ == sent.__dict__


def test_more_names_than_machines_are_cut_short_and_relative_goes_with_none() -> None:
    warnings: list[str] = []
    found = read({"nodes": "1", "nodelist": "node4,node2"}, warnings)
    why = "Required nodelist includes more nodes than permitted by max-node count (2 > 1)"
    assert warnings == [f"error: {why}. Eliminating nodes from the nodelist."]
    assert found.nodelist == ["node4"]
    with pytest.raises(Refused, match="--relative not allowed with -w,--nodelist or -x,--exclude"):
        read({"relative": "1", "exclude": "node1"}, [])


@pytest.mark.parametrize("text", ["mem=1001", "mem-per-cpu=1001 ntasks=1", "mem-per-cpu=501 cpus-per-task=2 ntasks=1"])
def test_more_memory_than_any_machine_has_is_not_to_be_had(text: str) -> None:
    with pytest.raises(Impossible, match=NO_MEMORY):
        tasks(text, nodes(2, 2, memory=1000))
    assert tasks(text, nodes(2, 2)), "memory is not limited"


def test_a_step_runs_where_the_memory_is_that_it_asks_for() -> None:
    machines = [*nodes(2, memory=500), Node("large", 2, 1000, [])]
    assert tasks("mem=600 nodes=1 ntasks=1", machines) == {"large": [0]}
    with pytest.raises(Impossible, match=NO_MEMORY):
        tasks("mem=600 nodes=2", machines)
