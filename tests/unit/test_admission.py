"""scheduler/admission.py, on the recorded cluster."""

import pytest

from mini_slurm.errors import Refused
from mini_slurm.model.fleet import Association, Fleet, MachineEntry, Partition, Qos
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.scheduler import admission

NODES = tuple(f"node{number}" for number in range(1, 5))


def entry(name: str, cpus: int, memory: int, *features: str, gpus: int = 0) -> MachineEntry:
    return MachineEntry(name, name, cpus=cpus, memory=memory, gpus={"": gpus} if gpus else {}, features=features)


MACHINES = {
    "node1": entry("node1", 2, 4000, "ib", "skylake"),
    "node2": entry("node2", 2, 4000, "ib", "skylake"),
    "node3": entry("node3", 4, 8000, "ib", "haswell"),
    "node4": entry("node4", 4, 8000, "haswell", "a100", gpus=2),
}
PARTITIONS = {
    "compute": Partition("compute", NODES, default=True, default_time=3600, max_time=86400),
    "gpu": Partition("gpu", ("node4",), default_time=3600, max_time=86400),
    "debug": Partition("debug", ("node1",), default_time=600, max_time=1800),
    "old": Partition("old", NODES, state="INACTIVE"),
}
FLEET = Fleet(
    "mini",
    "fleet.toml",
    MACHINES,
    PARTITIONS,
    qos={"normal": Qos("normal"), "high": Qos("high", 100)},
    accounts={
        "science": {"alice": Association(("normal", "high"), default=True), "bob": Association(default=True)},
        "extra": {"alice": Association()},
    },
    default_memory_per_cpu=500,
)
UNAVAILABLE = "Batch job submission failed: Requested node configuration is not available"
NO_PARTITION = "Batch job submission failed: Invalid partition name specified"
NO_MEMORY = ("Memory specification can not be satisfied", UNAVAILABLE)


def admit(fleet: Fleet = FLEET, *, strict: bool = False, per_node: int | None = None, **wanted: object) -> Job:
    job = Job(**{"user": "alice", **wanted})
    admission.complete(job, fleet)
    admission.check(job, fleet, {}, strict=strict, tasks_per_node=per_node)
    return job


def test_the_fleet_fills_in_what_was_not_asked_for() -> None:
    job = admit()
    assert (job.partition, job.time_limit, job.memory_per_cpu, job.account, job.qos) == (
        "compute", 3600, 500, "science", "normal",
    )  # fmt: skip


def test_what_was_asked_for_stays() -> None:
    job = admit(partition="gpu", time_limit=None, memory_per_node=100, account="extra", qos="normal")
    assert (job.partition, job.time_limit, job.memory_per_cpu, job.account) == ("gpu", None, None, "extra")


def test_a_partition_without_a_default_time_gives_its_longest() -> None:
    fleet = FLEET._replace(partitions={"p": Partition("p", NODES, default=True, max_time=60)})
    assert admit(fleet).time_limit == 60


def test_a_fleet_without_accounts_takes_any() -> None:
    job = admit(FLEET._replace(accounts={}, qos={}), account="mine", qos="quick", user="nobody")
    assert (job.account, job.qos) == ("mine", "quick")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"partition": "nope"}, ("invalid partition specified: nope", NO_PARTITION)),
        ({"partition": ""}, ("invalid partition specified: (null)", NO_PARTITION)),
        ({"partition": "compute,gpu"}, ("--partition: more than one partition is not supported yet",)),
        ({"partition": "old"}, ("Batch job submission failed: Required partition not available (inactive or drain)",)),
        ({"memory_per_node": 9000}, NO_MEMORY),
        ({"memory_per_cpu": 99 * 1024}, NO_MEMORY),
        ({"memory_per_node": 5000, "required_nodes": "node1"}, (UNAVAILABLE,)),
        ({"gres": "gpu:9"}, (UNAVAILABLE,)),
        ({"gres": "gpu:x"}, (UNAVAILABLE,)),
        ({"gres": "gpu:a100:1"}, (UNAVAILABLE,)),
        ({"gpus": "3"}, (UNAVAILABLE,)),
        ({"gres": "tape:1"}, ("Batch job submission failed: Invalid generic resource (gres) specification",)),
        ({"features": "nope"}, ("Batch job submission failed: Invalid feature specification",)),
        ({"features": "skylake&a100"}, (UNAVAILABLE,)),
        ({"required_nodes": "nodeX"}, ("Batch job submission failed: Invalid node name specified",)),
        ({"excluded_nodes": "nodeX"}, ("Batch job submission failed: Invalid node name specified",)),
        ({"required_nodes": "node[1-"}, ("Batch job submission failed: Invalid node name specified",)),
        ({"required_nodes": ""}, ("Batch job submission failed: Node count specification invalid",)),
        ({"required_nodes": "node3", "partition": "debug"}, (UNAVAILABLE,)),
        ({"excluded_nodes": "node[1-4]"}, (UNAVAILABLE,)),
        ({"account": "nope"}, (admission.BAD_ACCOUNT,)),
        ({"account": ""}, (admission.BAD_ACCOUNT,)),
        ({"user": "carol"}, (admission.BAD_ACCOUNT,)),
        ({"qos": "nope"}, ("Batch job submission failed: Invalid qos specification",)),
        ({"account": "extra", "qos": "high"}, ("Batch job submission failed: Invalid qos specification",)),
        ({"ntasks": 9, "per_node": 9}, ("CPU count per node can not be satisfied", UNAVAILABLE)),
    ],
)  # fmt: skip
def test_what_can_never_run_is_refused_in_slurms_words(wanted: dict[str, object], said: tuple[str, ...]) -> None:
    with pytest.raises(Refused) as raised:
        admit(**wanted)  # type: ignore[arg-type]
    assert (raised.value.lines, raised.value.exit_code) == (said, 1)


