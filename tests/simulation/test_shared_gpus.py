"""GPUs that several jobs share, by shards or by declared memory; and GPUs that people use by hand."""

from __future__ import annotations

import random

import pytest

from mini_slurm.model.resources import Resources, Size
from mini_slurm.model.states import JobState
from mini_slurm.scheduler.cluster import allocation
from mini_slurm.scheduler.events import UseSeen
from tests.simulation.harness import Simulation, fleet_of

GPUS = Resources(cpus=32, memory=64_000, gpus={"a100": 2}, sizes={"a100": Size(81920, 4)})
QUARTER = 20480


def simulation(**machines: Resources) -> Simulation:
    machines = machines or {"node1": GPUS}
    return Simulation(fleet_of(machines), sizes={name: has.sizes for name, has in machines.items()})


def slots(sim: Simulation, job_id: int) -> dict[int, int]:
    """What the job has of which shared GPU of its first machine."""
    job = sim.cluster.jobs[job_id]
    return {slot.number: part for slot, part in allocation(job)[job.node or ""].resources.shares.items()}


def running(sim: Simulation) -> list[int]:
    return sorted(number for number, job in sim.cluster.jobs.items() if job.state.holds_resources)


def test_jobs_of_shards_fill_one_gpu_before_the_next() -> None:
    sim = simulation()
    jobs = [sim.submit(gres="shard:1") for _ in range(5)]
    assert [slots(sim, number) for number in jobs] == [{0: QUARTER}] * 4 + [{1: QUARTER}]


def test_a_gpu_is_whole_or_shared() -> None:
    sim = simulation()
    shared = sim.submit(gres="shard:1", run_time=100, time_limit=100)
    whole = sim.submit(gres="gpu:1", run_time=100, time_limit=100)
    waits = sim.submit(gres="gpu:1", run_time=100)
    small = sim.submit(gres="shard:3", run_time=10, time_limit=10)
    assert running(sim) == [shared, whole, small]
    assert sim.cluster.jobs[waits].reason == "Resources"
    sim.run(until=101)
    assert running(sim) == [waits]


def test_a_gpu_is_whole_again_when_its_last_share_is_given_back() -> None:
    sim = simulation(node1=GPUS._replace(gpus={"a100": 1}))
    sim.submit(gres="shard:2", run_time=10)
    sim.submit(gres="shard:2", run_time=20)
    whole = sim.submit(gres="gpu:1", run_time=10)
    sim.run(until=15)
    assert sim.cluster.jobs[whole].state is JobState.PENDING
    sim.run(until=21)
    assert running(sim) == [whole]


def test_more_shards_than_one_gpu_has_lie_on_several() -> None:
    sim = simulation()
    job = sim.submit(gres="shard:6")
    assert slots(sim, job) == {0: 81920, 1: 2 * QUARTER}
    beside = sim.submit(gres="shard:2")
    assert slots(sim, beside) == {1: 2 * QUARTER}


def test_shards_that_are_free_on_two_gpus_together_do_not_make_one_job() -> None:
    sim = simulation()
    sim.submit(gres="shard:3")
    sim.submit(gres="shard:3")
    waits = sim.submit(gres="shard:2")
    assert sim.cluster.jobs[waits].state is JobState.PENDING


def test_jobs_share_a_gpu_by_declared_memory() -> None:
    sim = simulation()
    jobs = [sim.submit(gres="gpu:1,gpumem:30G") for _ in range(5)]
    assert running(sim) == jobs[:4]
    assert [slots(sim, number) for number in jobs[:4]] == [{0: 30720}, {0: 30720}, {1: 30720}, {1: 30720}]


def test_memory_is_meant_of_each_gpu() -> None:
    sim = simulation()
    job = sim.submit(gres="gpu:2,gpumem:30G")
    assert slots(sim, job) == {0: 30720, 1: 30720}


def test_shards_and_memory_share_a_gpu() -> None:
    sim = simulation(node1=GPUS._replace(gpus={"a100": 1}))
    first, second = sim.submit(gres="shard:3"), sim.submit(gres="gpumem:20G")
    third = sim.submit(gres="gpumem:1G")
    assert running(sim) == [first, second]
    assert sim.cluster.jobs[third].state is JobState.PENDING


def test_the_smallest_gpu_that_suffices_is_shared() -> None:
    sizes = {"a100": Size(81920, 4), "t4": Size(16384, 4)}
    sim = simulation(node1=Resources(32, 64_000, {"a100": 1, "t4": 1}, sizes=sizes))
    small, large = sim.submit(gres="gpumem:8G"), sim.submit(gres="gpumem:20G")
    (first,) = allocation(sim.cluster.jobs[small])["node1"].resources.shares
    (second,) = allocation(sim.cluster.jobs[large])["node1"].resources.shares
    assert (first.type, second.type) == ("t4", "a100")


@pytest.mark.parametrize("gres", ["gpumem:100G", "shard:9", "shard:v100:1"])
def test_what_no_empty_machine_has_never_runs(gres: str) -> None:
    sim = simulation()
    job = sim.submit(gres=gres)
    assert sim.cluster.jobs[job].reason not in ("None", "Resources", "Priority")


def test_shards_without_known_memory() -> None:
    sim = simulation(node1=Resources(8, 8000, {"": 1}, sizes={"": Size(0, 2)}))
    jobs = [sim.submit(gres="shard:1") for _ in range(3)]
    assert running(sim) == jobs[:2]


def test_a_job_of_several_machines_shares_a_gpu_on_each() -> None:
    sim = simulation(node1=GPUS, node2=GPUS)
    job = sim.submit(gres="shard:2", nodes=2, max_nodes=2)
    shares = [list(share.resources.shares.values()) for share in allocation(sim.cluster.jobs[job]).values()]
    assert shares == [[2 * QUARTER]] * 2


def test_a_gpu_that_somebody_uses_by_hand_is_avoided() -> None:
    sim = simulation(node1=GPUS._replace(gpus={"a100": 1}), node2=GPUS)
    sim.happen(UseSeen("node1", {"a100": 1}))
    job = sim.submit(gres="gpu:1", required_nodes="node1", run_time=10)
    assert sim.cluster.jobs[job].state is JobState.PENDING
    other = sim.submit(gres="shard:1", run_time=10)
    assert sim.cluster.jobs[other].node == "node2"
    plain = sim.submit(required_nodes="node1", run_time=10)
    assert running(sim) == [other, plain]
    sim.happen(UseSeen("node1", {}))
    assert running(sim) == [job, other, plain]


def test_random_days_never_give_more_of_a_gpu_than_it_has() -> None:
    for seed in range(10):
        rng = random.Random(seed)
        sim = simulation(node1=GPUS, node2=GPUS._replace(gpus={"a100": 3}))
        for _ in range(60):
            wish = rng.choice(
                ["shard:1", "shard:2", "shard:3", "shard:5", "gpu:1", "gpu:2", "gpumem:30G", "gpumem:55G"]
            )
            sim.submit(run_time=rng.randint(5, 300), gres=wish, time_limit=rng.choice([None, 100, 400]))
            if rng.random() < 0.1:
                sim.happen(UseSeen("node1", {"a100": rng.randint(0, 2)}))
            sim.run(until=sim.now + rng.randint(0, 60))
        sim.happen(UseSeen("node1", {}))
        sim.run(until=sim.now + 20_000)
        assert not sim.cluster.jobs
        assert sim.cluster.machines["node1"].free == GPUS
