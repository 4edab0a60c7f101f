"""What QOS, accounts and users may have at a time, in virtual time: who has as much waits, with Slurm's reason."""

from __future__ import annotations

import random

import pytest

from mini_slurm.model.fleet import Association, Limits, Partition, Qos
from mini_slurm.model.resources import Resources
from mini_slurm.scheduler import core, scheduling
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.decisions import Decision
from tests.simulation import plain
from tests.simulation.harness import Simulation, fleet_of
from tests.simulation.test_invariants import copied, decided

MACHINES = {name: Resources(cpus=4, memory=8000, gpus={"": 2}) for name in ("node1", "node2", "node3")}


def limited(qos: Limits = Limits(), account: Limits = Limits(), ann: Limits = Limits()) -> Simulation:  # noqa: B008
    accounts = {"lab": {"ann": Association(limits=ann), "ben": Association()}, "other": {"ann": Association()}}
    return Simulation(
        fleet_of(
            MACHINES,
            qos={"normal": Qos("normal", limits=qos), "free": Qos("free")},
            accounts=accounts,
            whole_accounts={"lab": Association(limits=account)},
        )
    )


def submit(sim: Simulation, user: str = "ann", account: str = "lab", **request: object) -> int:
    return sim.submit(
        **{"user": user, "account": account, "qos": "normal", "time_limit": 600, "run_time": 60, **request}
    )


@pytest.mark.parametrize(
    ("limits", "request_", "reason"),
    [
        ({"qos": Limits(grp_jobs=1)}, {}, "QOSGrpJobsLimit"),
        ({"qos": Limits(max_jobs_per_user=1)}, {}, "QOSMaxJobsPerUserLimit"),
        ({"qos": Limits(max_jobs_per_account=1)}, {}, "MaxJobsPerAccount"),
        ({"qos": Limits(grp_tres={"cpus": 3})}, {"cpus_per_task": 2}, "QOSGrpCpuLimit"),
        ({"qos": Limits(grp_tres={"gpus": 1})}, {"gres": "gpu:1"}, "QOSGrpGRES"),
        ({"qos": Limits(grp_tres={"memory": 1500})}, {"memory_per_node": 1000}, "QOSGrpMemLimit"),
        ({"qos": Limits(grp_tres={"nodes": 1})}, {"exclusive": 1}, "QOSGrpNodeLimit"),
        ({"qos": Limits(max_tres_per_user={"cpus": 3})}, {"cpus_per_task": 2}, "QOSMaxCpuPerUserLimit"),
        ({"qos": Limits(max_tres_per_user={"gpus": 1})}, {"gres": "gpu:1"}, "QOSMaxGRESPerUser"),
        ({"account": Limits(grp_jobs=1)}, {}, "AssocGrpJobsLimit"),
        ({"account": Limits(grp_tres={"cpus": 3})}, {"cpus_per_task": 2}, "AssocGrpCpuLimit"),
        ({"account": Limits(max_jobs=1)}, {}, "AssocMaxJobsLimit"),
        ({"ann": Limits(max_jobs=1)}, {}, "AssocMaxJobsLimit"),
        ({"ann": Limits(grp_tres={"memory": 1500})}, {"memory_per_node": 1000}, "AssocGrpMemLimit"),
    ],
)
def test_a_job_waits_for_what_its_limit_says_and_starts_when_there_is_room_in_it(limits, request_, reason):
    sim = limited(**limits)
    first, second = submit(sim, **request_), submit(sim, **request_)
    assert (sim.state(first), sim.state(second)) == ("CONFIGURING", "PENDING")
    assert sim.job(second).reason == reason
    sim.run(until=62)
    assert sim.state(second) == "RUNNING"


@pytest.mark.parametrize(
    ("limits", "request_", "reason"),
    [
        ({"qos": Limits(max_wall=300)}, {}, "QOSMaxWallDurationPerJobLimit"),
        ({"qos": Limits(max_wall=300)}, {"time_limit": None}, "QOSMaxWallDurationPerJobLimit"),
        ({"account": Limits(max_wall=300)}, {}, "AssocMaxWallDurationPerJobLimit"),
        ({"qos": Limits(max_tres={"cpus": 1})}, {"cpus_per_task": 2}, "QOSMaxCpuPerJobLimit"),
        ({"qos": Limits(max_tres={"memory": 500})}, {"memory_per_node": 1000}, "QOSMaxMemoryPerJob"),
        ({"account": Limits(max_tres={"memory": 500})}, {"memory_per_node": 1000}, "AssocMaxMemPerJob"),
        ({"account": Limits(max_tres={"gpus": 0})}, {"gres": "gpu:1"}, "AssocMaxGRESPerJob"),
        ({"account": Limits(max_tres={"nodes": 1})}, {"nodes": 2, "ntasks": 2}, "AssocMaxNodePerJobLimit"),
    ],
)
def test_a_job_that_is_too_large_for_itself_waits_and_keeps_nobody_from_starting(limits, request_, reason):
    sim = limited(**limits)
    job = submit(sim, **request_)
    other = submit(sim, qos="free", account="other")
    assert (sim.state(job), sim.job(job).reason) == ("PENDING", reason)
    assert sim.state(other) == "CONFIGURING"


