"""Partitions with OverSubscribe: several jobs on the same CPUs, as a real Slurm 22.05 has it with cons_tres."""

from __future__ import annotations

import pytest

from mini_slurm.model.fleet import Fleet, Partition
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import events
from mini_slurm.scheduler.plan import plan
from mini_slurm.scheduler.why import explain
from tests.simulation.harness import STATE, Simulation, fleet_of

TWO = Resources(cpus=2, memory=4000)
SHARE = 4  # --oversubscribe


def fleet() -> Fleet:
    partitions = {
        "main": Partition("main", ("n1", "n2"), default=True),
        "force": Partition("force", ("n1", "n2"), over_subscribe="FORCE:2"),
        "yes": Partition("yes", ("n1", "n2"), over_subscribe="YES:2"),
        "one": Partition("one", ("n1", "n2"), over_subscribe="FORCE:1"),
    }
    return fleet_of({"n1": TWO, "n2": TWO}, partitions=partitions)


def begin(*jobs: dict[str, object], at: str | None = "n1") -> tuple[Simulation, list[int]]:
    """A fleet where these were submitted one after the other, all for the first machine."""
    sim = Simulation(fleet())
    numbers = []
    for job in jobs:
        numbers.append(sim.submit(100, required_nodes=at, **job))
        sim.run(sim.now + 1)
    return sim, numbers


def running(sim: Simulation, numbers: list[int]) -> str:
    """R for each that runs, P for each that waits."""
    return "".join("R" if sim.state(number) == "RUNNING" else "P" for number in numbers)


FORCED: dict[str, object] = {"partition": "force", "ntasks": 2}
ASKS: dict[str, object] = {"partition": "yes", "ntasks": 2, "exclusive": SHARE}
PLAIN: dict[str, object] = {"partition": "yes", "ntasks": 2}
OTHER: dict[str, object] = {"partition": "main", "ntasks": 1}


@pytest.mark.parametrize(
    ("jobs", "expected"),
    [
        ([FORCED, FORCED, FORCED], "RRP"),
        ([{**FORCED, "ntasks": 1}] * 5, "RRRRP"),
        ([FORCED, OTHER], "RP"),  # it would share with jobs of another partition
        ([OTHER, FORCED], "RP"),
        ([PLAIN, PLAIN], "RP"),  # nobody asked to share
        ([ASKS, ASKS, ASKS], "RRP"),
        ([ASKS, PLAIN], "RP"),
        ([PLAIN, ASKS], "RP"),
        ([{**ASKS, "ntasks": 1}, {**PLAIN, "ntasks": 1}], "RR"),  # there are idle CPUs
        ([ASKS, FORCED, FORCED, FORCED], "RRRP"),  # rows are counted for each partition
        ([{**FORCED, "exclusive": 1, "ntasks": 1}, {**FORCED, "ntasks": 1}], "RR"),
        ([{**FORCED, "ntasks": 1}, {**FORCED, "exclusive": 1, "ntasks": 1}], "RR"),
        ([{**FORCED, "memory_per_node": 1900}] * 3, "RRP"),
        ([{**FORCED, "memory_per_node": 3000}] * 2, "RP"),  # memory is nobody else's
        ([{**FORCED, "partition": "one"}] * 2, "RP"),
        ([{"partition": "main", "ntasks": 1, "exclusive": SHARE}] * 3, "RRP"),  # of no use there
    ],
)
def test_who_shares_cpus_with_whom(jobs: list[dict[str, object]], expected: str) -> None:
    sim, numbers = begin(*jobs)
    assert running(sim, numbers) == expected
    sim.run(1000)
    assert {sim.state(number) for number in numbers} == {"COMPLETED"}


def test_idle_cpus_go_first() -> None:
    sim, numbers = begin(*[{**FORCED, "ntasks": 1}] * 6, at=None)
    assert [sim.job(number).node_list for number in numbers] == ["n1", "n1", "n2", "n2", "n1", "n1"]


def test_a_whole_machine_is_that_of_one_row() -> None:
    sim, (_, whole) = begin({**FORCED, "ntasks": 1}, {**FORCED, "exclusive": 1, "ntasks": 1})
    assert sim.job(whole).alloc_cpus == 2
    assert sim.cluster.machines["n1"].free.cpus == 0


def test_of_several_partitions_it_is_in_the_one_that_lets_it_share() -> None:
    sim, numbers = begin(FORCED, {**FORCED, "partition": "main,force"})
    assert running(sim, numbers) == "RR"
    assert sim.job(numbers[1]).partition == "force"


