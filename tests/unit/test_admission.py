"""scheduler/admission.py, on the recorded cluster."""

import json

import pytest

from mini_slurm.errors import Refused
from mini_slurm.model.fleet import Association, Fleet, Limits, MachineEntry, Partition, Qos
from mini_slurm.model.job import COLUMNS, Job
from mini_slurm.model.machine import Machine
from mini_slurm.model.request import shown_nodes
from mini_slurm.model.reservation import Reservation
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


def admit(fleet: Fleet = FLEET, *, strict: bool = False, **wanted: object) -> Job:
    extra = {name.replace("_", "-"): value for name, value in wanted.items() if name not in COLUMNS}
    columns = {name: value for name, value in wanted.items() if name in COLUMNS}
    job = Job(**{"user": "alice", "submit_time": 1000.0, "extra": json.dumps(extra), **columns})
    admission.admit(job, fleet, {}, strict=strict)
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


def test_machines_that_stand_next_to_each_other_are_all_from_the_first_to_the_last_named() -> None:
    job = admit(required_nodes="node1,node3", nodes=2, contiguous="")
    assert (job.nodes, job.required_nodes) == (3, "node[1,3]")
    with pytest.raises(Refused, match="Node count specification invalid"):
        admit(required_nodes="node1,node3", nodes=2, max_nodes=2, contiguous="")


def test_a_fleet_without_accounts_takes_any() -> None:
    job = admit(FLEET._replace(accounts={}, qos={}), account="mine", qos="quick", user="nobody")
    assert (job.account, job.qos) == ("mine", "quick")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"partition": "nope"}, ("invalid partition specified: nope", NO_PARTITION)),
        ({"partition": ""}, ("invalid partition specified: (null)", NO_PARTITION)),
        ({"partition": "compute,nope"}, ("invalid partition specified: nope", NO_PARTITION)),
        ({"partition": "old"}, ("Batch job submission failed: Required partition not available (inactive or drain)",)),
        ({"memory_per_node": 9000}, NO_MEMORY),
        ({"memory_per_cpu": 99 * 1024}, NO_MEMORY),
        ({"memory_per_node": 5000, "required_nodes": "node1"}, (UNAVAILABLE,)),
        ({"gres": "gpu:9"}, (UNAVAILABLE,)),
        ({"gres": "gpu:x"}, (UNAVAILABLE,)),
        ({"gres": ""}, (admission.BAD_GRES,)),
        ({"gres": "gpu:1,"}, (admission.BAD_GRES,)),
        ({"gres": "gpu:1x"}, (admission.BAD_GRES,)),
        ({"gpus": "1.5"}, (admission.BAD_GRES,)),
        ({"gpus": "2kx"}, (admission.BAD_GRES,)),
        ({"extra": '{"gpus-per-task": "1a100"}', "ntasks": 1}, (admission.BAD_GRES,)),
        ({"batch": ""}, (admission.BAD_BATCH,)),
        ({"time_min": 2**32 - 1}, (admission.BAD_LEAST_TIME,)),
        ({"gres": "gpu:a100:1"}, (UNAVAILABLE,)),
        ({"gpus": "3"}, (UNAVAILABLE,)),
        ({"features": "nope"}, ("Batch job submission failed: Invalid feature specification",)),
        ({"features": "skylake&a100"}, (UNAVAILABLE,)),
        ({"required_nodes": "nodeX"}, ("Batch job submission failed: Invalid node name specified",)),
        ({"excluded_nodes": "nodeX"}, ("Batch job submission failed: Invalid node name specified",)),
        ({"required_nodes": "node[1-"}, ("Batch job submission failed: Invalid node name specified",)),
        ({"required_nodes": "", "nodes": 0}, ("Batch job submission failed: Node count specification invalid",)),
        ({"required_nodes": "node3", "partition": "debug"}, (UNAVAILABLE,)),
        ({"excluded_nodes": "node[1-4]"}, (UNAVAILABLE,)),
        ({"account": "nope"}, (admission.BAD_ACCOUNT,)),
        ({"account": ""}, (admission.BAD_ACCOUNT,)),
        ({"user": "carol"}, (admission.BAD_ACCOUNT,)),
        ({"qos": "nope"}, ("Batch job submission failed: Invalid qos specification",)),
        ({"account": "extra", "qos": "high"}, ("Batch job submission failed: Invalid qos specification",)),
        ({"ntasks": 9, "ntasks_per_node": 9}, ("CPU count per node can not be satisfied", UNAVAILABLE)),
        ({"mincpus": "9"}, ("CPU count per node can not be satisfied", UNAVAILABLE)),
        ({"sockets_per_node": "9"}, ("Socket, core and/or thread specification can not be satisfied", UNAVAILABLE)),
        ({"cpus_per_gpu": "3", "gpus": "2"}, (UNAVAILABLE,)),
        ({"features": "a&&b"}, ("Batch job submission failed: Invalid feature specification",)),
        ({"prefer": "nope"}, ("Batch job submission failed: Invalid preferred feature specification",)),
        ({"batch": "ib"}, (admission.BAD_BATCH,)),
        ({"nodes": 0}, ("Batch job submission failed: Node count specification invalid",)),
        ({"required_nodes": "node1", "excluded_nodes": "node1"}, (admission.UNKNOWN_NODE,)),
        ({"reservation": "r"}, ("Batch job submission failed: Requested reservation is invalid",)),
        ({"time_limit": 600, "time_min": 660}, (admission.BAD_LEAST_TIME,)),
        ({"deadline": 999.0}, (admission.BAD_TIME,)),
        ({"deadline": 1500.0, "time_min": 600}, (admission.BAD_LEAST_TIME,)),
        ({"name": "x" * 1025}, (admission.TOO_LONG_TEXT,)),
        ({"network": "x" * 1025}, (admission.TOO_LONG_TEXT,)),
        ({"std_out": "x" * 4097}, (admission.TOO_LONG_TEXT,)),
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
        {"exclusive": 1},
        {"memory_per_node": 0},
        {"partition": "debug,gpu", "gres": "gpu:1"},
        {"nodes": 5, "max_nodes": 5},
        {"features": "(skylake|a100)&ib", "batch": "ib"},
        {"prefer": "a100"},
    ],
)
def test_what_slurm_accepts_is_accepted(wanted: dict[str, object]) -> None:
    assert set(admit(**wanted).partition.split(",")) <= set(PARTITIONS)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", ["compute,", ",compute", "compute,compute", "compute,,debug"])