@pytest.mark.parametrize(
    ("limits", "request_", "reason"),
    [
        ({"qos": Limits(grp_tres={"cpus": 5})}, {"ntasks": 6}, "QOSGrpCpuLimit"),
        ({"qos": Limits(max_tres_per_user={"gpus": 1})}, {"gpus": "2"}, "QOSMaxGRESPerUser"),
        ({"account": Limits(grp_tres={"nodes": 2})}, {"nodes": 3, "ntasks": 3}, "AssocGrpNodeLimit"),
        ({"qos": Limits(max_tres={"cpus": 4})}, {"ntasks": 5}, "QOSMaxCpuPerJobLimit"),
    ],
)
def test_who_asks_for_more_than_is_allowed_has_that_reason_without_room_too_and_is_in_nobodys_way(
    limits, request_, reason
):
    sim = limited(**limits)
    for name in ("node1", "node2", "node3"):
        submit(sim, account="other", qos="free", required_nodes=name, cpus_per_task=3, gres="gpu:2")
    job = submit(sim, **request_)
    assert (sim.state(job), sim.job(job).reason) == ("PENDING", reason)
    assert sim.state(submit(sim, time_limit=60_000)) == "CONFIGURING"


def test_the_limits_of_one_do_not_hold_for_others():
    sim = limited(Limits(max_jobs_per_user=1), Limits(max_jobs=1), Limits(max_jobs=2))
    assert sim.state(submit(sim)) == "CONFIGURING"
    assert sim.state(submit(sim, "ben")) == "CONFIGURING"
    assert sim.state(submit(sim, qos="free")) == "CONFIGURING"  # ann's own limit, not the account's
    assert sim.job(submit(sim, qos="free")).reason == "AssocMaxJobsLimit"
    assert sim.state(submit(sim, account="other", qos="free")) == "CONFIGURING"


@pytest.mark.parametrize(
    ("limits", "jobs", "reason"),
    [
        # of a limit the first says how much: the QOS, else the account and its user
        ({"qos": Limits(grp_tres={"cpus": 3}), "account": Limits(grp_tres={"cpus": 1})}, 3, "QOSGrpCpuLimit"),
        ({"qos": Limits(grp_jobs=2), "account": Limits(grp_jobs=1)}, 2, "QOSGrpJobsLimit"),
        ({"qos": Limits(max_jobs_per_user=3), "ann": Limits(max_jobs=1)}, 3, "QOSMaxJobsPerUserLimit"),
        ({"qos": Limits(max_jobs_per_account=3), "ann": Limits(max_jobs=1)}, 3, "MaxJobsPerAccount"),
        ({"qos": Limits(max_wall=600), "account": Limits(max_wall=60)}, 5, None),
        ({"qos": Limits(max_tres={"cpus": 1}), "account": Limits(max_tres={"cpus": 0})}, 5, None),
        # what the QOS does not say counts besides, and account and user both do
        ({"qos": Limits(grp_tres={"cpus": 3}), "account": Limits(grp_tres={"memory": 150})}, 1, "AssocGrpMemLimit"),
        ({"ann": Limits(grp_jobs=4), "account": Limits(grp_jobs=2)}, 2, "AssocGrpJobsLimit"),
    ],
)
def test_a_limit_is_that_of_the_first_who_says_one(limits, jobs, reason):
    sim = limited(**limits)
    numbers = [submit(sim, memory_per_node=100) for _ in range(5)]
    assert [sim.state(one) for one in numbers] == ["CONFIGURING"] * jobs + ["PENDING"] * (5 - jobs)
    assert {sim.job(one).reason for one in numbers[jobs:]} == ({reason} if reason else set())


@pytest.mark.parametrize(
    ("flags", "expected"), [((), (2, "QOSMaxCpuPerUserLimit")), (("OverPartQOS",), (3, "QOSMaxCpuPerUserLimit"))]
)
def test_the_qos_of_a_partition_goes_before_that_of_the_job_unless_this_says_otherwise(flags, expected):
    qos = {
        "small": Qos("small", limits=Limits(max_tres_per_user={"cpus": 2})),
        "large": Qos("large", limits=Limits(max_tres_per_user={"cpus": 3}), flags=flags),
    }
    partition = Partition("main", tuple(MACHINES), default=True, qos="small")
    sim = Simulation(fleet_of(MACHINES, partitions={"main": partition}, qos=qos))
    numbers = [submit(sim, account=None, qos="large", partition="main") for _ in range(4)]
    running = [one for one in numbers if sim.state(one) == "CONFIGURING"]
    assert (len(running), sim.job(numbers[-1]).reason) == expected


