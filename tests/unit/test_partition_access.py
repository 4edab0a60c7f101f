"""What partitions let in, what they add to jobs, and what scontrol calls that."""

import json
from typing import Any

import pytest

from mini_slurm.errors import Refused
from mini_slurm.model.fleet import ENDLESS, Fleet, MachineEntry, Partition, Qos
from mini_slurm.model.job import Job
from mini_slurm.options.admin_updates import PARTITION_TAGS, BadWord, read
from mini_slurm.output import partition_record
from mini_slurm.output.records import RecordView
from mini_slurm.output.tres import sharing
from mini_slurm.scheduler import access, admission

MACHINES = {f"node{number}": MachineEntry(f"node{number}", "", cpus=4, memory=8000, gpus={}) for number in (1, 2)}
FAILED = "Batch job submission failed: "
MUCH = {"memory_per_node": 1000}
SHARING_ADVICE = "Acceptable OverSubscribe values are NO, EXCLUSIVE, YES:#, and FORCE:#"
DENIED = FAILED + "Access/permission denied"


def admit(*, strict: bool = False, groups: tuple[str, ...] = (), job: dict[str, Any] = {}, **keys: Any) -> Job:  # noqa: B006
    partition = Partition("p", tuple(MACHINES), default=True, **keys)
    other = Partition("other", tuple(MACHINES))
    fleet = Fleet("mini", "", MACHINES, {"p": partition, "other": other}, qos={"high": Qos("high")})
    told = Job(**{"user": "alice", "uid": 1001, "submit_host": "login", "account": "science", "qos": "high", **job})
    admission.admit(told, fleet, {}, strict=strict, groups=lambda: groups)
    return told


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"root_only": True}, DENIED),
        ({"disable_root_jobs": True, "job": {"uid": 0}}, FAILED + "Invalid user id"),
        ({"require_reservation": True}, DENIED),
        ({"allow_groups": ("staff",), "groups": ("users",)}, FAILED + access.NOT_IN_GROUP),
        ({"alloc_nodes": ("node1",)}, DENIED),
        ({"allow_accounts": ("extra",), "strict": True}, admission.BAD_ACCOUNT),
        ({"deny_qos": ("high",), "strict": True}, admission.BAD_QOS),
        (
            {"max_memory_per_node": 900, "job": MUCH, "strict": True},
            "Memory required by task is not available",
        ),
        (
            {"max_cpus_per_node": 1, "job": {"ntasks": 2, "max_nodes": 1}},
            "Requested node configuration is not available",
        ),
    ],
)
def test_a_partition_refuses(keys: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as refused:
        admit(**keys)
    assert any(line.endswith(said) for line in refused.value.lines)


@pytest.mark.parametrize(
    "keys",
    [
        {"root_only": True, "job": {"uid": 0}},
        {"disable_root_jobs": True},
        {"allow_groups": ("staff",), "groups": ("users", "staff")},
        {"alloc_nodes": ("login",)},
        {"allow_accounts": ("extra",)},  # taken, and waits, as in Slurm
        {"allow_accounts": ("science",), "deny_accounts": ("science",), "strict": True},
        {"max_memory_per_node": 900, "job": MUCH},
        {"max_cpus_per_node": 1, "job": {"ntasks": 2}},
    ],
)
def test_a_partition_takes(keys: dict[str, Any]) -> None:
    assert admit(**keys).partition == "p"


def test_of_several_partitions_those_that_take_the_job_count() -> None:
    assert admit(root_only=True, job={"partition": "p,other"}).partition == "other"


def test_an_alternate_takes_the_jobs_of_a_closed_partition() -> None:
    assert admit(state="DRAIN", alternate="other").partition == "other"
    with pytest.raises(Refused):
        admit(state="DRAIN", alternate="p")


def test_a_partition_gives_memory_and_whole_machines() -> None:
    assert admit(default_memory_per_cpu=300).memory_per_cpu == 300
    assert admit(default_memory_per_node=700).memory_per_node == 700
    assert admit(default_memory_per_node=700, job={"memory_per_cpu": 100}).memory_per_node is None
    assert admit(over_subscribe="EXCLUSIVE").is_exclusive


def test_more_memory_of_a_cpu_than_there_may_be_is_more_cpus() -> None:
    job = admit(max_memory_per_cpu=400, job={"memory_per_cpu": 900})
    assert (job.cpus_per_task, job.memory_per_cpu) == (3, 300)
    assert json.loads(admit(max_memory_per_cpu=400, job={"memory_per_node": 700}).extra) == {"mincpus": "2"}


def shown(**keys: Any) -> list[str]:
    record = partition_record.Record(Partition("p", (), **keys), [])
    return partition_record.lines(record, RecordView(0.0, str))


def test_what_is_shown_of_who_may_use_a_partition() -> None:
    assert shown()[1:3] == ["AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL", "AllocNodes=ALL Default=NO QoS=N/A"]
    assert shown(deny_accounts=("a", "b"), allow_qos=("high",))[1] == "AllowGroups=ALL DenyAccounts=a,b AllowQos=high"
    assert shown(alternate="other", qos="high")[2] == "AllocNodes=ALL Alternate=other Default=NO QoS=high"
    assert shown(default_memory_per_cpu=300)[-2] == "DefMemPerCPU=300 MaxMemPerNode=UNLIMITED"
    assert shown(max_memory_per_cpu=400, default_memory_per_node=700)[-2] == "DefMemPerNode=700 MaxMemPerCPU=400"


def test_what_is_shown_of_the_time_after_the_limit() -> None:
    lines = [shown(over_time_limit=seconds) for seconds in (None, 0, 300, ENDLESS)]
    said = [word for line in lines for word in " ".join(line).split() if word.startswith("OverTimeLimit")]
    assert said == [f"OverTimeLimit={text}" for text in ("NONE", "0", "5", "UNLIMITED")]


@pytest.mark.parametrize(
    ("over_subscribe", "asked", "kept", "seen"),
    [
        ("FORCE:2", 0, 4, "YES"),
        ("FORCE:2", 1, 1, "YES"),  # a whole row
        ("FORCE:1", 0, 0, "OK"),
        ("YES:2", 0, 0, "OK"),
        ("YES:2", 4, 4, "YES"),
        ("EXCLUSIVE", 4, 1, "NO"),
        ("NO", 4, 4, "YES"),
    ],
)
def test_what_a_partition_makes_of_a_job_that_may_share_cpus(
    over_subscribe: str, asked: int, kept: int, seen: str
) -> None:
    job = admit(over_subscribe=over_subscribe, job={"exclusive": asked})
    assert (job.exclusive, sharing(job)) == (kept, seen)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("hid=n", {"hidden": False}),
        ("di=y", {"disable_root_jobs": True}),
        ("allowaccounts=a,b", {"allow_accounts": ["a", "b"]}),
        ("AllowQos=ALL", {"allow_qos": []}),
        ("denyqos=", {"deny_qos": []}),
        ("allocnodes=node[1-2]", {"alloc_nodes": ["node1", "node2"]}),
        ("shared=exc", {"over_subscribe": "EXCLUSIVE"}),
        ("shared=y", {"over_subscribe": "YES:4"}),
        ("overs=yes:3", {"over_subscribe": "YES:3"}),
        ("overs=yes:1", {"over_subscribe": "NO"}),
        ("overs=FORCE:1", {"over_subscribe": "FORCE:1"}),
        ("overs=force:x", {"over_subscribe": "EXCLUSIVE"}),  # as in Slurm
        ("overs=yes:", {"over_subscribe": "EXCLUSIVE"}),
        ("overt=5", {"over_time_limit": 300}),
        ("overt=0", {"over_time_limit": 0}),
        ("overt=unlimited", {"over_time_limit": ENDLESS}),
        ("maxc=infinite", {"max_cpus_per_node": None}),
        ("maxnodes=2k", {"max_nodes": 2048}),
        ("maxnodes=1-2", {"max_nodes": 1}),
        ("maxmempernode=0", {"max_memory_per_node": None, "max_memory_per_cpu": None}),
        ("defmempercpu=300", {"default_memory_per_cpu": 300, "default_memory_per_node": None}),
        ("lln=no", {"lln": False}),
        ("lln=yes", {"lln": True}),
    ],
)
def test_words_of_an_update(word: str, found: dict[str, object]) -> None:
    assert read(PARTITION_TAGS, [word]) == found


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("hidden=maybe", ("Invalid input: hidden=maybe", "Acceptable Hidden values are YES and NO")),
        ("maxc=x", ("Invalid MaxCPUsPerNode value: x",)),
        ("maxmempernode=1G", ("Invalid MaxMemPerNode value: 1G",)),
        ("maxnodes=x", ('Invalid numeric value "x" for MaxNodes.',)),
        ("overs=foo", ("Invalid input: overs=foo", SHARING_ADVICE)),
        ("overs=force:5000", ("Update of this parameter is not supported: overs=force:5000", "Request aborted")),
        ("overt=x", ("Invalid OverTimeLimit value: x",)),
        ("overt=70000", ("Invalid OverTimeLimit value: 70000",)),
        ("lln=maybe", ("Invalid input: lln=maybe", "Acceptable LLN values are YES and NO")),
    ],
)
def test_words_of_an_update_that_cannot_be(word: str, said: tuple[str, ...]) -> None:
    with pytest.raises(BadWord) as bad:
        read(PARTITION_TAGS, [word])
    assert bad.value.lines == said