def test_further_commas_between_partitions_stay_until_the_job_starts(given: str) -> None:
    assert admit(partition=given).partition == given


def test_an_empty_list_of_machines_asks_for_none() -> None:
    assert admit(required_nodes="", excluded_nodes="", features="", nodes=2, max_nodes=2).nodes == 2


@pytest.mark.parametrize(
    ("wanted", "asked", "shown"),
    [
        ({"ntasks": 5}, 2, 2),
        ({"ntasks": 5, "ntasks_per_node": 2}, 2, 2),
        ({"ntasks": 12, "max_nodes": 3}, 1, 3),
        ({"ntasks": 12, "max_nodes": 4, "nodes": 4}, 4, 4),
        ({"ntasks": 30, "overcommit": "1"}, 1, 8),
        ({"ntasks": 3, "partition": "debug,compute"}, 1, 2),
    ],
)
def test_how_many_machines_tasks_need_is_shown_meanwhile(wanted: dict[str, object], asked: int, shown: int) -> None:
    job = admit(priority=0, **wanted)  # type: ignore[arg-type]
    assert (job.nodes, shown_nodes(job)) == (asked, shown)


def test_partitions_that_take_no_jobs_are_left_out_where_there_are_others() -> None:
    assert admit(partition="old,gpu,compute,gpu").partition == "gpu,compute"


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
    known = {"node1": Machine(name="node1", cpus=8, memory=16000, gpus="")}
    with pytest.raises(Refused) as raised:
        admission.admit(job, UNSAID, known, strict=True)
    assert "node1, has 8 CPUs, 16000M of memory and GPUs: none" in raised.value.hint
    assert raised.value.hint.endswith("node4 has 4 CPUs, 8000M of memory and GPUs: 2")