@pytest.mark.parametrize(
    "limits", [{"qos": Limits(grp_tres={"nodes": 1})}, {"qos": Limits(max_tres_per_user={"nodes": 1})}]
)
def test_a_machine_of_several_jobs_counts_once(limits):
    sim = limited(**limits)
    assert [sim.state(submit(sim, required_nodes="node1")) for _ in range(2)] == ["CONFIGURING"] * 2
    assert sim.state(submit(sim, required_nodes="node2")) == "PENDING"


def test_each_task_of_an_array_counts():
    sim = limited(Limits(max_jobs_per_user=2))
    job = submit(sim, array_tasks="1-5")
    started = [one for one in sim.cluster.jobs.values() if one.state.name == "CONFIGURING"]
    assert len(started) == 2
    assert (sim.job(job).array_tasks, sim.job(job).reason) == ("3-5", "QOSMaxJobsPerUserLimit")
    sim.run(until=1000)
    assert {one.state.name for one in sim.done.values()} == {"COMPLETED"}
    assert len(sim.done) == 5


def test_a_whole_machine_counts_whole():
    sim = limited(account=Limits(grp_tres={"cpus": 5}))
    submit(sim, exclusive=1)
    assert sim.job(submit(sim, exclusive=1)).reason == "AssocGrpCpuLimit"
    assert sim.state(submit(sim)) == "CONFIGURING"


@pytest.mark.parametrize("seed", range(10))
def test_no_limit_is_ever_exceeded(seed):
    rng = random.Random(seed)
    qos = Limits(grp_jobs=5, max_jobs_per_user=3, max_tres_per_user={"cpus": 5})
    sim = limited(qos, Limits(grp_tres={"gpus": 2, "nodes": 4}, max_jobs=4))
    for _ in range(60):
        submit(
            sim, rng.choice(["ann", "ben"]), cpus_per_task=rng.randint(1, 3), run_time=rng.randint(1, 300),
            gres=rng.choice([None, "gpu:1"]), nodes=1, time_limit=rng.choice([300, 600]),
        )  # fmt: skip
        sim.run(until=sim.now + rng.randint(0, 60))
        running = [job for job in sim.cluster.jobs.values() if job.state.holds_resources and job.end_time is None]
        assert len(running) <= 5
        assert sum(bool(job.alloc_gpus) for job in running) <= 2
        for user in ("ann", "ben"):
            own = [job for job in running if job.user == user]
            assert len(own) <= 3
            assert sum(job.alloc_cpus for job in own) <= 5
    sim.run(until=sim.now + 100_000)
    assert not sim.cluster.jobs


def test_the_parts_of_a_heterogeneous_job_count_together():
    sim = limited(Limits(max_tres_per_user={"cpus": 5}))
    common = {"user": "ann", "account": "lab", "qos": "normal", "time_limit": 600}
    first = sim.submit_together({**common, "cpus_per_task": 2}, {**common, "cpus_per_task": 3}, run_time=60)
    second = sim.submit_together({**common, "cpus_per_task": 1}, {**common, "cpus_per_task": 1}, run_time=60)
    too_large = sim.submit_together({**common, "cpus_per_task": 3}, {**common, "cpus_per_task": 3}, run_time=60)
    assert [sim.state(job) for job in (first, second, too_large)] == ["CONFIGURING", "PENDING", "PENDING"]
    assert sim.job(second).reason == "QOSMaxCpuPerUserLimit"
    sim.run(until=200)
    assert [sim.state(job) for job in (first, second, too_large)] == ["COMPLETED", "COMPLETED", "PENDING"]
    assert sim.job(too_large).reason == "QOSMaxCpuPerUserLimit"


def divided(**limits: Limits) -> Simulation:
    """A fleet with partitions of these names, each with limits of its own, and `main` without any."""
    partitions = {name: Partition(name, tuple(MACHINES), qos=f"of-{name}") for name in limits}
    partitions["main"] = Partition("main", tuple(MACHINES), default=True)
    qos = {f"of-{name}": Qos(f"of-{name}", limits=one) for name, one in limits.items()}
    return Simulation(fleet_of(MACHINES, partitions=partitions, qos={"normal": Qos("normal"), **qos}))


def places(sim: Simulation, numbers: list[int]) -> list[str]:
    """Where each job has started, or why it waits."""
    jobs = [sim.job(one) for one in numbers]
    return [job.reason if job.state.name == "PENDING" else job.partition for job in jobs]


