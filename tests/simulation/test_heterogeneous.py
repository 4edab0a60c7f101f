"""Heterogeneous jobs in virtual time: all parts or none, one attempt, and records that follow the first part's."""

import random

from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.fleet import Partition
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler.targets import NOT_WHOLE
from tests.simulation.harness import ADMIN, Simulation, fleet_of

SMALL, LARGE = Resources(cpus=2), Resources(cpus=8)
FLEET = fleet_of({"a": SMALL, "b": SMALL, "c": LARGE})
TWO = ({"cpus_per_task": 2}, {"nodes": 1, "ntasks": 8})


def nodes(sim: Simulation, first: int, count: int = 2) -> list[str | None]:
    return [sim.job(first + n).node_list for n in range(count)]


def states(sim: Simulation, first: int, count: int = 2) -> set[str]:
    return {sim.state(first + n) for n in range(count)}


def test_parts_start_together_each_with_its_own_share() -> None:
    sim = Simulation(FLEET)
    job = sim.submit_together(*TWO, run_time=100)
    sim.run(until=1)
    assert states(sim, job) == {"RUNNING"}
    assert nodes(sim, job) == ["a", "c"]
    assert [sim.job(job + n).alloc_cpus for n in range(2)] == [2, 8]
    assert list(parse_allocation(sim.job(job).het_allocation or "")) == ["a", "c"]
    assert len(sim.starts) == 1, "there is one script"


def test_all_parts_wait_until_the_last_one_has_room() -> None:
    sim = Simulation(FLEET)
    sim.submit(50, ntasks=8)
    job = sim.submit_together(*TWO)
    sim.run(until=40)
    assert states(sim, job) == {"PENDING"}
    assert {sim.job(job + n).reason for n in range(2)} == {"Resources"}
    assert sim.cluster.machines["a"].free == SMALL, "nothing is held meanwhile"
    sim.run(until=51)
    assert states(sim, job) == {"RUNNING"}
    sim.run(until=200)
    assert states(sim, job) == {"COMPLETED"}
    assert not sim.cluster.jobs


def test_parts_keep_apart_while_there_are_machines_and_share_one_otherwise() -> None:
    sim = Simulation(FLEET)
    job = sim.submit_together({"ntasks": 1}, {"ntasks": 1}, run_time=5)
    sim.run(until=1)
    first, second = nodes(sim, job)
    assert first != second
    sim = Simulation(fleet_of({"c": LARGE}))
    job = sim.submit_together({"ntasks": 3}, {"ntasks": 5}, run_time=5)
    sim.run(until=1)
    assert nodes(sim, job) == ["c", "c"]
    assert sim.cluster.machines["c"].free.cpus == 0
    too_large = sim.submit_together({"ntasks": 4}, {"ntasks": 5}, run_time=5)
    sim.run(until=100)
    assert states(sim, too_large) == {"PENDING"}
    assert sim.job(too_large).reason == "PartitionConfig", "for ever: it is in nobody's way"


def test_parts_that_take_each_others_machines_wherever_they_are_tried_are_in_nobodys_way() -> None:
    partitions = {"one": Partition("one", ("c",)), "two": Partition("two", ("a", "c"), default=True)}
    sim = Simulation(fleet_of({"a": SMALL, "c": LARGE}, partitions=partitions))
    job = sim.submit_together({"partition": "one,two", "ntasks": 3}, {"partition": "one", "ntasks": 8})
    other = sim.submit(5, partition="two", ntasks=8)
    sim.run(until=1)
    assert sim.job(job).reason == "PartitionConfig"
    assert sim.state(other) == "RUNNING"


def test_what_keeps_one_part_keeps_all() -> None:
    sim = Simulation(FLEET)
    job = sim.submit_together({"ntasks": 1}, {"ntasks": 1, "begin_time": 30.0}, run_time=5)
    sim.run(until=29)
    assert states(sim, job) == {"PENDING"}
    assert sim.job(job).reason == "BeginTime"
    sim.run(until=31)
    assert states(sim, job) == {"RUNNING"}


def test_licenses_of_all_parts_count() -> None:
    sim = Simulation(FLEET._replace(licenses={"matlab": 1}))
    job = sim.submit_together({"licenses": "matlab"}, {"licenses": "matlab"})
    sim.run(until=50)
    assert states(sim, job) == {"PENDING"}
    assert sim.job(job).reason == "Licenses"


def test_the_first_part_ends_all_and_the_others_none() -> None:
    sim = Simulation(FLEET)
    job = sim.submit_together(*TWO, run_time=100)
    sim.run(until=1)
    sim.cancel(job + 1)
    sim.run(until=5)
    assert states(sim, job) == {"RUNNING"}
    sim.cancel(job)
    sim.run(until=10)
    assert states(sim, job) == {"CANCELLED"}
    assert sim.job(job + 1).cancelled_by == 1000


def test_parts_are_changed_through_the_first_one() -> None:
    sim = Simulation(FLEET)
    job = sim.submit_together(*TWO, run_time=100)
    sim.run(until=1)
    assert sim.suspend(job + 1) == NOT_WHOLE
    assert sim.suspend(job, by=ADMIN) == ""
    assert states(sim, job) == {"SUSPENDED"}


def test_a_machine_that_is_lost_takes_all_parts_along_and_they_run_again() -> None:
    sim = Simulation(FLEET)
    job = sim.submit_together(*TWO, run_time=100)
    sim.run(until=1)
    sim.reboot("c")
    sim.run(until=300)
    assert states(sim, job) == {"COMPLETED"}
    assert [sim.job(job + n).restarts for n in range(2)] == [1, 1]


