"""`scontrol show job`, line by line, as Slurm 22.05 writes it."""

from __future__ import annotations

import time

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.output import job_record
from mini_slurm.output.records import RecordView, block

NOW = 1_000_000.0


def view(*, details: bool = False) -> RecordView:
    return RecordView(NOW, lambda moment: time.strftime("%H:%M:%S", time.gmtime(moment)), details=details)


def job(**values: object) -> Job:
    standard = {
        "job_id": 7, "name": "train", "user": "alice", "uid": 1001, "group_name": "alice", "gid": 1001,
        "partition": "compute", "account": "science", "qos": "normal", "memory_per_cpu": 500, "time_limit": 3600,
        "submit_time": NOW - 60, "work_dir": "/home/alice", "submit_host": "login", "submit_session": 4711,
        "script": "digest",
    }  # fmt: skip
    return Job(**{**standard, **values})


def shown(one: Job, at: RecordView | None = None) -> dict[str, str]:
    """The words of a record by name; the last one counts."""
    return dict(word.split("=", 1) for line in job_record.lines(one, at or view()) for word in line.split(" ") if word)


def test_a_job_that_has_run_and_waits_again_has_a_number_of_machines_and_no_range() -> None:
    assert shown(job(nodes=2, max_nodes=2))["NumNodes"] == "2-2"
    assert shown(job(nodes=2, max_nodes=2, restarts=1))["NumNodes"] == "2"


def test_a_running_job_is_shown_in_full() -> None:
    running = job(
        state=JobState.RUNNING, start_time=NOW - 5, node="node1", alloc_cpus=1, alloc_memory=500, priority=1416,
        eligible_time=NOW - 60, command="/home/alice/job.sh", cpu_ids="0",
    )  # fmt: skip
    text = block(job_record.lines(running, view()), oneliner=False)
    assert text.splitlines() == [
        "JobId=7 JobName=train",
        "   UserId=alice(1001) GroupId=alice(1001) MCS_label=N/A",
        "   Priority=1416 Nice=0 Account=science QOS=normal",
        "   JobState=RUNNING Reason=None Dependency=(null)",
        "   Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=0:0",
        "   RunTime=00:00:05 TimeLimit=01:00:00 TimeMin=N/A",
        "   SubmitTime=13:45:40 EligibleTime=13:45:40",
        "   AccrueTime=13:45:40",
        "   StartTime=13:46:35 EndTime=14:46:35 Deadline=N/A",
        "   SuspendTime=None SecsPreSuspend=0 LastSchedEval=13:46:35 Scheduler=Main",
        "   Partition=compute AllocNode:Sid=login:4711",
        "   ReqNodeList=(null) ExcNodeList=(null)",
        "   NodeList=node1",
        "   BatchHost=node1",
        "   NumNodes=1 NumCPUs=1 NumTasks=1 CPUs/Task=1 ReqB:S:C:T=0:0:*:*",
        "   TRES=cpu=1,mem=500M,node=1,billing=1",
        "   Socks/Node=* NtasksPerN:B:S:C=0:0:*:* CoreSpec=*",
        "   MinCPUsNode=1 MinMemoryCPU=500M MinTmpDiskNode=0",
        "   Features=(null) DelayBoot=00:00:00",
        "   OverSubscribe=OK Contiguous=0 Licenses=(null) Network=(null)",
        "   Command=/home/alice/job.sh",
        "   WorkDir=/home/alice",
        "   StdErr=/home/alice/slurm-7.out",
        "   StdIn=/dev/null",
        "   StdOut=/home/alice/slurm-7.out",
        "   Power=",
        "   ",
        "",
    ]


def test_one_line_holds_the_whole_record() -> None:
    text = block(job_record.lines(job(), view()), oneliner=True)
    assert text.startswith("JobId=7 JobName=train UserId=alice(1001) ")
    assert text.endswith(" Power= \n")
    assert text.count("\n") == 1


def test_details_tell_what_is_held_where() -> None:
    running = job(
        state=JobState.RUNNING, start_time=NOW, node="node2", node_list="node[2-3]", nodes=2, alloc_cpus=3,
        alloc_memory=1500, cpu_ids="0-1",
        allocation='{"node2": [2, 1000, "", 2], "node3": [1, 500, "2", 1]}', gpu_ids="b,a",
        alloc_gpus="2",
    )  # fmt: skip
    at = view(details=True)
    at.gpu_places = {"a": 0, "b": 1}
    found = job_record.lines(running, at)
    place = found.index("JOB_GRES=gpu:2")
    assert found[place + 1 : place + 3] == [
        "  Nodes=node2 CPU_IDs=0-1 Mem=1000 GRES=",
        "  Nodes=node3 CPU_IDs=0 Mem=500 GRES=gpu:2(IDX:0-1)",
    ]
    assert "DerivedExitCode=0:0" in found