TWO_CPUS = Limits(max_tres_per_user={"cpus": 2}, max_wall=1800)
ONE_JOB = Limits(max_jobs_per_user=1, grp_tres={"cpus": 3})


def test_a_job_of_several_partitions_starts_in_the_first_whose_qos_has_room():
    sim = divided(pq=TWO_CPUS)
    wishes = [("pq,main", 3, 600), ("pq,main", 2, 600), ("pq,main", 1, 600), ("main,pq", 1, 600), ("pq,main", 1, 2400)]
    numbers = [submit(sim, partition=name, ntasks=cpus, time_limit=limit) for name, cpus, limit in wishes]
    assert places(sim, numbers) == ["main", "pq", "main", "main", "main"]


def test_a_job_that_no_qos_of_its_partitions_lets_start_waits_for_what_the_last_says():
    sim = divided(pq=TWO_CPUS, pr=ONE_JOB)
    wishes = [("pq,pr", 2, 600), ("pq,pr", 2, 600), ("pq,pr", 1, 600), ("pr,pq", 1, 600), ("pr,pq", 4, 600)]
    numbers = [submit(sim, partition=name, ntasks=cpus, time_limit=limit) for name, cpus, limit in wishes]
    long = submit(sim, partition="pq,pr", time_limit=2400)
    jobs, cpus = "QOSMaxJobsPerUserLimit", "QOSMaxCpuPerUserLimit"
    assert places(sim, [*numbers, long]) == ["pq", "pr", jobs, cpus, cpus, jobs]
    sim.cancel(numbers[0])
    sim.run(until=sim.now + 1)
    assert places(sim, [*numbers[1:], long]) == ["pr", "pq", "pq", cpus, jobs]
    sim.cancel(numbers[1])
    sim.run(until=sim.now + 1)
    assert places(sim, [*numbers[2:], long]) == ["pq", "pq", cpus, "pr"]


def test_the_tasks_of_an_array_spread_over_partitions_as_their_qos_let_them():
    sim = divided(pq=TWO_CPUS, pr=ONE_JOB)
    first = submit(sim, partition="pq,pr", array_tasks="1-5")
    started = [one.partition for one in sim.cluster.jobs.values() if one.state.name == "CONFIGURING"]
    assert (started, sim.job(first).array_tasks, sim.job(first).partition) == (["pq", "pq", "pr"], "4-5", "pq,pr")
    sim.run(until=1000)
    assert {one.state.name for one in sim.done.values()} == {"COMPLETED"}


def test_a_limit_that_only_the_machines_show_sends_a_job_to_its_next_partition():
    sim = divided(pq=Limits(max_tres_per_user={"cpus": 2}))
    assert places(sim, [submit(sim, partition="pq,main", exclusive=1)]) == ["main"]


def started_alike(cluster: Cluster, now: float) -> list[Decision]:
    """start_pending(), that has to start what the plain pass does, in the same place."""
    other = copied(cluster)
    expected, _ = decided(other, plain.start_pending(other, now))
    decisions = scheduling.start_pending(cluster, now)
    assert decided(cluster, decisions)[0] == expected
    for number, job in cluster.jobs.items():
        assert (job.partition, job.allocation) == (other.jobs[number].partition, other.jobs[number].allocation)
    return decisions


@pytest.mark.parametrize("seed", range(6))
def test_the_pass_decides_as_the_plain_one_where_partitions_have_limits_of_their_own(seed, monkeypatch):
    monkeypatch.setattr(core, "start_pending", started_alike)
    rng = random.Random(seed)
    sim = divided(pq=TWO_CPUS, pr=ONE_JOB)
    for _ in range(40):
        names = rng.sample(["pq", "pr", "main"], rng.randint(1, 3))
        tasks = rng.choice([None, None, "1-3", "1-4%2"])
        submit(
            sim, rng.choice(["ann", "ben"]), partition=",".join(names), ntasks=rng.randint(1, 5), array_tasks=tasks,
            exclusive=rng.choice([0, 0, 1]), run_time=rng.randint(1, 300), time_limit=rng.choice([300, 2400]),
        )  # fmt: skip
        sim.run(until=sim.now + rng.randint(0, 60))
        running = [job for job in sim.cluster.jobs.values() if job.state.holds_resources and job.end_time is None]
        for user in ("ann", "ben"):
            assert sum(job.alloc_cpus for job in running if (job.user, job.partition) == (user, "pq")) <= 2
            assert sum((job.user, job.partition) == (user, "pr") for job in running) <= 1
    sim.run(until=sim.now + 100_000)
    limits = {"QOSMaxCpuPerUserLimit", "QOSGrpCpuLimit", "QOSMaxWallDurationPerJobLimit"}
    assert {job.reason for job in sim.cluster.jobs.values()} <= limits
