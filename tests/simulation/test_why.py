"""scheduler/why.py: what a person is told of a job that waits."""

from __future__ import annotations

from mini_slurm.model.fleet import Limits, Partition, Qos
from mini_slurm.model.resources import Resources, Size
from mini_slurm.model.states import JobState
from mini_slurm.scheduler import events
from mini_slurm.scheduler.why import explain
from tests.simulation.harness import ADMIN, Simulation, fleet_of

MACHINES = {"node1": Resources(cpus=4, memory=8000), "node2": Resources(cpus=4, memory=8000, gpus={"a100": 2})}


def told(sim: Simulation, job: int) -> list[str]:
    return explain(sim.cluster, sim.job(job), sim.now, lambda moment: f"T+{int(moment)}")


def busy() -> Simulation:
    """bob holds GPUs for an hour."""
    sim = Simulation(fleet_of(MACHINES))
    sim.submit(run_time=3600, time_limit=3600, gres="gpu:2", cpus_per_task=2, user="bob")
    return sim


def test_who_holds_what_it_lacks_and_until_when():
    sim = busy()
    job = sim.submit(gres="gpu:a100:1", cpus_per_task=3, name="train", user="alice", time_limit=600)
    assert told(sim, job) == [
        "Job 2 (train, alice) waits: Resources.",
        "It goes first of those that want the same machines, and there is not enough free for it.",
        "It wants 1 machine of main with 3 CPUs and 1 GPU a100, for 10:00.",
        "The machines that come nearest:",
        "  node2 lacks 1 of 3 CPUs, 1 of 1 GPU a100; free by T+3600 at the latest",
        "    job 1 of bob holds 2 CPUs, 2 GPUs a100 until T+3600",
        "  node1 is too small: it lacks 1 of 1 GPU a100 even when it is empty",
    ]


def test_who_goes_before_it():
    sim = busy()
    first = sim.submit(gres="gpu:1", user="alice")
    second = sim.submit(gres="gpu:1", user="carol")
    assert f"Before it in the queue: job {first} of alice." in told(sim, second)
    assert not any("Before it" in line for line in told(sim, first))


def test_closed_machines_and_reserved_ones():
    sim = Simulation(fleet_of(MACHINES))
    sim.change_nodes("node1", State="DRAIN", Reason="fan")
    wish = {"name": "course", "start": 0.0, "duration": 60, "machines": ["node2"], "users": ["b"], "uids": {"b": 7}}
    sim.happen(events.ReservationRequested(1, ADMIN, wish, True))
    lines = told(sim, sim.submit())
    assert "  node1 is drain: fan" in lines
    assert "  node2 is reserved: course from T+0 to T+60" in lines


def test_a_machine_that_is_not_reached_has_nothing_free():
    sim = Simulation(fleet_of(MACHINES))
    job = sim.submit(required_nodes="node1", priority=1, reservation=None, time_limit=60, begin_time=50.0)
    lines = explain(sim.cluster, sim.job(job), 60.0, str, {"node1": "node1: no way"})
    assert [line for line in lines if "node1" in line] == ["  node1 is not reached: no way"]
    assert "  node1 has enough free now" in "".join(explain(sim.cluster, sim.job(job), 60.0, str))


def test_what_keeps_a_job_that_has_ended():
    sim = Simulation(fleet_of(MACHINES))
    job = sim.submit()
    sim.job(job).state, sim.job(job).end_time = JobState.COMPLETING, 5.0
    assert len(told(sim, job)) == 1
    sim.job(job).reason = "cannot write output: No space left on device"
    assert told(sim, job)[1:] == [
        "It has ended, but cannot write output: No space left on device: that is tried again. mscancel 1 gives up what"
        " has not come; filters as -u pass over it, as in Slurm."
    ]