@pytest.mark.parametrize(
    ("wanted", "nodes"),
    [
        ({"ntasks": 64}, 16),  # as recorded: it waits for ever (PartitionConfig)
        ({"ntasks": 13}, 4),
        ({"ntasks": 4}, 1),
        ({"ntasks": 1, "cpus_per_task": 64}, 1),
        ({"ntasks": 6, "cpus_per_task": 2}, 3),
        ({"ntasks": 4, "ntasks_per_node": 1}, 4),
        ({"ntasks": 8, "nodes": 1, "max_nodes": 3}, 1),
        ({"ntasks": 8, "overcommit": "1"}, 1),
    ],
)
def test_tasks_say_how_many_machines_there_are_at_least(wanted: dict[str, object], nodes: int) -> None:
    assert admit(**{"priority": 0, **wanted}).nodes == nodes


# --- limits of QOS and accounts

POLICY = (
    "Batch job submission failed: Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"
)
LIMITED = FLEET._replace(
    qos={
        "normal": Qos("normal", limits=Limits(max_wall=7200, max_tres={"cpus": 3}, max_submit_jobs_per_user=4)),
        "high": Qos("high", limits=Limits(max_wall=1800, grp_submit_jobs=2)),
    },
    whole_accounts={"science": Association(limits=Limits(max_submit_jobs=3))},
)


def waiting(count: int = 1, user: str = "alice", qos: str = "normal", account: str = "science") -> tuple[Job, int]:
    return Job(user=user, qos=qos, account=account), count


def test_who_does_not_say_how_many_machines_gets_as_many_as_the_partition_wants() -> None:
    fleet = FLEET._replace(partitions={"p": Partition("p", NODES, default=True, min_nodes=2)})
    assert [admit(fleet, **wanted).nodes for wanted in ({}, {"max_nodes": 3})] == [2, 2]  # type: ignore[arg-type]
    assert admit(fleet, nodes=1, max_nodes=1).nodes == 1  # as Slurm: it waits


@pytest.mark.parametrize(("wanted", "is_taken"), [({"ntasks": 3}, True), ({"ntasks": 5}, False), ({"nodes": 2}, False)])
def test_one_of_several_partitions_has_to_have_the_room(wanted: dict[str, object], is_taken: bool) -> None:
    if is_taken:
        assert admit(partition="debug,gpu", **wanted).nodes == 1  # type: ignore[arg-type]
        return
    with pytest.raises(Refused) as refused:
        admit(partition="debug,gpu", **wanted)  # type: ignore[arg-type]
    assert refused.value.lines == ("Batch job submission failed: Requested node configuration is not available",)


def test_the_longest_time_of_a_qos_is_that_of_a_job_without_one_where_the_partition_says_none() -> None:
    endless = LIMITED._replace(partitions={"p": Partition("p", NODES, default=True, max_time=3600)})
    assert admit(endless).time_limit == 3600
    assert admit(endless, qos="high").time_limit == 1800
    assert admit(LIMITED, qos="high").time_limit == 3600  # the partition's default_time, with which it waits
    assert admit(LIMITED, qos="high", time_limit=3600).time_limit == 3600  # as Slurm: it waits


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        ({"time_limit": 7260}, "QOSMaxWallDurationPerJobLimit"),
        ({"time_limit": None}, "QOSMaxWallDurationPerJobLimit"),
        ({"cpus_per_task": 4}, "QOSMaxCpuPerJobLimit"),
        ({"ntasks": 2, "cpus_per_task": 2}, "QOSMaxCpuPerJobLimit"),
    ],
)
def test_what_is_too_large_for_itself_is_refused_where_limits_are_enforced(
    wanted: dict[str, object], reason: str
) -> None:
    admit(LIMITED, **wanted)  # type: ignore[arg-type]
    for settings in ({"strict": True}, {"fleet": LIMITED._replace(enforce_limits=True)}):
        with pytest.raises(Refused) as refused:
            admit(**{"fleet": LIMITED, **settings, **wanted})  # type: ignore[arg-type]
        assert refused.value.lines == (reason, POLICY)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_tres={"cpus": 1}), "QOSMaxCpuPerJobLimit"),
        (Limits(max_wall=1800), "QOSMaxWallDurationPerJobLimit"),
        (Limits(grp_tres={"cpus": 1}), "QOSGrpCpuLimit"),
        (Limits(max_tres_per_user={"memory": 500}), "QOSMaxMemoryPerUser"),
    ],
)
def test_a_qos_may_have_refused_what_is_beyond_its_limits_by_itself(limits: Limits, reason: str) -> None:
    wanted = {"ntasks": 2, "time_limit": 3600}
    for flags in ((), ("DenyOnLimit",)):
        fleet = FLEET._replace(qos={"normal": Qos("normal", limits=limits, flags=flags)})
        if not flags:
            admit(fleet, **wanted)  # type: ignore[arg-type]
            continue
        with pytest.raises(Refused) as refused:
            admit(fleet, **wanted)  # type: ignore[arg-type]
        assert refused.value.lines == (reason, POLICY)


