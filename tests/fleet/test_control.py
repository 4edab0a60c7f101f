"""mscontrol as a command, on a store that the test fills."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mini_slurm.cli.control import processes, system, waiting
from mini_slurm.cli.verbose import PLUGINS
from mini_slurm.model.machine import Machine
from mini_slurm.model.states import JobState
from mini_slurm.model.step import Step
from mini_slurm.store import database
from tests.fleet.shell import Shell, array, job, prepared, running
from tests.waiting import wait_until


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return prepared(tmp_path, capsys, monkeypatch)


# --- the grammar


@pytest.mark.parametrize(
    ("line", "code", "output", "errors"),
    [
        ("frob", 1, "", "invalid keyword: frob\n"),
        ("show", 1, "", "too few arguments for keyword:show\n"),
        ("show frob", 1, "", "invalid entity:frob for keyword:show \n"),
        ("show frob=2", 1, "", "invalid entity:frob=2 for keyword:show \n"),
        ("show job 1 2", 1, "", "too many arguments for keyword:show\n"),
        ("ping now", 1, "", "too many arguments for keyword:ping\n"),
        ("version 2", 1, "slurm-wlm 22.05.8\n", "too many arguments for version keyword\n"),
        ("pidinfo", 1, "", "missing argument for keyword:pidinfo\n"),
        ("wait_job", 1, "", "too few arguments for keyword:wait_job\n"),
        ("ver", 1, "", "invalid keyword: ver\n"),
        ("vers", 0, "slurm-wlm 22.05.8\n", ""),
        ("VERSION", 0, "slurm-wlm 22.05.8\n", ""),
        ("-V", 0, "slurm-wlm 22.05.8\n", ""),
        ("--foo", 1, "", "scontrol: unrecognized option '--foo'\nTry \"scontrol --help\" for more information\n"),
        ("-Q show frob", 1, "", ""),
        ("shutdown", 1, "", "slurm_shutdown error: Invalid user id\n"),
        ("-Q frob", 1, "", "invalid keyword: frob\n"),
        ("-Q ping now", 1, "", "too many arguments for keyword:ping\n"),
        ("shutdown now", 1, "", "invalid shutdown argument:now\n"),
        ("abort 1 2", 1, "", "too many arguments for keyword:abort\nslurm_shutdown error: Invalid user id\n"),
        ("setdebug 3", 1, "", "slurm_set_debug_level error: Permission denied\n"),
        ("setdebug 20", 1, "", "invalid debug level: 20\n"),
        ("schedloglevel 2", 1, "", "invalid schedlog level: 2\n"),
        ("setdebugflags -backfill", 1, "", "slurm_set_debug_flags error: Permission denied\n"),
        (
            "setdebugflags +steps,foo",
            1,
            "",
            "scontrol: error: Invalid DebugFlag: foo\ninvalid debug flag: +steps,foo\n",
        ),
        ("-V --foo", 0, "slurm-wlm 22.05.8\n", ""),
        ("errnumstr 2017", 0, "Invalid job id specified\n", ""),
        ("errnumstr 0", 0, "No error\n", ""),
        ("errnumstr 13", 0, "Permission denied\n", ""),
        ("hold 99_1", 1, "", "99_1: Invalid job id specified\n"),
        ("requeue 99_[1-2]", 1, "", "99_1-2: Invalid job id specified\n"),
        ("update slurmctlddebug=3", 1, "", "slurm_update error: Permission denied\n"),
        ("update slurmctlddebug=x", 1, "", "invalid debug level: x\nslurm_update error: No error\n"),
        ("update frontend=x", 1, "", "No changes specified\n"),
        (
            "update frontend=x state=down",
            1,
            "",
            "You must specify a reason when DOWNING or DRAINING a frontend node\nRequest aborted\n",
        ),
        ("update frontend=x state=resume", 1, "", "slurm_update error: Invalid user id\n"),
        ("update jobid=1 x nice=4", 1, "", "Update of this parameter is not supported: nice=4\nRequest aborted\n"),
        ("update stepid", 1, "", "Invalid input: stepid\nRequest aborted\nslurm_update error: No error\n"),
        ("setdebugflags foo", 1, "", "invalid debug flag: foo\nUsage: setdebugflags [+|-]NAME\n"),
        ("fsdamp 0", 0, "", "invalid dampening factor: 0\n"),
        ("takeover 3", 1, "", "takeover: invalid backup controller index (3)\n"),
        ("takeover 3 4", 1, "", "takeover: too many arguments\n"),
        ("reboot", 1, "", "Missing node list. Specify ALL|<NodeList>\n"),
        ("reboot n1 n2", 1, "", "too many arguments for keyword:reboot\n"),
        ("reboot nextstate=up n1", 1, "", "Invalid state: up\nValid states: DOWN, RESUME\n"),
        ("reboot nextstate= n1", 1, "", "missing state\n"),
        ("reboot reason= n1", 1, "", "missing reason\n"),
        ("reboot asap nextstate=res n1", 1, "", "scontrol: error: RebootProgram isn't defined\nscontrol_reboot"),
        ("token", 1, "", "Error fetching token\n"),
        ("token foo", 1, "", "Invalid option: `foo`\n"),
        ("gethost a", 1, "", "two arguments required for keyword:gethost\n"),
        ("getent", 0, "", "scontrol: error: stepd_available: Couldn't find nodename\nNo steps found on this node\n"),
        ("show slurmd", 1, "", "scontrol: error: slurm_slurmd_info: Connection refused\nslurm_load_slurmd_status"),
        ("notify abc hi", 1, "", "Invalid job_id abcjob notify failure: No error\n"),
        ("-v version", 0, "slurm-wlm 22.05.8\nslurm_api_version: 2490368, 38.0.0\n", ""),
        ("-u nobody99 ping", 0, "", 'scontrol: error: --uid="nobody99" invalid\n'),
        ("errnumstr 2", 0, "No such file or directory\n", ""),
        ("-- errno -+5", 1, "", "numeric arguments required for keyword:errno\n"),
        ("errno x", 1, "", "numeric arguments required for keyword:errno\n"),
        ("-M nope show job", 1, "", "scontrol: error: No cluster 'nope' known by database.\n"),
    ],
)
def test_words_that_are_wrong_are_answered_as_scontrol_does(
    run: Shell, line: str, code: int, output: str, errors: str
) -> None:
    status, said, complaint = run(f"scontrol {line}")
    assert (status, said) == (code, output)
    assert complaint.startswith(errors)
    assert bool(complaint) == bool(errors)


def test_our_own_name_may_give_advice(run: Shell) -> None:
    assert "mscontrol: hint: mini-slurm stop" in run("mscontrol shutdown")[2]


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("show licenses", "No licenses configured in Slurm.\n"),
        ("show lic", "No licenses configured in Slurm.\n"),
        ("show res", "No reservations in the system\n"),
        ("show steps", "No job steps in the system\n"),
        ("show jobs", "No jobs in the system\n"),
        ("show federation", ""),
        ("show burstbuffer", ""),
        ("show bbstat a b c", ""),
    ],
)
def test_what_there_is_none_of_is_no_error(run: Shell, line: str, output: str) -> None:
    assert run(f"scontrol {line}") == (0, output, "")


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("show partition nope", "Partition nope not found\n"),
        ("show node nope", "Node nope not found\n"),
        ("show res nope", "Reservation nope not found\n"),
    ],
)
def test_what_is_not_there_is_said_on_standard_output(run: Shell, line: str, output: str) -> None:
    assert run(f"scontrol {line}") == (1, output, "")
    assert run(f"scontrol -Q {line}") == (1, "", "")


def test_a_job_without_such_a_step_is_told_from_one_that_there_is_not(run: Shell) -> None:
    run.fill(job(5))
    assert run("scontrol show step 5") == (1, "Job step 5. not found\n", "")
    assert run("scontrol show step 5.extern") == (1, "Job step 5.0 not found\n", "")
    assert run("scontrol -Q show step 5.0") == (1, "", "")
    assert run("scontrol show step 6.0") == (1, "", "slurm_get_job_steps error: Invalid job id specified\n")


def test_verbose_counts_records_and_tells_what_is_loaded(run: Shell) -> None:
    run.fill(job(5), job(6))
    loaded = "".join(f"scontrol: {line}\n" for line in PLUGINS)
    code, said, complaint = run("scontrol -v show job 5")
    assert (code, said.split("\n")[0], complaint) == (0, "last_update_time=Unknown, records=1", loaded)
    code, said, complaint = run("scontrol -v -o show job")
    assert said.split("\n")[0].endswith(", records=2") and "Unknown" not in said.split("\n")[0]
    assert run("scontrol -v show node node1")[2] == loaded
    code, said, complaint = run("scontrol -v show part")
    assert (said.split("\n")[0].partition(", ")[2], complaint) == ("records=1", "")


def test_the_first_part_of_a_job_without_parts_is_the_job(run: Shell) -> None:
    run.fill(job(5))
    assert run("scontrol show job 5+0") == run("scontrol show job 5")
    assert run("scontrol show job 5+1") == (1, "Job 5+1 not found\n", "")


def test_details_of_a_node_name_its_gpus_in_use(run: Shell) -> None:
    assert "\n   GresDrain=N/A\n   GresUsed=gpu:0\n" in run("scontrol -d show node node1")[1]
    assert "GresDrain" not in run("scontrol show node node1")[1]


def test_an_arrays_tasks_are_cut_as_the_environment_says(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run.fill(array(3))
    monkeypatch.setenv("SLURM_BITSTR_LEN", "3")
    assert "ArrayTaskId=1-5 " not in run("scontrol show job 3")[1]
    monkeypatch.setenv("SLURM_BITSTR_LEN", "0")
    assert "ArrayTaskId=1-5 " in run("scontrol show job 3")[1]


def test_a_comment_may_be_empty(run: Shell) -> None:
    run.fill(job(5, comment=""), job(6))
    assert "\n   Comment= \n" in run("scontrol show job 5")[1]
    assert "Comment" not in run("scontrol show job 6")[1]


def test_a_number_that_slurm_cannot_read_is_told_and_changes_nothing(run: Shell) -> None:
    run.fill(job(5))
    error = 'scontrol: error: Invalid numeric value "foo" for {}.\n'
    assert run("scontrol update job=5 numnodes=foo") == (0, "", error.format("requested node count"))
    assert run("scontrol update job=5 numcpus=foo") == (
        1, "", error.format("NumCPUs") + "scontrol: error: Invalid NumCPUs value: foo\n"
    )  # fmt: skip


def test_scontrol_goes_on_after_what_it_cannot_read(run: Shell) -> None:
    run.fill()
    for line, said in {
        "update partition=compute maxtime=x": ["Invalid input maxtime=x", "slurm_update error: No error"],
        "update nodename=node1 weight=x": ["Weight value (x) is not a valid number", "No changes specified"],
        "update res=x duration=y": [
            "Invalid duration duration=y.  No reservation update.",
            "slurm_update error: No error",
        ],
    }.items():
        assert run(f"scontrol {line}") == (1, "", "scontrol: error: " + "\n".join(said) + "\n"), line
    assert run("scontrol create res starttime=x")[2].startswith("Invalid time specification (pos=0): x\n")


# --- jobs


def words(text: str) -> dict[str, str]:
    """The words `Name=value` of an answer."""
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


def test_one_job_is_one_line_with_o(run: Shell) -> None:
    run.fill(running(7, "train"))
    for line in ("-o show job 7", "show -o job=7", "sho jobid 7 -o", "show JOB 7 --oneliner"):
        code, output, errors = run(f"scontrol {line}")
        assert (code, output.count("\n"), errors) == (0, 1, "")
        assert output.startswith("JobId=7 JobName=train UserId=")
        assert words(output)["JobState"] == "RUNNING"


def test_an_unknown_job_is_an_error(run: Shell) -> None:
    run.fill(job(7))
    assert run("scontrol show job 999999") == (1, "", "slurm_load_jobs error: Invalid job id specified\n")
    assert run("scontrol show job abc") == (1, "", "scontrol_print_job error: Invalid job id specified\n")


def test_a_job_that_ended_long_ago_is_unknown(run: Shell) -> None:
    over = {"state": JobState.COMPLETED, "start_time": 1.0}
    run.fill(job(7, end_time=time.time() - 10, **over), job(8, end_time=time.time() - 400, **over))
    assert run("scontrol show job 7")[0] == 0
    assert run("scontrol show job 8") == (1, "", "slurm_load_jobs error: Invalid job id specified\n")


def test_an_array_is_its_record_and_then_its_tasks_newest_first(run: Shell) -> None:
    waiting = array(20)
    waiting.array_tasks = "4-5%3"
    tasks = [running(20 + number, array_job_id=20, array_task_id=number) for number in (1, 2, 3)]
    run.fill(waiting, *tasks)
    lines = run("scontrol -o show job 20")[1].splitlines()
    assert [words(line)["ArrayTaskId"] for line in lines] == ["4-5%3", "3", "2", "1"]
    assert {words(line)["ArrayTaskThrottle"] for line in lines} == {"3"}


def test_a_task_is_shown_alone(run: Shell) -> None:
    run.fill(array(20), running(21, array_job_id=20, array_task_id=7))
    assert words(run("scontrol show job 20_7")[1])["JobId"] == "21"
    waiting = words(run("scontrol show job 20_2")[1])
    assert (waiting["JobId"], waiting["ArrayTaskId"]) == ("20", "2")
    assert run("scontrol show job 20_9") == (1, "Job 20_9 not found\n", "")
    assert words(run("scontrol show job 21")[1])["ArrayJobId"] == "20"


def test_all_jobs_are_shown_without_a_number(run: Shell) -> None:
    run.fill(job(7), running(8), array(9))
    lines = run("scontrol show job -o")[1].splitlines()
    assert [words(line)["JobId"] for line in lines] == ["7", "8", "9"]


def test_details_name_the_gpus(run: Shell) -> None:
    details = json.dumps([{"uuid": "GPU-a", "index": 0}, {"uuid": "GPU-b", "index": 1}])
    run.fill(running(7, gpu_ids="GPU-b", alloc_gpus="1"), machines=(Machine(name="node1", gpu_details=details),))
    assert "   JOB_GRES=gpu:1\n     Nodes=node1 CPU_IDs= Mem=0 GRES=gpu:1(IDX:1)\n" in run("scontrol show -d job 7")[1]


def test_times_are_written_as_the_variable_says(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_TIME_FORMAT", "%s")
    run.fill(job(7, submit_time=1234567890.0))
    assert words(run("scontrol show job 7")[1])["SubmitTime"] == "1234567890"


# --- nodes, partitions, steps, the whole


def test_nodes_and_partitions_are_shown(run: Shell) -> None:
    run.fill(running(7, alloc_memory=500), machines=(Machine(name="node1", state="UP"),))
    busy, silent = run("scontrol -o show nodes")[1].splitlines()
    assert (words(busy)["State"], words(busy)["AllocTRES"]) == ("MIXED", "cpu=1,mem=500M")
    assert words(silent)["State"] == "UNKNOWN+NOT_RESPONDING"
    assert words(run("scontrol show node node[1-2]")[1])["NodeName"] == "node2"
    code, output, _ = run("scontrol -a show -o partitions")
    assert (code, words(output)["Default"], words(output)["Nodes"]) == (0, "YES", "node[1-2]")
    assert words(output)["TRES"] == "cpu=4,mem=8000M,node=2,billing=4"


def test_what_a_machine_said_of_itself_is_shown(run: Shell) -> None:
    said = {"architecture": "x86_64", "system": "Linux 6.1 #1", "boot_time": 1e9, "load": 1.5, "free_memory": 700}
    run.fill(machines=(Machine(name="node1", state="UP", **said),))
    output = run("scontrol show node node1")[1]
    assert output.startswith(
        "NodeName=node1 Arch=x86_64 CoresPerSocket=1 \n   CPUAlloc=0 CPUEfctv=2 CPUTot=2 CPULoad=1.50\n"
    )
    assert "\n   OS=Linux 6.1 #1 \n   RealMemory=4000 AllocMem=0 FreeMem=700 " in output
    assert words(output)["SlurmdStartTime"] == "None"
    assert words(output)["BootTime"] != "None"


def test_a_reason_is_shown_with_its_time(run: Shell) -> None:
    run.fill(machines=(Machine(name="node1", state="DOWN", reason="Not responding", reason_time=time.time()),))
    output = run("scontrol show node node1")[1]
    assert "   State=DOWN+NOT_RESPONDING ThreadsPerCore=1 " in output
    assert "   Reason=Not responding [slurm@20" in output


def test_steps_are_the_batch_scripts_and_those_of_srun(run: Shell) -> None:
    run.fill(running(7, attempt=2), running(8))
    db = database.open_database(str(run.state))
    with database.transaction(db):
        database.save_steps(
            db,
            [
                Step(job_id=7, attempt=1, number=0, name="old"),
                Step(job_id=7, attempt=2, number=0, name="done", state=JobState.COMPLETED),
                Step(job_id=7, attempt=2, number=1, name="a", ntasks=2, cpus=2, node_list="node1", memory=1000),
            ],
        )
    db.close()
    lines = run("scontrol -o show step")[1].splitlines()
    assert [words(line)["StepId"] for line in lines] == ["7.batch", "7.1", "8.batch"]
    assert words(lines[1])["TRES"] == "cpu=2,mem=1000M,node=1"
    assert words(run("scontrol show step 7.1")[1])["Name"] == "a"


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A controller seems to be there already."""
    monkeypatch.setattr(system.autostart, "ring", lambda state: True)