def test_machines_on_which_the_same_is_held_share_a_line() -> None:
    running = job(
        state=JobState.RUNNING, start_time=NOW, node="node2", node_list="node[2-4]", nodes=3, alloc_cpus=5,
        alloc_memory=2500, cpu_ids="0-1",
        allocation='{"node2": [2, 1000, "", 2], "node3": [2, 1000, "", 2], "node4": [1, 500, "", 1]}',
    )  # fmt: skip
    found = job_record.lines(running, view(details=True))
    assert [line for line in found if "CPU_IDs" in line] == [
        "  Nodes=node[2-3] CPU_IDs=0-1 Mem=1000 GRES=",
        "  Nodes=node4 CPU_IDs=0 Mem=500 GRES=",
    ]


def test_an_array_shows_its_waiting_tasks_and_its_throttle() -> None:
    at = view()
    at.throttles = {7: 2}
    first = job_record.lines(job(array_job_id=7, array_tasks="1-10%2", name="arr"), at)[0]
    assert first == "JobId=7 ArrayJobId=7 ArrayTaskId=1-10%2 ArrayTaskThrottle=2 JobName=arr"


def test_a_job_that_has_run_with_its_gpus_memory_shows_none_for_its_machines() -> None:
    asked = {"memory_per_cpu": 500, "extra": '{"mem-per-gpu": "100"}'}
    assert "MinCPUsNode=1 MinMemoryCPU=500M MinTmpDiskNode=0" in job_record.lines(job(**asked), view())
    ran = job(state=JobState.RUNNING, start_time=NOW, node="node2", alloc_cpus=1, **asked)
    assert "MinCPUsNode=1 MinMemoryNode=0 MinTmpDiskNode=0" in job_record.lines(ran, view())


def test_a_held_job_is_not_eligible() -> None:
    words = shown(job(priority=0, reason="JobHeldUser"))
    assert (words["EligibleTime"], words["AccrueTime"], words["StartTime"], words["EndTime"]) == ("Unknown",) * 4


def test_a_reason_is_one_word() -> None:
    assert shown(job(reason="job requeued in held state"))["Reason"] == "job_requeued_in_held_state"


def test_tasks_of_a_job_that_never_started_are_not_known() -> None:
    over = job(state=JobState.CANCELLED, end_time=NOW, reason="JobHeldUser")
    assert (shown(over)["NumTasks"], shown(over)["StartTime"]) == ("N/A", "13:46:40")


def test_machines_that_were_given_show_as_many_tasks_each_as_were_asked_for() -> None:
    wanted = {"ntasks": 3, "ntasks_per_node": 2, "nodes": 3}
    assert shown(job(**wanted, state=JobState.PENDING))["NumTasks"] == "3"
    given = {"state": JobState.RUNNING, "node": "node1", "node_list": "node[1-3]", "alloc_cpus": 6}
    assert shown(job(**wanted, **given))["NumTasks"] == "6"


def test_a_range_of_nodes_promises_one_cpu() -> None:
    words = shown(job(nodes=2, max_nodes=3))
    assert (words["NumNodes"], words["NumCPUs"], words["NumTasks"]) == ("2-3", "1", "2")
    assert words["TRES"] == "cpu=1,mem=500M,node=2,billing=1"


def test_options_that_are_only_kept_are_shown() -> None:
    words = shown(job(extra='{"mail-type": "all", "mail-user": "x@example.org", "contiguous": "", "mincpus": "2"}'))
    assert words["MailType"] == "INVALID_DEPEND,BEGIN,END,FAIL,REQUEUE,STAGE_OUT"
    assert (words["MailUser"], words["Contiguous"], words["MinCPUsNode"]) == ("x@example.org", "1", "2")


def test_all_memory_is_the_first_machines_until_the_job_starts() -> None:
    at = view()
    at.whole_memory = {"compute": 4000}
    words = shown(job(memory_per_node=0, memory_per_cpu=None), at)
    assert (words["TRES"], words["MinMemoryNode"]) == ("cpu=1,mem=4000M,node=1,billing=1", "0")


def test_nothing_of_a_job_moves_the_terminals_cursor() -> None:
    assert "JobName=a\\x1b[2J" in job_record.lines(job(name="a\x1b[2J"), view())[0]


def test_a_job_without_a_script_has_no_output_of_its_own() -> None:
    found = shown(job(script=""))
    assert found["BatchFlag"] == "0"
    assert not {"StdErr", "StdIn", "StdOut"} & found.keys()