@pytest.mark.parametrize(
    ("wanted", "others", "reason"),
    [
        ({}, [waiting(2)], None),
        ({}, [waiting(), waiting(2)], None),  # what the QOS says of users takes the place of their account's limit
        ({"array_size": 5}, [], "QOSMaxSubmitJobPerUserLimit"),
        ({"qos": "high", "account": "science"}, [waiting(), waiting(2)], "AssocMaxSubmitJobLimit"),
        ({}, [waiting(9, user="bob"), waiting(9, account="extra", user="bob")], None),
        (
            {"account": "extra", "qos": "normal"},
            [waiting(2), waiting(2, account="extra")],
            "QOSMaxSubmitJobPerUserLimit",
        ),
        ({"qos": "high"}, [waiting(2, user="bob", qos="high")], "QOSGrpSubmitJobsLimit"),
    ],
)
def test_one_job_too_many_is_refused(
    wanted: dict[str, object], others: list[tuple[Job, int]], reason: str | None
) -> None:
    job = admit(LIMITED, **wanted)  # type: ignore[arg-type]
    if reason is None:
        admission.check_submitted(job, LIMITED, others)
        return
    with pytest.raises(Refused) as refused:
        admission.check_submitted(job, LIMITED, others)
    assert refused.value.lines == (reason, POLICY)


def test_each_of_several_partitions_counts_and_refuses_what_its_qos_does() -> None:
    names = ("compute", "few", "strict")
    limits = {
        "few": Limits(max_submit_jobs_per_user=1),
        "strict": Limits(max_tres={"cpus": 2}),
    }
    partitions = {name: Partition(name, ("node1",), qos=name if name in limits else "") for name in names}
    flags = {"strict": ("DenyOnLimit",)}
    qos = {name: Qos(name, limits=one, flags=flags.get(name, ())) for name, one in limits.items()}
    fleet = FLEET._replace(partitions=partitions, qos=qos, accounts={})
    for order in ("compute,strict", "strict,compute"):
        assert admit(fleet, partition=order, ntasks=2).partition == order
        with pytest.raises(Refused, match="QOSMaxCpuPerJobLimit"):
            admit(fleet, partition=order, ntasks=3)
    for order in ("compute,few", "few,compute"):
        job = admit(fleet, partition=order)
        admission.check_submitted(job, fleet, [(Job(user="alice", partition="compute"), 1)])
        for held in ("few", "compute,few", "few,compute"):
            with pytest.raises(Refused, match="QOSMaxSubmitJobPerUserLimit"):
                admission.check_submitted(job, fleet, [(Job(user="alice", partition=held), 1)])


