"""model/environment.py against the variables of recorded jobs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.allocation import Share, format_allocation
from mini_slurm.model.environment import batch_environment, exported, fixed
from mini_slurm.model.job import Job
from mini_slurm.model.resources import Resources

PLAIN = {
    "job_id": 497, "name": "wrap", "account": "science", "qos": "normal", "partition": "compute", "node": "node1",
    "uid": 1001, "gid": 1001, "user": "alice", "memory_per_cpu": 500, "node_list": "node1",
    "submit_host": "login",
}  # fmt: skip
WHOLE = ((2, 2), (2, 2), (4, 4), (4, 1))  # CPUs and tasks of each machine
RECORDED = """ENVIRONMENT=BATCH HOSTNAME=node1 SLURMD_NODENAME=node1 SLURM_CLUSTER_NAME=mini SLURM_CPUS_ON_NODE=1
SLURM_CONF=/etc/slurm/slurm.conf
SLURM_GTIDS=0 SLURM_JOBID=497 SLURM_JOB_ACCOUNT=science SLURM_JOB_CPUS_PER_NODE=1 SLURM_JOB_GID=1001 SLURM_JOB_ID=497
SLURM_JOB_NAME=wrap SLURM_JOB_NODELIST=node1 SLURM_JOB_NUM_NODES=1 SLURM_JOB_PARTITION=compute SLURM_JOB_QOS=normal
SLURM_JOB_UID=1001 SLURM_JOB_USER=alice SLURM_LOCALID=0 SLURM_MEM_PER_CPU=500 SLURM_NNODES=1 SLURM_NODEID=0
SLURM_NODELIST=node1 SLURM_NODE_ALIASES=(null) SLURM_PROCID=0 SLURM_TASKS_PER_NODE=1 SLURM_TOPOLOGY_ADDR=node1
SLURM_TOPOLOGY_ADDR_PATTERN=node SLURM_WORKING_CLUSTER=mini:login:6817:9728:109"""
USERS = {
    "AAA": "1",
    "LANG": "C.UTF-8",
    "PATH": "/bin",
    "HOME": "/home/alice",
    "TMPDIR": "/scratch",
    "SSH_TTY": "/dev/pts/0",
}


def of(cpus: int = 1, tasks: int = 1, **changes: object) -> dict[str, str]:
    allocation = format_allocation({"node1": Share(Resources(cpus, 500), tasks)})
    job = Job(**{**PLAIN, "allocation": allocation, **changes})
    return batch_environment(job, cluster="mini", gpus_on_node=0)


def test_a_plain_job_has_the_variables_that_were_recorded() -> None:
    assert of() == dict(pair.split("=", 1) for pair in RECORDED.split())


def test_what_was_asked_for_is_said() -> None:
    assert of(3, 3, ntasks=3)["SLURM_NTASKS"] == "3"
    assert of(3, 3, ntasks=3)["SLURM_NPROCS"] == "3"
    assert of(3, 3, ntasks=3)["SLURM_TASKS_PER_NODE"] == "3"
    assert of(2, 1, cpus_per_task=2)["SLURM_CPUS_PER_TASK"] == "2"
    assert of(2, 1, cpus_per_task=2)["SLURM_TASKS_PER_NODE"] == "1"
    assert of(memory_per_cpu=None, memory_per_node=100)["SLURM_MEM_PER_NODE"] == "100"


def test_all_memory_of_a_machine_is_no_number() -> None:
    assert not [name for name in of(memory_per_cpu=None, memory_per_node=0) if name.startswith("SLURM_MEM")]


def test_a_job_on_several_machines_is_told_of_them_as_recorded() -> None:
    shares = {f"node{n}": Share(Resources(tasks, 500 * tasks), tasks) for n, tasks in enumerate((2, 2, 3), 1)}
    variables = of(ntasks=7, node_list="node[1-3]", allocation=format_allocation(shares))
    assert {name: value for name, value in variables.items() if "NODE" in name or "TASKS" in name} == {
        "SLURMD_NODENAME": "node1",
        "SLURM_CPUS_ON_NODE": "2",
        "SLURM_JOB_CPUS_PER_NODE": "2(x2),3",
        "SLURM_JOB_NODELIST": "node[1-3]",
        "SLURM_JOB_NUM_NODES": "3",
        "SLURM_NNODES": "3",
        "SLURM_NODEID": "0",
        "SLURM_NODELIST": "node[1-3]",
        "SLURM_NODE_ALIASES": "(null)",
        "SLURM_NTASKS": "7",
        "SLURM_TASKS_PER_NODE": "2(x2),3",
    }


def test_tasks_are_spread_evenly_over_whole_machines() -> None:
    """So a real 22.05.8 said it of `-N4 -n9 --exclusive`."""
    shares = {f"node{n}": Share(Resources(cpus, 0), tasks) for n, (cpus, tasks) in enumerate(WHOLE, 1)}
    told = of(ntasks=9, exclusive=1, allocation=format_allocation(shares))
    assert (told["SLURM_TASKS_PER_NODE"], told["SLURM_JOB_CPUS_PER_NODE"]) == ("2(x2),3,2", "2(x2),4(x2)")


def test_an_array_task_knows_its_array() -> None:
    task = of(array_job_id=170, array_task_id=20, array_size=4, array_min=3, array_max=20, array_step=3)
    assert {name: value for name, value in task.items() if name.startswith("SLURM_ARRAY")} == {
        "SLURM_ARRAY_JOB_ID": "170",
        "SLURM_ARRAY_TASK_COUNT": "4",
        "SLURM_ARRAY_TASK_ID": "20",
        "SLURM_ARRAY_TASK_MAX": "20",
        "SLURM_ARRAY_TASK_MIN": "3",
        "SLURM_ARRAY_TASK_STEP": "3",
    }


def test_which_gpus_a_job_has_is_left_to_the_agent() -> None:
    job = Job(**PLAIN, allocation=format_allocation({"node1": Share(Resources(1, 500, {"": 2}), 1)}))
    variables = batch_environment(job, cluster="mini", gpus_on_node=2)
    assert variables["SLURM_GPUS_ON_NODE"] == "2"
    assert not variables.keys() & {"CUDA_VISIBLE_DEVICES", "SLURM_JOB_GPUS"}


def test_a_job_that_was_requeued_counts_its_restarts() -> None:
    assert of(restarts=2)["SLURM_RESTART_COUNT"] == "2"


@pytest.mark.parametrize(
    ("export", "expected"),
    [
        (None, {"AAA": "1", "LANG": "C.UTF-8", "PATH": "/bin"}),
        ("ALL", {"AAA": "1", "LANG": "C.UTF-8", "PATH": "/bin"}),
        ("NONE", {"SLURM_EXPORT_ENV": "NONE", "SLURM_GET_USER_ENV": "1"}),
        ("NIL", {"SLURM_EXPORT_ENV": "NIL", "SLURM_GET_USER_ENV": "1"}),
        ("", {"SLURM_EXPORT_ENV": "", "SLURM_GET_USER_ENV": "1"}),
        ("BBB=2", {"BBB": "2", "SLURM_EXPORT_ENV": "BBB=2", "SLURM_GET_USER_ENV": "1"}),
        ("AAA", {"AAA": "1", "SLURM_EXPORT_ENV": "AAA", "SLURM_GET_USER_ENV": "1"}),
        ("NONE,BBB=2", {"BBB": "2", "SLURM_EXPORT_ENV": "NONE,BBB=2", "SLURM_GET_USER_ENV": "1"}),
        ('BBB="x,y"', {"BBB": '"x,y"', "SLURM_EXPORT_ENV": 'BBB="x,y"', "SLURM_GET_USER_ENV": "1"}),
        ("BBB=", {"BBB": "", "SLURM_EXPORT_ENV": "BBB=", "SLURM_GET_USER_ENV": "1"}),
        ("HOME", {"SLURM_EXPORT_ENV": "HOME", "SLURM_GET_USER_ENV": "1"}),
        ("HOME=/x", {"HOME": "/x", "SLURM_EXPORT_ENV": "HOME=/x", "SLURM_GET_USER_ENV": "1"}),
    ],
)
def test_export_says_what_travels(export: str | None, expected: dict[str, str]) -> None:
    assert exported(USERS, export) == expected


def test_all_with_a_value_sends_everything_and_the_value() -> None:
    sent = exported(USERS, "ALL,AAA=over")
    assert (sent["AAA"], sent["LANG"], "HOME" in sent) == ("over", "C.UTF-8", False)


def test_slurms_own_variables_travel_whatever_export_says() -> None:
    assert exported({"SLURM_FOO": "bar", "X": "1"}, "NONE")["SLURM_FOO"] == "bar"


def test_only_names_with_a_value_win_over_the_machines_own() -> None:
    assert fixed(Job(export="ALL,HOME=/x,USER,BBB=")) == ["HOME", "BBB"]
    assert fixed(Job()) == []


def test_a_file_of_variables_says_all_of_them() -> None:
    assert {"HOME", "USER"} <= set(fixed(Job(extra='{"export-file": "env.txt"}')))


@given(
    st.dictionaries(st.sampled_from(sorted(USERS)), st.text()),
    st.none() | st.text(alphabet="ALN,=\"'xHOME", max_size=12),
)
def test_the_machines_own_never_travel_unless_given_a_value(environment: dict[str, str], export: str | None) -> None:
    sent = exported(environment, export)
    assert {name for name in sent if name in ("HOME", "TMPDIR", "SSH_TTY")} <= set(fixed(Job(export=export)))