@pytest.mark.parametrize(
    "wanted",
    [
        {"cpus_per_task": 64},
        {"ntasks": 64},
        {"partition": "debug", "cpus_per_task": 3},
        {"partition": "debug", "time_limit": 3600},
        {"time_limit": None},
        {"gpus": "0"},
        {"features": "ib&"},
        {"features": "skylake|a100"},
        {"priority": 0, "memory_per_node": 8192},
        {"gres": "gpu"},
        {"gres": "none"},
        {"exclusive": 1},
        {"memory_per_node": 0},
    ],
)
def test_what_slurm_accepts_is_accepted(wanted: dict[str, object]) -> None:
    assert admit(**wanted).partition in PARTITIONS  # type: ignore[arg-type]


@pytest.mark.parametrize("wanted", [{"cpus_per_task": 64}, {"priority": 0, "memory_per_node": 9000}])
def test_under_its_own_name_a_command_refuses_whatever_can_never_run(wanted: dict[str, object]) -> None:
    with pytest.raises(Refused):
        admit(strict=True, **wanted)  # type: ignore[arg-type]


def test_a_refusal_says_what_the_largest_machine_has() -> None:
    with pytest.raises(Refused) as raised:
        admit(memory_per_node=9000)
    assert raised.value.hint == (
        "the largest machine of partition compute, node4, has 4 CPUs, 8000M of memory and GPUs: 2"
    )


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"partition": "debug", "time_limit": 3600}, "Requested time limit is invalid (missing or exceeds some limit)"),
        ({"time_limit": None}, "Requested time limit is invalid (missing or exceeds some limit)"),
        ({"cpus_per_task": 64}, "More processors requested than permitted"),
    ],
)
def test_limits_are_enforced_where_the_fleet_says_so(wanted: dict[str, object], said: str) -> None:
    with pytest.raises(Refused) as raised:
        admit(FLEET._replace(enforce_limits=True), **wanted)  # type: ignore[arg-type]
    assert raised.value.lines == (f"Batch job submission failed: {said}",)


UNSAID = FLEET._replace(machines={**MACHINES, "node1": MachineEntry("node1", "node1")})


@pytest.mark.parametrize(
    "wanted", [{"cpus_per_task": 64}, {"memory_per_node": 10**6}, {"gres": "gpu:x:8"}, {"exclusive": 1}]
)
def test_nothing_is_refused_that_a_machine_not_reached_yet_may_have(wanted: dict[str, object]) -> None:
    assert admit(UNSAID, strict=True, **wanted).partition == "compute"  # type: ignore[arg-type]


def test_what_a_machine_said_of_itself_counts_where_the_file_is_silent() -> None:
    job = Job(user="alice", cpus_per_task=64)
    admission.complete(job, UNSAID)
    known = {"node1": Machine(name="node1", cpus=8, memory=16000, gpus="")}
    with pytest.raises(Refused) as raised:
        admission.check(job, UNSAID, known, strict=True)
    assert "node1, has 8 CPUs, 16000M of memory and GPUs: none" in raised.value.hint
    assert raised.value.hint.endswith("node4 has 4 CPUs, 8000M of memory and GPUs: 2")