@pytest.mark.usefixtures("answered")
def test_the_configuration_has_what_clients_look_for(run: Shell) -> None:
    code, output, errors = run("scontrol show config")
    values = dict(line.split(" = ", 1) for line in output.splitlines() if " = " in line)
    values = {name.strip(): value for name, value in values.items()}
    assert (code, errors) == (0, "")
    assert values["MinJobAge"] == "300 sec"
    assert values["MaxArraySize"] == "1001"
    assert (values["ClusterName"], values["SLURM_VERSION"]) == ("mini", "22.05.8")
    assert output.splitlines()[-1].endswith(" is UP")


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("sbatch -L matlab:3 : -L matlab:2 --wrap=true", "sbatch: error: Batch job submission failed: "),
        ("salloc -L matlab:3 : -L matlab:2 true", "salloc: error: "),
    ],
)
def test_parts_that_want_more_licenses_together_than_there_are_are_refused(
    run: Shell, tmp_path: Path, command: str, complaint: str
) -> None:
    text = (tmp_path / "fleet.toml").read_text()
    (tmp_path / "fleet.toml").write_text(text.replace("[fleet]", "[fleet]\nlicenses = { matlab = 4 }"))
    code, out, err = run(command)
    assert (code, out) == (1, "")
    assert complaint in err
    assert "Invalid license specification\n" in err
    assert run("squeue -h") == (0, "", "")