def test_random_days_never_overbook_a_machine() -> None:
    for seed in range(20):
        rng = random.Random(seed)
        sim = Simulation(FLEET)
        firsts = []
        for _ in range(30):
            sim.run(until=sim.now + rng.random() * 20)
            if rng.random() < 0.5:
                sim.submit(rng.random() * 60, ntasks=rng.randint(1, 4))
            else:
                parts = [{"ntasks": rng.randint(1, 4)} for _ in range(rng.randint(2, 3))]
                firsts.append((sim.submit_together(*parts, run_time=rng.random() * 60), len(parts)))
            if rng.random() < 0.1:
                sim.reboot(rng.choice("abc"))
            if firsts and rng.random() < 0.1:
                sim.cancel(rng.choice(firsts)[0])
        sim.run(until=10_000)
        assert not sim.cluster.jobs, seed
        for first, count in firsts:
            assert len(states(sim, first, count)) == 1, seed


def test_a_change_of_the_first_part_is_one_of_all_and_a_change_of_another_its_own() -> None:
    sim = Simulation(FLEET)
    sim.submit(50, ntasks=8)
    job = sim.submit_together(*TWO)
    sim.run(until=1)
    assert sim.update(job, Comment="all") == ""
    assert sim.update(job + 1, Comment="own") == ""
    assert [sim.job(job + n).comment for n in range(2)] == ["all", "own"]
    assert sim.update(job + 1, Priority=0) == "", "a part waits with its job"
    sim.run(until=60)
    assert states(sim, job) == {"PENDING"}
    assert sim.update(job, Priority=None) == ""
    sim.run(until=65)
    assert states(sim, job) == {"RUNNING"}


def test_only_the_part_that_bears_no_strangers_keeps_them_off_its_machine() -> None:
    sim = Simulation(fleet_of({"a": SMALL, "b": SMALL}))
    other = sim.submit(100, uid=1001, required_nodes="b")
    alone, beside = {"exclusive": 2, "required_nodes": "a"}, {"required_nodes": "b"}
    job = sim.submit_together(alone, beside, run_time=100)
    later = sim.submit(10, uid=1001, required_nodes="b")
    sim.cancel(other, uid=1001)
    sim.run(until=50)
    assert states(sim, job) == {"RUNNING"}
    assert sim.state(later) == "COMPLETED"
    assert sim.state(sim.submit(10, uid=1001, required_nodes="a")) == "PENDING"


def test_a_change_of_a_further_part_leaves_the_reason_that_all_parts_have() -> None:
    sim = Simulation(FLEET)
    sim.submit(50, ntasks=8)
    job = sim.submit_together(*TWO)
    sim.update(job + 1, by=ADMIN, TimeLimit=120)
    sim.run(until=40)
    assert {sim.job(job + n).reason for n in range(2)} == {"Resources"}


def test_a_job_whose_machines_were_changed_while_it_ran_is_forgotten_with_all_its_parts() -> None:
    sim = Simulation(FLEET)
    job = sim.submit_together(*({**part, "time_limit": 120} for part in TWO), run_time=100)
    sim.run(until=10)
    sim.change_nodes("b", State="DRAIN", Reason="fan")
    sim.run(until=200)
    assert states(sim, job) == {"COMPLETED"}
    runs = sim.submit(100, ntasks=8, time_limit=120)
    waits, last = sim.submit(10, ntasks=8), sim.submit(10, ntasks=7)
    sim.run(until=400)
    assert {sim.state(one) for one in (runs, waits, last)} == {"COMPLETED"}


def test_an_ended_one_is_not_run_again_as_its_further_parts_are_gone() -> None:
    sim = Simulation(FLEET)
    job = sim.submit_together(*TWO, run_time=5)
    sim.run(until=50)
    assert sim.requeue(job, by=ADMIN) == "Requested operation is presently disabled"
    assert states(sim, job) == {"COMPLETED"}


def in_partitions(**members: tuple[str, ...]) -> Simulation:
    """Machines a, b, c: all have 2 CPUs but c, which has 8; in these partitions."""
    partitions = {name: Partition(name, machines) for name, machines in members.items()}
    return Simulation(fleet_of({"a": SMALL, "b": SMALL, "c": LARGE}, partitions=partitions))


def test_a_part_takes_another_of_its_partitions_where_one_after_it_needs_the_first() -> None:
    sim = in_partitions(one=("a",), two=("b",))
    job = sim.submit_together({"partition": "one,two", "ntasks": 2}, {"partition": "one", "ntasks": 2})
    sim.run(until=1)
    assert nodes(sim, job) == ["b", "a"]
    assert [sim.job(job + n).partition for n in range(2)] == ["two", "one"]


def test_a_part_with_few_machines_to_choose_from_comes_before_one_with_many() -> None:
    sim = in_partitions(main=("a", "b", "c"))
    job = sim.submit_together({"ntasks": 2}, {"ntasks": 2, "required_nodes": "a"})
    sim.run(until=1)
    assert nodes(sim, job) == ["b", "a"]


def test_parts_wait_for_the_choice_that_is_left_to_them() -> None:
    sim = in_partitions(one=("a",), two=("b",))
    sim.submit(50, partition="two", ntasks=2, time_limit=50)
    job = sim.submit_together({"partition": "one,two", "ntasks": 2}, {"partition": "one", "ntasks": 2})
    sim.run(until=40)
    assert sim.job(job).reason == "Resources"
    sim.run(until=52)
    assert nodes(sim, job) == ["b", "a"]


def test_many_parts_that_find_no_room_together_are_soon_given_up() -> None:
    sim = in_partitions(one=("a", "b"), two=("a", "b"), three=("a", "b"))
    job = sim.submit_together(*[{"partition": "one,two,three", "ntasks": 1}] * 9)
    sim.run(until=1)
    assert sim.job(job).reason == "PartitionConfig"