def test_what_is_free_comes_back_as_the_jobs_end() -> None:
    sim, _ = begin({**FORCED, "ntasks": 1}, {**FORCED, "max_nodes": 1})
    assert sim.cluster.machines["n1"].free.cpus == 0
    sim.run(100.5)
    assert sim.cluster.machines["n1"].free.cpus == 0
    sim.run(200)
    assert sim.cluster.machines["n1"].free == TWO


def test_machines_that_a_job_gives_back_are_still_those_of_the_others() -> None:
    sim = Simulation(fleet())
    wide = sim.submit(100, partition="force", nodes=2, ntasks=4)
    other = sim.submit(100, partition="force", ntasks=2, required_nodes="n2")
    sim.run(1)
    assert running(sim, [wide, other]) == "RR"
    assert sim.update(wide, NumNodes=(1, None)) == ""
    assert sim.cluster.machines["n2"].free.cpus == 0
    sim.run(200)
    assert [books.free for books in sim.cluster.machines.values()] == [TWO, TWO]


def test_another_controller_counts_alike() -> None:
    sim, numbers = begin(FORCED, FORCED, FORCED)
    sim.restart()
    assert running(sim, numbers) == "RRP"
    assert sim.cluster.machines["n1"].free.cpus == 0


def test_who_waits_is_told_when_it_can_start_and_is_not_overtaken() -> None:
    sim = Simulation(fleet())
    first = sim.submit(100, partition="force", ntasks=2, time_limit=100, required_nodes="n1")
    second = sim.submit(50, partition="force", ntasks=2, time_limit=50, required_nodes="n1")
    waiting = sim.submit(10, partition="main", ntasks=2, time_limit=10, required_nodes="n1")
    late = sim.submit(90, partition="force", ntasks=2, time_limit=90, required_nodes="n1")
    third = sim.submit(40, partition="force", ntasks=2, time_limit=40, required_nodes="n1")
    assert sim.job(waiting).reason == "Resources"
    assert plan(sim.cluster, sim.now, [waiting])[waiting].begin == 100
    assert any("n1 lacks" in line for line in explain(sim.cluster, sim.job(waiting), sim.now, str))
    sim.run(60)
    assert running(sim, [first, second, waiting, late, third]) == "RPPPR", "what ends in time goes before it"
    sim.run(105)
    assert sim.job(waiting).start_time == 100
    sim.run(300)
    assert sim.state(late) == "COMPLETED"


def test_an_administrator_lets_jobs_share_and_takes_it_back() -> None:
    sim, numbers = begin({"partition": "main", "ntasks": 2}, {"partition": "main", "ntasks": 2})
    for name in ("force", "yes"):
        sim.change_partition(name, over_subscribe="NO")
    assert running(sim, numbers) == "RP"
    assert sim.change_partition("main", over_subscribe="FORCE:2") == ""
    sim.run(5)
    assert running(sim, numbers) == "RR"
    sim.change_partition("main", over_subscribe="NO")
    numbers.append(sim.submit(10, ntasks=1, required_nodes="n1"))
    sim.restart()
    sim.run(50)
    assert running(sim, numbers) == "RRP"
    sim.run(300)
    assert sim.cluster.machines["n1"].free == TWO


def test_parts_of_a_heterogeneous_job_share_with_nobody() -> None:
    sim = Simulation(fleet())
    job = sim.submit_together({"partition": "force", "ntasks": 2}, {"partition": "force", "ntasks": 2}, run_time=50)
    other = sim.submit(10, partition="force", ntasks=1)
    sim.run(10)
    assert (sim.state(job), sim.state(other)) == ("RUNNING", "PENDING")
    sim.run(100)
    assert sim.state(other) == "COMPLETED"


def test_the_rows_are_counted_anew_when_the_machine_says_when_a_job_began() -> None:
    partitions = {"main": Partition("main", ("n1",), default=True, over_subscribe="FORCE:2")}
    sim = Simulation(fleet_of({"n1": Resources(cpus=4, memory=4000)}, partitions=partitions))
    _, late, _, waits = (sim.submit(100, cpus_per_task=cpus) for cpus in (1, 1, 3, 3))
    sim.run(until=1)
    assert sim.state(waits) == "PENDING"  # 1 + 1 CPUs in the first row, 3 in the second
    sim.happen(events.AttemptStarted("n1", f"{STATE}.{late}.1", 1.0, "0", ""))
    assert sim.state(waits) == "CONFIGURING"  # 1 + 3 and 1