@pytest.mark.usefixtures("answered")
def test_licenses_of_the_fleet_file_are_told_with_how_many_are_held(run: Shell, tmp_path: Path) -> None:
    text = (tmp_path / "fleet.toml").read_text()
    (tmp_path / "fleet.toml").write_text(text.replace("[fleet]", "[fleet]\nlicenses = { matlab = 4, ansys = 1 }"))
    run.fill(running(91, licenses="matlab:3"), job(92, licenses="matlab"))
    shown = (
        "LicenseName=ansys\n    Total=1 Used=0 Free=1 Reserved=0 Remote=no\n"
        "LicenseName=matlab\n    Total=4 Used=3 Free=1 Reserved=0 Remote=no\n"
    )
    assert run("scontrol show licenses") == (0, shown, "")
    assert run("scontrol -o show lic matlab")[1] == "LicenseName=matlab Total=4 Used=3 Free=1 Reserved=0 Remote=no\n"
    assert "\nLicenses                = matlab:4,ansys:1\n" in run("scontrol show config")[1]


@pytest.mark.usefixtures("answered")
def test_what_priorities_are_made_of_is_in_the_configuration(run: Shell, tmp_path: Path) -> None:
    with (tmp_path / "fleet.toml").open("a") as file:
        file.write('priority = 3\n[priority]\nage = 5\nhalf_life = "1-00:00:00"\nmax_age = "UNLIMITED"\n')
    lines = run("scontrol show config")[1].splitlines()
    assert "PriorityDecayHalfLife   = 1-00:00:00" in lines
    assert "PriorityFlags           = " in lines
    assert "PriorityMaxAge          = UNLIMITED" in lines
    assert "PriorityWeightAge       = 5" in lines
    assert "PriorityWeightQOS       = 1000" in lines
    assert " PriorityJobFactor=3 " in run("scontrol -o show partition compute")[1]