@pytest.mark.parametrize("wanted", [{"nodes": 2}, {"partition": "debug"}, {"ntasks": 5}])
def test_what_is_preferred_has_to_be_there_at_submission(wanted: dict[str, object]) -> None:
    assert admit(prefer="a100", ntasks=4).features is None
    with pytest.raises(Refused, match="Requested node configuration is not available"):
        admit(prefer="a100", **wanted)  # type: ignore[arg-type]
    assert admit(prefer="a100", priority=0, **wanted).features is None  # type: ignore[arg-type]


def test_the_fleet_says_how_large_arrays_may_be() -> None:
    whole: dict[str, object] = {"array_tasks": "0-999999", "array_size": 1_000_000, "array_max": 999_999}
    with pytest.raises(Refused, match="Invalid job array specification"):
        admit(**whole)
    with pytest.raises(Refused, match="Invalid job array specification"):
        admit(array_tasks="1001", array_min=1001, array_max=1001, array_size=1)
    assert admit(FLEET._replace(max_array_size=1_000_000), **whole).array_tasks == "0-999999"


@pytest.mark.parametrize(
    ("limits", "nodes", "hint"),
    [
        ({"max_nodes": 2}, 3, "a job of partition compute has up to 2 machines"),
        ({"min_nodes": 2}, 1, "a job of partition compute has at least 2 machines"),
    ],
)
def test_a_refusal_says_how_many_machines_a_job_can_have(limits: dict[str, int], nodes: int, hint: str) -> None:
    compute = FLEET.partitions["compute"]._replace(**limits)  # type: ignore[arg-type]
    fleet = FLEET._replace(enforce_limits=True, partitions={**FLEET.partitions, "compute": compute})
    with pytest.raises(Refused) as raised:
        admit(fleet, nodes=nodes, max_nodes=nodes)
    assert raised.value.lines == ("Batch job submission failed: Node count specification invalid",)
    assert raised.value.hint == hint


def test_parts_want_no_more_licenses_together_than_there_are() -> None:
    fleet = FLEET._replace(licenses={"matlab": 2})
    parts = [admit(fleet, licenses=text) for text in ("matlab", "matlab:1", None)]
    admission.check_together(parts, fleet)
    with pytest.raises(Refused) as caught:
        admission.check_together([*parts, admit(fleet, licenses="matlab")], fleet)
    assert caught.value.lines == ("Batch job submission failed: Invalid license specification",)
    assert caught.value.hint == "its parts want 3 of license matlab together, and there are 2"


def reserved(**later: object) -> Fleet:
    """node1 is reserved for everybody from the beginning, or as it is said, and node3 as `big`."""
    one = Reservation("one", 1, 0.0, 9000.0, ("node1",))._replace(**later)
    return FLEET._replace(reservations={"one": one, "big": Reservation("big", 2, 0.0, 9000.0, ("node3",))})


@pytest.mark.parametrize("names", ["one,", ",big", "one,,big"])
def test_stray_commas_between_reservations_are_nothing(names: str) -> None:
    assert admit(reserved(start=5000.0), reservation=names).reservation == names
    with pytest.raises(Refused, match="Requested reservation is invalid"):
        admit(reserved(start=5000.0), reservation=f"{names},nope")


@pytest.mark.parametrize(
    "wanted",
    [
        {"reservation": "one", "ntasks": 3},
        {"reservation": "one", "required_nodes": "node2"},
        {"reservation": "one,big", "nodes": 2},
    ],
)
def test_what_fits_in_none_of_its_reservations_is_refused_once_they_are_in_force(wanted: dict[str, object]) -> None:
    with pytest.raises(Refused) as caught:
        admit(reserved(), **wanted)
    assert caught.value.lines == (UNAVAILABLE,)
    assert "reservation one has node1" in (caught.value.hint or "")
    assert admit(reserved(start=5000.0), **wanted).reservation == wanted["reservation"]
    assert admit(reserved(flags=("FLEX",)), **wanted).reservation == wanted["reservation"]


def test_what_fits_in_one_of_its_reservations_is_taken() -> None:
    assert admit(reserved(), reservation="one,big", ntasks=3).reservation == "one,big"
    assert admit(reserved(), reservation="one", ntasks=2).reservation == "one"