def test_what_has_nothing_to_do_with_machines():
    sim = Simulation(fleet_of(MACHINES, licenses={"matlab": 1}))
    held = sim.submit(priority=0)
    assert told(sim, held)[1:] == [f"It is held: mscontrol release {held} lets it go."]
    later = sim.submit(begin_time=500.0)
    assert told(sim, later)[1:] == ["It may not start before T+500."]
    runs = sim.submit(licenses="matlab", user="bob", time_limit=60)
    wants = sim.submit(licenses="matlab")
    assert told(sim, wants)[1:3] == [
        "It wants 1 of license matlab, and 0 are free.", f"  job {runs} of bob holds 1 until T+60",
    ]  # fmt: skip
    after = sim.submit(dependency=f"afterok:{runs}(unfulfilled)")
    assert told(sim, after)[2:] == [f"  job {runs} is CONFIGURING until T+60"]
    assert told(sim, runs) == [f"Job {runs} (no name, bob) does not wait: it is CONFIGURING on node1."]


def test_the_licenses_of_all_parts_of_a_heterogeneous_job():
    sim = Simulation(fleet_of(MACHINES, licenses={"matlab": 3}))
    runs = sim.submit(licenses="matlab", user="bob", time_limit=60)
    waits = sim.submit_together({"licenses": "matlab:2"}, {"licenses": "matlab"})
    assert told(sim, waits)[:4] == [
        f"Job {waits}+0 (no name, 1000) waits: Licenses.",
        "It wants 3 of license matlab, and 2 are free.", f"  job {runs} of bob holds 1 until T+60",
        f"It starts together with the other parts of job {waits}, or not at all.",
    ]  # fmt: skip
    sim.cluster.fleet = sim.cluster.fleet._replace(licenses={"matlab": 2})  # there are fewer now
    assert told(sim, waits + 1)[1] == (
        "It wants 3 of license matlab, and there are 2 in all: it never starts, unless it asks for less."
    )


def test_a_limit_of_its_qos() -> None:
    sim = Simulation(fleet_of(MACHINES, qos={"few": Qos("few", limits=Limits(grp_jobs=1))}))
    sim.submit(qos="few", time_limit=60)
    job = sim.submit(qos="few", time_limit=60)
    assert told(sim, job)[1].startswith("Its QOS few allows no more: ")


def test_a_job_of_many_tasks_is_told_of_in_parts():
    partitions = {"main": Partition("main", ("node1", "node2"), default=True, max_time=60)}
    sim = Simulation(fleet_of(MACHINES, partitions=partitions))
    sim.submit(cpus_per_task=3, run_time=50, time_limit=60, required_nodes="node1", user="bob")
    wide = sim.submit(ntasks=8, time_limit=60)
    assert "  node1 lacks 3 of 4 CPUs; free by T+60 at the latest" in told(sim, wide)
    exclusive = sim.submit(exclusive=1, nodes=2, time_limit=60)
    assert "  node1 lacks 3 of 4 CPUs; free by T+60 at the latest" in told(sim, exclusive)
    long = sim.submit(time_limit=600)
    assert told(sim, long)[1] == "It asks for more time than its partition allows: ask for less with mscontrol update."


def test_what_a_part_of_a_gpu_lacks_and_who_uses_gpus_by_hand():
    sizes = {"a100": Size(80_000, 4)}
    sim = Simulation(fleet_of({"node1": Resources(4, 8000, {"a100": 2}, sizes=sizes)}), sizes={"node1": sizes})
    sim.happen(events.UseSeen("node1", {"a100": 1}))
    sim.submit(run_time=3600, time_limit=3600, gres="shard:3", user="bob")
    lines = told(sim, sim.submit(gres="gpumem:40000M", user="alice"))
    assert "It wants 1 machine of main with 1 CPU and 40000M of 1 GPU, without a time limit." in lines
    assert "  node1 lacks 40000M of 1 GPU; free by T+3600 at the latest" in lines
    assert "    job 1 of bob holds 1 CPU, 75% of 1 GPU a100 until T+3600" in lines
    assert "    somebody uses 1 GPU a100 besides jobs: msinfo --foreign" in lines
    assert "It wants 1 machine of main with 1 CPU and 2 shards, without a time limit." in told(
        sim, sim.submit(gres="shard:2")
    )
