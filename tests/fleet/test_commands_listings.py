"""msqueue, msinfo, msacct and mscancel as commands, on a store that the test fills. No controller is started."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from mini_slurm.cli import mscancel, msinfo
from mini_slurm.cli.verbose import PLUGINS
from mini_slurm.model.machine import Machine
from mini_slurm.model.states import JobState
from mini_slurm.store import database
from tests.fleet.shell import OWN, Shell, array, job, prepared, running

HEADER = "             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)\n"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return prepared(tmp_path, capsys, monkeypatch)


# --- listings


def test_without_a_state_folder_listings_are_headers_and_nothing_is_made(run: Shell) -> None:
    assert run("squeue") == (0, HEADER, "")
    assert run("sacct -n") == (0, "", "")
    assert not run.state.exists()


@pytest.mark.parametrize(
    ("line", "code", "errors"),
    [
        ("squeue -j 999999", 1, "slurm_load_jobs error: Invalid job id specified\n"),
        ("squeue -j abc", 1, "squeue: error: Invalid job id: abc\n"),
        ("squeue -i 0", 1, "squeue: error: --iterate=0\n\n"),
        ("squeue -o", 1, "squeue: option requires an argument -- 'o'\nTry \"squeue --help\" for more information\n"),
        ("squeue -M nope", 1, "squeue: error: No cluster 'nope' known by database.\n"),
        ("squeue -l -o %i", 1, "squeue: fatal: Options -o(--format) and -l(--long) are mutually exclusive."),
        ("squeue -u nosuchuser", 0, "squeue: error: Invalid user: nosuchuser\n\n"),
        ("squeue -S %j", 1, "squeue: error: Invalid sort specification: %\n"),
        ("squeue extraarg", 1, "squeue: error: Unrecognized option: extraarg\n"),
        ("sinfo -t foo", 1, 'sinfo: error: Bad state string: "foo"\nsinfo: error: valid states: unknown,down,'),
        ("sinfo -n node[1]x", 1, "sinfo: error: 'node[1]x' invalid entry for --nodes\n"),
        ("sinfo -i x", 1, "sinfo: error: Error: invalid entry for --iterate=x\n"),
        ("sinfo -a -p gpu", 1, "sinfo: error: Conflicting options, -a and -p, specified. Please choose one or the"),
        ("sinfo -l -o %n", 1, "sinfo: fatal: Options -o(--format) and -l(--long) are mutually exclusive."),
        ("sinfo -o %_", 0, "Invalid node format specification: _\n"),
        ("sinfo -O foo", 0, "sinfo: error: Invalid job format specification: foo\n"),
        ("sacct -X --foo", 1, "sacct: unrecognized option '--foo'\n"),
        ("sacct -j abc", 1, "sacct: fatal: Bad job/step specified: abc\n"),
        ("sacct -j 5_[1-2]", 1, "sacct: fatal: Bad job array element specified: 5\n"),
        ("sacct -s FOO", 1, "sacct: fatal: unrecognized job state value 'FOO'\n"),
        ("sacct -S foo", 1, "Invalid time specification (pos=0): foo\n"),
        ("sacct -S 2030-01-01", 1, "sacct: error: Start time (2030-01-01T00:00:00) requested is after end time ("),
        ("sacct -u nosuchuser", 1, "sacct: error: Invalid user id: nosuchuser\n"),
        ("sacct -o foo", 1, 'sacct: error: Invalid field requested: "foo"\n'),
        ("sacct -B", 1, "sacct: fatal: When requesting job scripts you must also request specific jobs with the '-j'"),
        ("sacct -c", 1, "Slurm job completion is disabled\n"),
        ("scancel", 1, "scancel: error: No job identification provided\n"),
        ("scancel 12abc", 1, "scancel: error: Invalid job id 12abc\n"),
        ("scancel 5.batch", 1, "scancel: error: Invalid job id 5.batch\n"),
        ("scancel -u nosuchuser", 1, "scancel: error: Invalid user name: nosuchuser\n"),
        ("scancel -s FOO 5", 1, "Unknown job signal: FOO\n"),
        ("scancel 999999", 0, ""),
    ],
)
def test_errors_are_slurms(run: Shell, line: str, code: int, errors: str) -> None:
    run.fill(machines=(Machine(name="node1"), Machine(name="node2")))
    found, _, said = run(line)
    assert (found, said[: len(errors)] or said) == (code, errors)


def test_jobs_are_filtered(run: Shell) -> None:
    run.fill(job(1, "a"), running(2, "b"), array(3), job(4, "c", uid=12345, user="other"))
    listed = {
        line: run(f"squeue -h -o %i {line}")[1].split() for line in ("-t PD", "-n b", "--me", "-j 3_2,2", "-r -j 3")
    }
    assert listed == {
        "-t PD": ["4", "1", "3_[1-5]"],
        "-n b": ["2"],
        "--me": ["1", "3_[1-5]", "2"],
        "-j 3_2,2": ["3_2", "2"],
        "-r -j 3": ["3_1", "3_2", "3_3", "3_4", "3_5"],
    }


def test_an_ended_job_is_listed_when_it_is_asked_for(run: Shell) -> None:
    run.fill(job(1, state=JobState.COMPLETED, end_time=time.time() - 5))
    assert run("squeue -h -j 1") == (0, "", "")
    assert run("squeue -h -t all -o %i%T") == (0, "1COMPLETED\n", "")


def test_variables_stand_for_options(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run.fill(job(1, "a"), running(2, "b"))
    monkeypatch.setenv("SQUEUE_FORMAT", "%i|%j")
    monkeypatch.setenv("SQUEUE_STATES", "R")
    assert run("squeue -h")[1] == "2|b\n"
    assert run("squeue -h -t PD")[1] == "1|a\n"


def test_a_repeated_listing_goes_on_when_its_job_is_gone(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = []

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    code, output, errors = run("squeue -h -i 7 -j 99")
    assert (code, output, pauses) == (130, "\n\n", [7, 7])
    assert errors == "slurm_load_jobs error: Invalid job id specified\n" * 2


def test_accounting_shows_a_job_and_its_batch_step(run: Shell) -> None:
    run.fill(running(1, script="x"), job(2))
    assert run("sacct -a -P -n -o jobid,state")[1] == "1|RUNNING\n1.batch|RUNNING\n2|PENDING\n"
    assert run("sacct -a -X -P -n -s R -o jobid")[1] == "1\n"
    assert run("sacct -P -n -j 1.batch -o jobid")[1] == "1.batch\n"


def test_earlier_runs_of_a_job_are_shown_on_demand(run: Shell) -> None:
    run.fill(running(1, attempt=2, submit_time=5.0))
    db = database.open_database(str(run.state))
    with database.transaction(db):
        earlier = running(1, attempt=1, submit_time=5.0)
        earlier.state, earlier.end_time = JobState.REQUEUED, time.time()
        database.save_runs(db, [earlier])
    db.close()
    assert run("sacct -X -n -P -j 1 -o jobid,state")[1] == "1|RUNNING\n"
    assert run("sacct -X -D -n -P -j 1 -o jobid,state")[1] == "1|REQUEUED\n1|RUNNING\n"


def test_a_first_msinfo_waits_for_the_machines(run: Shell) -> None:
    def answer(state: str) -> None:
        run.fill(machines=tuple(Machine(name=name, state="UP", cpus=2) for name in ("node1", "node2")))

    run.wake = answer
    assert run("sinfo")[1] == (
        "PARTITION AVAIL  TIMELIMIT  NODES  STATE NODELIST\ncompute*     up 1-00:00:00      2   idle node[1-2]\n"
    )


def test_sinfo_variables_stand_for_options(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run.fill(machines=tuple(Machine(name=name, state="UP", cpus=2) for name in ("node1", "node2")))
    monkeypatch.setenv("SINFO_FORMAT", "%N %t")
    assert run("sinfo")[1] == "NODELIST STATE\nnode[1-2] idle\n"
    monkeypatch.setenv("SINFO_PARTITION", "nope")
    assert run("sinfo -h")[1] == ""
    monkeypatch.setenv("SINFO_ALL", "1")
    assert run("sinfo")[2].startswith("sinfo: error: Conflicting options, SINFO_ALL and SINFO_PARTITION, specified.")


def test_nodes_are_told_in_a_document(run: Shell) -> None:
    run.fill(machines=(Machine(name="node1", state="UP", cpus=2, memory=4000), Machine(name="node2", state="DOWN")))
    found = json.loads(run("sinfo --json")[1])
    first, second = found["nodes"]
    assert (first["name"], first["state"], first["state_flags"], first["cpus"]) == ("node1", "idle", [], 2)
    assert (second["state"], second["state_flags"]) == ("down", ["NOT_RESPONDING"])
    assert first["partitions"] == ["compute"]


def test_msinfo_does_not_wait_for_ever(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(msinfo, "FIRST_CONTACT", 0.0)
    assert "2   unk* node[1-2]" in run("sinfo")[1]


# --- mscancel


def test_requests_name_job_task_and_array(run: Shell) -> None:
    run.fill(running(1), array(3))
    run.wake = run.drop_requests
    uid = os.getuid()
    for line, wanted in {
        "scancel 1": [{"kind": "cancel", "job_id": 1, "task": None, "array": False, "uid": uid}],
        "scancel 3": [{"kind": "cancel", "job_id": 3, "task": None, "array": True, "uid": uid}],
        "scancel 3_[2,4]": [
            {"kind": "cancel", "job_id": 3, "task": 2, "array": False, "uid": uid},
            {"kind": "cancel", "job_id": 3, "task": 4, "array": False, "uid": uid},
        ],
        "scancel -s USR1 -b 1": [{"kind": "signal", "job_id": 1, "signal": 10, "whole": False, "uid": uid}],
        "scancel -s 12 -f 1": [{"kind": "signal", "job_id": 1, "signal": 12, "whole": True, "uid": uid}],
        "scancel -b 1": [{"kind": "signal", "job_id": 1, "signal": 9, "whole": False, "uid": uid}],
        "scancel -s STOP 1": [
            {"kind": "signal", "job_id": 1, "signal": 19, "whole": True, "uid": uid, "is_noted": True}
        ],
        "scancel -s KILL 1": [{"kind": "cancel", "job_id": 1, "task": None, "array": False, "uid": uid}],
    }.items():
        assert run(line) == (0, "", "")
        assert run.asked() == wanted, line


@pytest.mark.parametrize(
    "line",
    [
        *("scancel 99", "scancel 3_9", "scancel -s USR1 1", "scancel -n zzz 1", "scancel -t CD", "scancel -R gone"),
        *("scancel --wckey=none", "scancel -s 99 -b 1", "scancel -Q -s USR1 1", "scancel -w /no/such/file"),
    ],
)
def test_what_reaches_nothing_asks_for_nothing(run: Shell, line: str) -> None:
    run.fill(running(1), array(3))
    assert run(line) == (0, "", "")
    assert run.requests() == []


def test_filters_choose_among_jobs(run: Shell) -> None:
    run.fill(job(1, "held"), running(2, "jb"), array(3))
    run.wake = run.drop_requests
    run("scancel -t PENDING")
    assert [body["job_id"] for body in run.asked()] == [1, 3]
    run("scancel -n jb -t R")
    assert [body["job_id"] for body in run.asked()] == [2]


def test_a_waiting_job_cannot_be_signalled(run: Shell) -> None:
    run.fill(job(1))
    why = "scancel: error: Kill job error on job id 1: Job can not be altered now, try again later\n"
    assert run("scancel -s USR1 1") == (228, "", why)


def test_a_job_that_a_signal_is_for_has_to_be_there(run: Shell) -> None:
    run.fill(running(1), job(2, state=JobState.COMPLETED, end_time=time.time()))
    wrong = "scancel: error: Kill job error on job id {}: Invalid job id specified\n"
    assert run("scancel -s USR1 2 99") == (1, "", wrong.format(2) + wrong.format(99))
    assert run("scancel -u root 99") == (1, "", wrong.format(99))
    assert run("scancel -Q -b 99") == (1, "", "")
    assert run("scancel 99.0")[2] == "scancel: error: Kill job error on job step id 99.0: Invalid job id specified\n"
    assert run("scancel 1.7") == (
        225, "", "scancel: error: Kill job error on job step id 1: Invalid job id specified\n"
    )  # fmt: skip
    assert run("scancel -s USR1 1.7") == (0, "", "")


@pytest.mark.parametrize("text", ["FOO", "0", "9x", "65536", "SIG"])
def test_a_signal_that_slurm_does_not_know_is_refused(run: Shell, text: str) -> None:
    assert run(f"scancel -s {text} 1") == (1, "", f"Unknown job signal: {text}\n")


def test_verbose_says_what_is_sent_to_whom(run: Shell) -> None:
    run.fill(running(1), array(3))
    run.wake = run.drop_requests
    none = "error: No active jobs match ALL job filters, including: "
    for line, said in {
        "scancel -v 1": ["Terminating job 1"],
        "scancel -v -b 1": [*PLUGINS, "Terminating batch job 1"],
        "scancel -v -f 1": ["Terminating full job 1"],
        "scancel -v -s USR1 -b 1": [*PLUGINS, "Signal 10 to batch job 1"],
        "scancel -v -s 99 1": [*PLUGINS, "Signal 99 to job 1"],
        "scancel -v 3_[2-4]": ["Terminating job 3_[2-4]"],
        "scancel -v -n a,b 3": [*PLUGINS, f"{none}job_name=a,b "],
        "scancel -v -t PD -p gpu": [*PLUGINS, f"{none}partition=gpu state=PENDING "],
        "scancel -v --me -n x": [*PLUGINS, f"{none}job_name=x user_name={os.getuid()} "],
        "scancel -Qv -n x": [],
        "scancel -v -t PD 3_1": [*PLUGINS, "Terminating job 3_[1-5]"],
        "scancel -v -t R": [*PLUGINS, "Terminating job 1"],
        "scancel -v 3_9": ["Terminating job 3_9", "error: Kill job error on job id 3_9: Invalid job id specified"],
    }.items():
        assert run(line)[2].splitlines() == [f"scancel: {text}" for text in said], line


def test_variables_stand_for_options_of_scancel(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run.fill(job(1, "held"), running(2, "jb"))
    run.wake = run.drop_requests
    monkeypatch.setenv("SCANCEL_NAME", "jb")
    monkeypatch.setenv("SCANCEL_INTERACTIVE", "false")
    monkeypatch.setenv("SCANCEL_VERBOSE", "TRUE")
    assert run("scancel")[2].endswith("\nscancel: Terminating job 2\n")
    monkeypatch.setenv("SCANCEL_BATCH", "maybe")
    assert run("scancel -Q")[2] == "scancel: error: Unrecognized SCANCEL_BATCH value: maybe\n"
    monkeypatch.setenv("SCANCEL_STATE", "nope")
    assert run("scancel -Q") == (
        1, "", "scancel: error: Unrecognized SCANCEL_BATCH value: maybe\nUnrecognized SCANCEL_STATE value: nope\n"
        "Valid job states are PENDING, RUNNING, and SUSPENDED\n",
    )  # fmt: skip
    assert [body["job_id"] for body in run.asked()] == [2]


def test_a_workload_key_chooses_jobs(run: Shell) -> None:
    run.fill(job(1, extra='{"wckey":"*mine"}'), job(2, extra='{"wckey":"mine"}'), job(3))
    run.wake = run.drop_requests
    run("scancel --wckey=mine")
    assert [body["job_id"] for body in run.asked()] == [1, 2]
    run("scancel --wckey=*mine")
    assert [body["job_id"] for body in run.asked()] == [1]


def test_nodes_are_any_of_a_job_and_may_stand_in_a_file(run: Shell, tmp_path: Path) -> None:
    share = '{"node1":{"cpus":1},"node2":{"cpus":1}}'
    run.fill(running(1, node_list="node[1-2]", allocation=share), running(2))
    run.wake = run.drop_requests
    run("scancel -w node2")
    assert [body["job_id"] for body in run.asked()] == [1]
    (tmp_path / "nodes").write_text("node1\nnode4\n")
    run(f"scancel -w {tmp_path}/nodes")
    assert [body["job_id"] for body in run.asked()] == [1, 2]


def test_the_question_is_asked_until_it_is_answered(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run.fill(job(1, "one"), array(3))
    run.wake = run.drop_requests
    asked, answers = [], iter(["", "what", "Yes", "no"])
    monkeypatch.setattr("builtins.input", lambda question: (asked.append(question), next(answers))[1])
    run("scancel -i -u root -v")
    assert asked[2:] == [
        "Cancel job_id=1 name=one partition=compute [y/n]? ",
        "Cancel job_id=3_[1-5] name=job partition=compute [y/n]? ",
    ]
    assert [body["job_id"] for body in run.asked()] == [1]


def test_what_is_no_part_of_a_job_is_refused_with_its_own_status(run: Shell) -> None:
    run.fill(job(1))
    wrong = "scancel: error: Kill job error on job id {}: {}\n"
    assert run("scancel 1+0") == (58, "", wrong.format("1+0", "Job not heterogeneous job"))
    assert run("scancel --sibling=foo 1") == (191, "", wrong.format("1", "Not a valid federated job"))
    assert run("scancel --sibling=foo 9") == run("scancel 9+0") == (0, "", "")
    assert run("scancel -u 99999") == (1, "", "scancel: error: Invalid user name: 99999\n")


def test_a_batch_script_that_has_not_started_is_ended_with_its_job(run: Shell) -> None:
    run.fill(job(1))
    run.wake = run.drop_requests
    assert run("scancel -b 1") == (0, "", "")
    assert [(body["kind"], body["job_id"]) for body in run.asked()] == [("cancel", 1)]


def test_verbose_says_what_becomes_of_each_word(run: Shell) -> None:
    run.fill(job(1, state=JobState.COMPLETED, end_time=time.time()))
    assert run("scancel -v 1 99")[2].splitlines() == [
        "scancel: Terminating job 1",
        "scancel: error: Kill job error on job id 1: Job/step already completing or completed",
        "scancel: Terminating job 99",
        "scancel: error: Kill job error on job id 99: Invalid job id specified",
    ]


def test_a_controller_that_does_not_answer_keeps_the_request(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run.fill(job(1))
    monkeypatch.setattr(mscancel, "PATIENCE", 0.0)
    code, _, errors = run("mscancel 1")
    assert (code, len(run.requests())) == (0, 1)
    assert errors == "mscancel: the controller has not answered yet; the request is stored and will be met\n"


def test_no_cancels_nothing(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    run.fill(job(1))
    monkeypatch.setattr("builtins.input", lambda question: "n")
    assert run("scancel -i 1") == (0, "", "")
    assert run.requests() == []


def test_hours_are_reported_as_a_table_csv_or_json_under_our_name(run: Shell) -> None:
    noon = 1_700_000_000.0
    done = {"state": JobState.COMPLETED, "start_time": noon, "end_time": noon + 7200, "node": "node1", "alloc_cpus": 3}
    run.fill(job(1, account="lab", alloc_gpus="2", **done), job(2, account="lab", user="ann, b", **done), job(3))
    assert run("msacct -a --report=account,machine,month")[1] == (
        "Account  Machine  Month    Jobs  CPU hours  GPU hours\nlab      node1    2023-11     2      12.00       4.00\n"
    )
    names, *lines = run("msacct -a --report=user --csv")[1].splitlines()
    assert names == "user,jobs,cpu_hours,gpu_hours"
    assert sorted(lines) == sorted([f"{OWN},1,6.0,4.0", '"ann, b",1,6.0,0.0'])
    found = json.loads(run("msacct -a --report --json -A lab -j 1")[1])["report"]
    assert found == [
        {"user": OWN, "account": "lab", "machine": "node1", "month": "2023-11", "jobs": 1, "cpu_hours": 6.0,
         "gpu_hours": 4.0}
    ]  # fmt: skip
    assert run("msacct -a --report=user -S 2024-01-01 -n") == (0, "", "")
    assert run("msacct --report=colour")[2] == (
        "msacct: error: --report cannot add up by colour: write some of user, account, machine, month\n"
    )
    assert run("sacct --report")[2].startswith("sacct: unrecognized option '--report'")


def test_everything_is_told_in_json_and_yaml(run: Shell) -> None:
    run.fill(running(1, script="x"), job(2))
    found = json.loads(run("sacct -a --json")[1])
    assert [(one["job_id"], one["state"]["current"], len(one["steps"])) for one in found["jobs"]] == [
        (1, "RUNNING", 1), (2, "PENDING", 0)]  # fmt: skip
    assert "!!str jobs: !!seq\n" in run("sacct -a --yaml")[1]


def test_an_unknown_unit_is_refused_and_an_environment_is_shown(run: Shell) -> None:
    assert run("sacct --units=X")[0] == 1
    assert run("sacct --env-vars")[2].startswith("sacct: fatal: When requesting job environment you must")
    run.fill(job(1))
    assert run("sacct --env-vars -j 1")[1] == (f"Environment used for 1 (must be batch to display)\n{'-' * 80}\nNONE\n")


def test_lists_of_sacct_go_on_where_they_are_given_again(run: Shell) -> None:
    run.fill(*(job(number, name=f"j{number}", time_limit=600 * number) for number in range(1, 5)))
    assert run("sacct -X -n -P -j 1 -j 3,4 -o jobid -o jobname")[1] == "1|j1\n3|j3\n4|j4\n"
    assert run("sacct -a -X -n -P --name=j1 --name=j2 -o jobid")[1] == "1\n2\n"


def test_jobs_are_chosen_by_their_time_limits(run: Shell) -> None:
    run.fill(*(job(number, time_limit=600 * number) for number in range(1, 5)))
    assert run("sacct -a -X -n -P -k 20 -o jobid")[1] == "2\n"
    assert run("sacct -a -X -n -P -k 20 -K 30:00 -o jobid")[1] == "2\n3\n"
    assert run("sacct -a -X -n -P -K 20 -o jobid")[1] == "1\n2\n3\n4\n"
    assert run("sacct -a -k x") == (1, "", "sacct: fatal: Invalid time limit specification\n")


def test_jobs_are_chosen_by_groups(run: Shell) -> None:
    run.fill(job(1, gid=0), job(2, gid=7))
    assert run("sacct -a -X -n -P -g root -o jobid")[1] == "1\n"
    assert run("sacct -a -X -n -P -g 7,0 -o jobid")[1] == "1\n2\n"
    assert run("sacct -a -g nosuchgroup") == (1, "", "sacct: error: Invalid group id: nosuchgroup\n")
