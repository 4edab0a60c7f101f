"""Which machines a job gets: the recorded cluster's own answers, and what holds for all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.fleet import Partition
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.placement import Site, place
from tests.simulation.harness import fleet_of

FLEET = fleet_of({})._replace(default_memory_per_cpu=500)
MACHINES = {
    "node1": Resources(2, 4000),
    "node2": Resources(2, 4000),
    "node3": Resources(4, 8000),
    "node4": Resources(4, 8000, {"": 2}),
}


SPREAD: dict[str, object] = {"extra": '{"spread-job": ""}'}


def empty(but: dict[str, Resources] | None = None, without: tuple[str, ...] = ()) -> list[Site]:
    free = {**MACHINES, **(but or {})}
    return [
        Site(name, position, 1, total, free[name])
        for position, (name, total) in enumerate(MACHINES.items())
        if name not in without
    ]


def tasks(among: list[Site], **request: object) -> dict[str, int] | None:
    taken = place(Job(**request), among, FLEET)
    return None if taken is None else {name: share.tasks for name, share in taken.items()}


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"ntasks": 3}, {"node3": 3}),
        ({"ntasks": 7, "nodes": 3, "max_nodes": 3}, {"node1": 2, "node2": 2, "node3": 3}),
        ({"ntasks": 4, "nodes": 2, "max_nodes": 2, "ntasks_per_node": 2}, {"node1": 2, "node2": 2}),
        ({"ntasks": 3, "nodes": 2, "max_nodes": 2}, {"node1": 2, "node2": 1}),
        ({"ntasks": 12}, {"node1": 2, "node2": 2, "node3": 4, "node4": 4}),
        ({"nodes": 4, "max_nodes": 4}, {"node1": 1, "node2": 1, "node3": 1, "node4": 1}),
        ({"ntasks": 13}, None),
        ({"ntasks": 6, "nodes": 2, "max_nodes": 2}, {"node2": 2, "node3": 4}),
        ({"ntasks": 8, "nodes": 2, "max_nodes": 2}, {"node3": 4, "node4": 4}),
        ({"nodes": 3, "max_nodes": 3, "required_nodes": "node2,node4,node1"}, {"node1": 1, "node2": 1, "node4": 1}),
        ({"gres": "gpu:1", "cpus_per_task": 2}, {"node4": 1}),
        ({"ntasks": 2, "gpus": "2"}, {"node4": 2}),
        ({"nodes": 2, "max_nodes": 2, "gres": "gpu:1"}, None),
        ({"exclusive": 1, "nodes": 2, "max_nodes": 2}, {"node1": 2, "node2": 2}),
        ({"nodes": 1, "max_nodes": 1, "ntasks": 5}, None),
        ({"memory_per_node": 6000}, {"node3": 1}),
        ({"nodes": 1, "max_nodes": 3}, {"node1": 1, "node2": 1, "node3": 1}),
        ({"nodes": 1, "max_nodes": 2, "ntasks": 3}, {"node1": 2, "node2": 1}),
        ({"nodes": 1, "max_nodes": 2, "ntasks_per_node": 2}, {"node1": 2, "node2": 2}),
        ({"nodes": 3, "max_nodes": 9}, {"node1": 1, "node2": 1, "node3": 1, "node4": 1}),
        ({"nodes": 1, "max_nodes": 3, "extra": '{"use-min-nodes": ""}'}, {"node1": 1}),
        ({"ntasks": 3, **SPREAD}, {"node1": 1, "node2": 1, "node3": 1}),
        ({"ntasks": 6, **SPREAD}, {"node1": 2, "node2": 2, "node3": 1, "node4": 1}),
        ({"ntasks": 12, **SPREAD}, {"node1": 2, "node2": 2, "node3": 4, "node4": 4}),
        ({"ntasks": 1, **SPREAD}, {"node1": 1}),
        ({"ntasks": 3, "nodes": 2, "max_nodes": 2, **SPREAD}, {"node1": 2, "node2": 1}),
        ({"ntasks": 2, "nodes": 1, "max_nodes": 1, **SPREAD}, {"node1": 2}),
        ({"ntasks": 2, "nodes": 1, "max_nodes": 3, **SPREAD}, {"node1": 1, "node2": 1}),
        ({"ntasks": 2, "cpus_per_task": 2, **SPREAD}, {"node1": 1, "node2": 1}),
    ],
)  # fmt: skip
def test_an_idle_cluster_gives(request_: dict[str, object], expected: dict[str, int] | None) -> None:
    assert tasks(empty(), **request_) == expected


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        # a single task, of up to four on a machine: there has to be room for four
        ({"ntasks": 1, "ntasks_per_node": 4}, {"node3": 1}),
        ({"ntasks": 1, "ntasks_per_node": 2, "cpus_per_task": 2}, {"node3": 1}),
        ({"ntasks": 1, "ntasks_per_node": 3, "cpus_per_task": 2}, None),
        # four sockets are on a machine with four CPUs, whether or not they are free
        ({"ntasks": 1, "extra": '{"sockets-per-node": "4", "cores-per-socket": "1"}'}, {"node3": 1}),
    ],
)
def test_a_machine_has_more_than_it_gives(request_: dict[str, object], expected: dict[str, int] | None) -> None:
    assert tasks(empty(), **request_) == expected


def test_room_for_tasks_that_nobody_asked_for_has_to_be_free() -> None:
    half = empty({"node3": Resources(2, 8000)})
    assert tasks(half, ntasks=1, ntasks_per_node=4) == {"node4": 1}
    sockets = {"extra": '{"sockets-per-node": "4"}'}
    assert tasks(half, ntasks=1, **sockets) == {"node3": 1}


def test_a_range_of_machines_with_counted_features_is_as_small_as_it_can_be() -> None:
    machines = [
        Site(name, place, 1, total, total, features)
        for place, ((name, total), features) in enumerate(
            zip(MACHINES.items(), [("ib",), ("ib",), ("ib", "haswell"), ("haswell",)], strict=True)
        )
    ]
    assert tasks(machines, nodes=2, max_nodes=3, features="haswell*1&ib*1") == {"node2": 1, "node3": 1}


def test_a_job_gets_no_more_machines_than_its_partition_allows() -> None:
    two = Partition("two", tuple(MACHINES), max_nodes=2)
    small = empty({"node3": Resources(2, 8000), "node4": Resources(2, 8000)})
    assert place(Job(ntasks=6), small, FLEET) is not None
    assert place(Job(ntasks=6), small, FLEET, two) is None


def test_neighbours_come_before_machines_with_a_gap_between_them() -> None:
    held = {"node2": Resources(0, 4000)}
    assert tasks(empty(held), nodes=2, max_nodes=2, gres="", ntasks=2) == {"node1": 1, "node3": 1}
    assert tasks(empty({**held, "node4": Resources(4, 8000)}), nodes=2, max_nodes=2) == {"node1": 1, "node3": 1}


def test_the_fullest_machine_that_has_room_is_best() -> None:
    assert tasks(empty({"node2": Resources(1, 4000)})) == {"node2": 1}


def test_gpus_of_the_whole_job_are_shared_out() -> None:
    sites = [Site(name, n, 1, Resources(4, 8000, {"": 2}), Resources(4, 8000, {"": 2})) for n, name in enumerate("ab")]
    taken = place(Job(gpus="3", nodes=2, max_nodes=2), sites, FLEET)
    assert taken is not None
    assert {name: share.resources.gpu_count for name, share in taken.items()} == {"a": 2, "b": 1}
    assert place(Job(gpus="5", nodes=2, max_nodes=2), sites, FLEET) is None


amounts = st.builds(
    lambda cpus, memory, gpus: Resources(cpus, memory, {"": gpus} if gpus else {}),
    st.integers(0, 8), st.integers(0, 8000), st.integers(0, 3),
)  # fmt: skip
requests = st.fixed_dictionaries(
    {},
    optional={
        "nodes": st.integers(1, 4),
        "ntasks": st.integers(1, 12),
        "cpus_per_task": st.integers(1, 4),
        "ntasks_per_node": st.integers(1, 4),
        "memory_per_node": st.sampled_from([0, 100, 4000]),
        "gres": st.sampled_from(["gpu:1", "gpu:2"]),
        "gpus": st.sampled_from(["1", "3"]),
        "exclusive": st.just(1),
        "required_nodes": st.sampled_from(["m0", "m1,m2"]),
    },
)


def test_memory_by_cpu_is_there_for_all_the_cpus_that_a_machine_gives() -> None:
    small = Resources(2, 500)
    sites = [Site(name, position, 1, small, small) for position, name in enumerate(("m0", "m1"))]
    assert place(Job(ntasks_per_node=2), sites, FLEET) is None


@given(st.lists(st.tuples(amounts, amounts), max_size=6), requests, st.booleans())
def test_what_is_given_is_there_and_is_what_was_asked_for(
    machines: list[tuple[Resources, Resources]], request_: dict[str, object], exact: bool
) -> None:
    sites = [Site(f"m{n}", n, 1, total, total.at_most(free)) for n, (total, free) in enumerate(machines)]
    job = Job(**request_)
    if exact:
        job.max_nodes = job.nodes
    taken = place(job, sites, FLEET)
    if taken is None:
        return
    free = {site.name: site.free for site in sites}
    assert all(share.resources.shortfall(free[name]) is None for name, share in taken.items())
    assert len(taken) >= job.nodes
    assert sum(share.tasks for share in taken.values()) >= (job.ntasks or 1)
    assert all(share.resources.cpus >= share.tasks * (job.cpus_per_task or 1) >= 1 for share in taken.values())
    if job.gpus:
        assert sum(share.resources.gpu_count for share in taken.values()) >= int(job.gpus)


@pytest.mark.parametrize(
    ("used", "request_", "expected"),
    [
        ((0, 0, 0, 0), {"ntasks": 1}, {"node1": 1}),
        ((1, 0, 0, 0), {"ntasks": 1}, {"node2": 1}),
        ((1, 1, 1, 1), {"ntasks": 1}, {"node3": 1}),
        ((1, 1, 2, 2), {"ntasks": 1}, {"node1": 1}),
        ((0, 0, 0, 0), {"ntasks": 3}, {"node1": 2, "node2": 1}),
        ((0, 0, 0, 0), {"ntasks": 6}, {"node1": 2, "node2": 2, "node3": 2}),
        ((1, 0, 1, 0), {"ntasks": 3, "nodes": 2, "max_nodes": 2}, {"node2": 2, "node4": 1}),
        ((1, 2, 1, 1), {"ntasks": 2}, {"node3": 2}),
        ((1, 2, 3, 1), {"ntasks": 4}, {"node1": 1, "node4": 3}),
        ((1, 1, 0, 0), {"ntasks": 4, "nodes": 1, "max_nodes": 1}, {"node3": 4}),
    ],
)
def test_the_least_loaded_machines_go_first_where_the_partition_says_so(
    used: tuple[int, ...], request_: dict[str, object], expected: dict[str, int]
) -> None:
    sizes = {"node1": 2, "node2": 2, "node3": 4, "node4": 4}
    among = [
        Site(name, position, 1, Resources(cpus, 8000), Resources(cpus - taken, 8000))
        for position, ((name, cpus), taken) in enumerate(zip(sizes.items(), used, strict=True))
    ]
    fleet = FLEET._replace(partitions={"main": Partition("main", tuple(sizes), lln=True)})
    taken = place(Job(partition="main", **request_), among, fleet)
    assert {name: share.tasks for name, share in (taken or {}).items()} == expected