def test_ping_starts_the_controller_that_is_not_there(run: Shell) -> None:
    code, output, _ = run("scontrol ping")
    assert (code, output.startswith("Slurmctld(primary) at "), output.endswith(" is UP\n")) == (0, True, True)
    pid = int((run.state / "controller.lock").read_text())
    os.kill(pid, 15)
    os.waitpid(pid, 0)


# --- scripts, waiting, processes


def test_a_script_is_written_as_it_was_submitted(run: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run.fill()
    db = database.open_database(str(run.state))
    number = database.submit(db, job(0), b"#!/bin/sh\necho h\xffi\n", b"")
    db.close()
    told = f"batch script for job {number} written to x.sh\n"
    assert run(f"scontrol write batch_script {number} x.sh") == (0, told, "")
    assert (tmp_path / "x.sh").read_bytes() == b"#!/bin/sh\necho h\xffi\n"
    assert run(f"scontrol -Q write batch_script {number}") == (0, "", "")
    assert (tmp_path / f"slurm-{number}.sh").exists()
    refusal = "job script retrieval failed: Invalid job id specified\n"
    assert run("scontrol write batch_script 999 y.sh") == (0, "", refusal)
    assert not (tmp_path / "y.sh").exists()
    assert run("scontrol write foo") == (1, "", "invalid write argument:foo\n")


def test_a_job_is_waited_for(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run.fill(job(7), running(8), job(9, state=JobState.CANCELLED, end_time=time.time()))
    assert run("scontrol wait_job 8") == (0, "", "scontrol: Nodes are ready for job 8\n")
    assert run("scontrol wait_job 9") == (1, "", "scontrol: Job 9 no longer running\n")
    assert run("scontrol wait_job 99") == (1, "", "scontrol: Problem running job 99\n")
    assert run("scontrol wait_job x") == (1, "", "Invalid job_id x")


def test_who_waits_for_a_job_is_told_when_it_runs(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[set[int] | None] = [None, {8}, {7}]

    class Told:
        """The controller's word: first that anything may have changed, then of another job, then of this one."""

        def __init__(self, state: str, revive: object) -> None:
            assert state == str(run.state)

        def wait(self, timeout: float | None) -> set[int] | None:
            changed = heard.pop(0)
            if changed == {7}:
                run.fill(running(7))
            return changed

        def close(self) -> None:
            """Nothing is open."""

    run.fill(job(7))
    monkeypatch.setattr(waiting, "Changes", Told)
    assert run("scontrol wait_job 7") == (0, "", "scontrol: Nodes are ready for job 7\n")
    assert heard == []


def test_processes_of_jobs_are_known_by_their_environment(run: Shell) -> None:
    run.fill(running(7))
    environment = {"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "node1", "PATH": os.environ["PATH"]}
    process = subprocess.Popen(["sleep", "60"], env=environment)
    try:
        wait_until(lambda: processes._process(process.pid) is not None)
        lines = run("scontrol listpids 7")[1].splitlines()
        assert lines[0] == "PID      JOBID    STEPID   LOCALID GLOBALID"
        assert lines[1].split() == [str(process.pid), "7", "batch", "-", "-"]
        assert run(f"scontrol pidinfo {process.pid}")[1].startswith("Slurm JobId=7 ends at ")
    finally:
        process.kill()
        process.wait()
    assert run("scontrol pidinfo 1") == (1, "", "Failed to locate job for requested pid\n")
    assert run("scontrol listpids x") == (1, "", '"x" does not look like a jobid\n')


# --- a conversation


def test_lines_of_standard_input_are_commands_and_are_echoed(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run.fill(job(7))
    monkeypatch.setattr(sys, "stdin", io.StringIO("oneliner\nshow job 7\n!!\nquit\nversion\n"))
    code, output, errors = run("scontrol")
    assert (code, errors) == (0, "")
    assert output.startswith("scontrol: oneliner\nscontrol: show job 7\nJobId=7 ")
    assert output.count("JobId=7") == 2
    assert output.endswith("scontrol: quit\n")


def test_the_end_of_input_ends_the_conversation(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert run("scontrol") == (0, "scontrol: \n", "")
    monkeypatch.setattr(sys, "stdin", io.StringIO("frob\nversion"))
    output = "scontrol: frob\nscontrol: version\nslurm-wlm 22.05.8\nscontrol: \n"
    assert run("scontrol") == (1, output, "invalid keyword: frob\n")


# --- hostlists


@pytest.mark.parametrize(
    ("line", "output", "errors"),
    [
        ("hostnames node[1-2]", "node1\nnode2\n", ""),
        ("hostnames=node1", "node1\n", ""),
        ("hostname", "", "scontrol: error: host list is empty\n"),
        (
            "hostnames n[3-1]",
            "",
            "scontrol: error: _parse_single_range: Invalid range: `3-1'\nInvalid hostlist: n[3-1]\n",
        ),
        ("hostlist node3,node1,node2", "node[3,1-2]\n", ""),
        ("hostlistsorted node3,node1,node2,node1", "node[1,1-3]\n", ""),
    ],
)
def test_hostlists_need_no_fleet(run: Shell, line: str, output: str, errors: str) -> None:
    assert run(f"scontrol show {line}") == (0, output, errors)


def test_hostnames_are_those_of_the_job(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_NODELIST", "x[1-2]")
    assert run("scontrol show hostnames") == (0, "x1\nx2\n", "")


def test_names_may_come_from_a_file(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "names").write_text("node1\nnode2\n\n")
    assert run(f"scontrol show hostlist {tmp_path}/names") == (0, "node[1-2]\n", "")
    assert run("scontrol show hostlist /nowhere") == (1, "", "Can not open /nowhere\n")
