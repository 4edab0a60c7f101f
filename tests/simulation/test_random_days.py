"""Random days: no machine is ever overbooked (the books are audited after each event), and every job ends."""

from __future__ import annotations

import random

import pytest

from mini_slurm.model.resources import Resources
from tests.simulation.harness import Simulation, fleet_of

DAY = 86_400.0
MACHINES = {
    "small": Resources(cpus=2, memory=2000),
    "middle": Resources(cpus=8, memory=16_000),
    "gpus": Resources(cpus=16, memory=64_000, gpus={"a100": 2, "v100": 1}),
}


def random_request(rng: random.Random) -> dict[str, object]:
    request: dict[str, object] = {
        "cpus_per_task": rng.choice([1, 1, 2, 4, 16]),
        "memory_per_node": rng.choice([0, 100, 1000, 30_000]),
        "time_limit": rng.choice([None, 600, 3600]),
        "exclusive": int(rng.random() < 0.05),
        "requeue": int(rng.random() < 0.8),
    }
    kind = rng.random()
    if kind < 0.3:
        request["gres"] = rng.choice(["gpu:1", "gpu:a100:2", "gpu:v100:1", "gpu:3"])
    if rng.random() < 0.2:
        request["array_tasks"] = rng.choice(["1-5", "0,2,4-9%3", "7"])
    if 0.3 <= kind < 0.6:
        several = [{"nodes": 2, "max_nodes": 2}, {"nodes": 3, "max_nodes": 3}, {"ntasks": 3}, {"ntasks": 20}]
        request |= {"cpus_per_task": 1, "memory_per_node": rng.choice([0, 100, 1000]), **rng.choice(several)}
    return request


def trouble(sim: Simulation, rng: random.Random) -> None:
    name = rng.choice(sorted(MACHINES))
    kind = rng.random()
    if kind < 0.4 and name in sim.connected:
        sim.disconnect(name)
        sim.plan(sim.now + rng.uniform(1, 500), lambda: sim.connect(name))
    elif kind < 0.6 and name in sim.connected:
        sim.reboot(name)
    elif sim.cluster.jobs:
        sim.cancel(rng.choice(sorted(sim.cluster.jobs)))


@pytest.mark.parametrize("seed", range(20))
def test_random_days_never_overbook_a_machine_and_every_job_ends(seed):
    rng = random.Random(seed)
    sim = Simulation(fleet_of(MACHINES))
    for _ in range(60):
        request = random_request(rng)
        moment, run_time = rng.uniform(0, DAY), rng.expovariate(1 / 1800)
        sim.plan(moment, lambda request=request, run_time=run_time: sim.submit(run_time, **request))
    for _ in range(30):
        sim.plan(rng.uniform(0, DAY), lambda: trouble(sim, rng))
    sim.run(until=20 * DAY)
    assert not sim.cluster.jobs
    assert {job.state.name for job in sim.done.values()} <= {"COMPLETED", "TIMEOUT", "CANCELLED", "NODE_FAIL"}
    assert max(sim.starts.values()) == 1
    assert not any(sim.running.values())
