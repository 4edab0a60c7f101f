"""A request in the words of qsub, and what an OpenPBS 23.06 printed, read into jobs."""

from __future__ import annotations

import ast
import getopt
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_slurm.clusters import pbs_options
from mini_slurm.clusters import pbs_records as records
from mini_slurm.clusters.base import Answer, Order, Unanswered
from mini_slurm.clusters.inside import hostlist, srun, waited
from mini_slurm.clusters.inside import job as wrapper
from mini_slurm.clusters.pbs import TOOLS, Pbs, source
from mini_slurm.clusters.pbs import wrapper as program
from mini_slurm.clusters.states import Known
from mini_slurm.clusters.submission import number_of
from mini_slurm.clusters.torque import Torque
from mini_slurm.errors import Refused
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.model.states import JobState
from mini_slurm.store import database, foreign
from mini_slurm.store.queries import Where

RECORDED = Path(__file__).parents[1] / "clusters" / "openpbs.jsonl"
CASES = {case["id"]: case for case in map(json.loads, RECORDED.read_text().splitlines())}
PBS = Pbs(ClusterEntry("far", "pbs"))


def words(**values: object) -> str:
    job = ForeignJob(**{"name": "x", "cluster": "far", **values})
    return " ".join(pbs_options.translate(job, {}, {}))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "select=1:ncpus=1:mpiprocs=1 -l place=free"),
        ({"ntasks": 4, "cpus_per_task": 2}, "select=4:ncpus=2:mpiprocs=1:ompthreads=2 -l place=free"),
        ({"nodes": 2, "max_nodes": 2, "ntasks_per_node": 2}, "select=2:ncpus=2:mpiprocs=2 -l place=scatter"),
        ({"nodes": 2, "max_nodes": 2, "ntasks": 3},
         "select=1:ncpus=2:mpiprocs=2+1:ncpus=1:mpiprocs=1 -l place=scatter"),
        ({"nodes": 2, "max_nodes": 2, "exclusive": 1}, "select=2:ncpus=1:mpiprocs=1 -l place=scatter:excl"),
        ({"memory_per_node": 2048}, "select=1:ncpus=1:mpiprocs=1:mem=2048mb -l place=free"),
        ({"memory_per_cpu": 100, "cpus_per_task": 3},
         "select=1:ncpus=3:mpiprocs=1:ompthreads=3:mem=300mb -l place=free"),
        ({"gres": "gpu:2"}, "select=1:ncpus=1:mpiprocs=1:ngpus=2 -l place=scatter"),
        ({"gpus": "4", "nodes": 2, "max_nodes": 2}, "select=2:ncpus=1:mpiprocs=1:ngpus=2 -l place=scatter"),
        ({"required_nodes": "n[2-3]", "nodes": 2, "max_nodes": 2},
         "select=1:ncpus=1:mpiprocs=1:host=n2+1:ncpus=1:mpiprocs=1:host=n3 -l place=scatter"),
        ({"time_limit": 90000}, "select=1:ncpus=1:mpiprocs=1 -l place=free -l walltime=25:00:00"),
        ({"partition": "gpu", "account": "lab", "nice": 7},
         "select=1:ncpus=1:mpiprocs=1 -l place=free -q gpu -A lab -p -7"),
    ],
    ids=str,
)  # fmt: skip
def test_a_request_in_the_words_of_qsub(values: dict[str, object], expected: str) -> None:
    assert words(**values) == f"-N x -l {expected}"


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"gres": "gpu:2"}, "2"),
        ({"gres": "gpu"}, "1"),
        ({"gpus": "4", "nodes": 2, "max_nodes": 2}, "2"),
        ({"gpus": "gpu:3"}, "3"),
        ({}, None),
    ],
    ids=str,
)
def test_a_job_is_told_how_many_gpus_its_node_has(values: dict[str, object], told: str | None) -> None:
    job = ForeignJob(name="x", cluster="far", tag="t", work_dir="/", arguments="[]", export="NONE", **values)
    call = PBS.submission(Order((), None, b"", job, source=b"#!/bin/sh\n"), remote=True)
    assert call.script is not None
    found = re.search(rb'"SLURM_GPUS_ON_NODE": "([^"]*)"', call.script.data)
    assert (found and found[1].decode()) == told


@pytest.mark.parametrize(("name", "clean"), [("a b", "a_b"), ("1st", "1st"), ("ü/%", "___"), ("", "job"), ("-x", "x")])
def test_names_are_made_ones_that_pbs_takes(name: str, clean: str) -> None:
    assert pbs_options.clean_name(name) == clean


@pytest.mark.parametrize("text", ["1,3,7", "3-1", "1-2,5-6"])
def test_an_array_that_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        pbs_options.translate(ForeignJob(name="x", cluster="far"), {"array": text}, {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,3,5", "1-5:2"), ("4,5,6%2", "4-6%2"), ("0-9:3%2", "0-9:3%2"), ("7,2", "2-7:5"), ("5", "5-6:2"),
        ("7%3", "7-8:2%3"), ("1-1", "1-2:2"), ("4,4", "4-5:2"),
    ],
)  # fmt: skip
def test_a_list_with_equal_steps_is_a_range(text: str, expected: str) -> None:
    assert pbs_options.as_range(text) == expected


def test_an_array_is_never_told_not_to_be_requeued_which_qsub_refuses() -> None:
    job = ForeignJob(name="x", cluster="far")
    assert "-r" not in pbs_options.translate(job, {"array": "1-3", "requeue": False}, {})
    assert "-r n" in " ".join(pbs_options.translate(job, {"requeue": False}, {}))


def test_two_queues_are_refused() -> None:
    with pytest.raises(Refused, match="PBS takes one queue"):
        words(partition="a,b")


def test_a_name_without_a_value_is_passed_over_as_sbatch_does() -> None:
    assert pbs_options.variables("A,B,C=3", {"A": "x"}) == {"A": "x", "C": "3"}


def test_our_environment_is_brought_by_the_wrapper() -> None:
    known = {"A": "x,\n'y'", "PBS_JOBID": "7.s"}
    assert pbs_options.variables(None, known) == {"A": "x,\n'y'"}
    assert pbs_options.variables("ALL,B=a", known) == {"A": "x,\n'y'", "B": "a"}
    assert pbs_options.variables("NONE", known) == {}


@pytest.mark.parametrize("export", [None, "ALL", "NONE", "MINE,NOT_SET,GIVEN=3"])
@pytest.mark.parametrize("remote", [True, False])
def test_no_environment_is_in_words_that_others_see(
    monkeypatch: pytest.MonkeyPatch, export: str | None, remote: bool
) -> None:
    monkeypatch.setenv("MINE", "secret")
    job = ForeignJob(name="x", cluster="far", tag="t", work_dir="/", arguments="[]", export=export)
    call = PBS.submission(Order((), None, b"", job, source=b"#!/bin/sh\n"), remote=remote)
    assert "-V" not in call.words
    assert call.words[call.words.index("-v") + 1] == "MINI_SLURM_TAG=t"
    assert call.script is not None
    assert (b"secret" in call.script.data) == (not remote and export != "NONE")


def test_a_singleton_waits_for_those_of_its_name() -> None:
    def job(number: int, **values: object) -> ForeignJob:
        return ForeignJob(job_id=number, foreign_id=f"{number}.s", state=JobState.RUNNING, **{"name": "x", **values})

    others = {1: job(1), 2: job(2, name="y"), 3: ForeignJob(job_id=3, name="x", state=JobState.FAILED), 4: job(4)}
    mine = ForeignJob(name="x", cluster="far", dependency="singleton")
    assert pbs_options.dependency(mine, others) == "afterany:1.s:4.s"
    assert pbs_options.dependency(mine, {}) == ""


def read(identity: str, *known: ForeignJob) -> list[ForeignJob]:
    return PBS.read_states(Answer(0, CASES[identity]["stdout"].encode(), b""), known)


def test_a_held_job_is_read() -> None:
    (job,) = read("qstat-045")
    assert (job.foreign_id, job.name, job.user, job.partition) == ("292.pbsn1", "held1", "bob", "gpu")
    assert (job.state, job.reason, job.priority) == (JobState.PENDING, "JobHeldUser", 0)


def test_a_job_that_begins_later_is_read() -> None:
    (job,) = read("qstat-046")
    assert (job.state, job.reason) == (JobState.PENDING, "BeginTime")


def test_an_array_is_read() -> None:
    (job,) = read("qstat-047")
    assert (job.array_job_id, job.array_task_id, job.state) == (294, None, JobState.RUNNING)


@pytest.mark.parametrize(("text", "tasks"), [("5-6:2", "5"), ("1-5:2", "1-5:2"), ("5,6", "5,6"), ("-", None)])
def test_the_tasks_that_wait_are_read(text: str, tasks: str | None) -> None:
    record = f"Job Id: 7[].s\n    job_state = Q\n    array_indices_remaining = {text}\n"
    (job,) = PBS.read_states(Answer(0, record.encode(), b""), [])
    assert job.array_tasks == tasks


def test_a_finished_job_is_read_from_the_history() -> None:
    known = ForeignJob(cluster="far", foreign_id="297.pbsn1", job_id=297, state=JobState.RUNNING)
    told = {"notes": [], "code": 0, "out": CASES["qstat-060"]["stdout"], "err": ""}
    found = PBS.read_ends(Answer(0, json.dumps(told).encode(), b""), [known])
    assert found is not None
    assert [(job.state, job.exit_code, job.node_list) for job in found] == [(JobState.FAILED, 1, "pbsn1")]
    assert found[0].end_time is not None


@pytest.mark.parametrize(
    ("code", "state"),
    [(-27, JobState.OUT_OF_MEMORY), (-29, JobState.TIMEOUT), (271, JobState.CANCELLED), (None, JobState.CANCELLED)],
)
def test_why_a_job_was_ended_is_known_to_pbs_alone(code: int | None, state: JobState) -> None:
    known = ForeignJob(cluster="far", foreign_id="7.s", job_id=7, state=JobState.RUNNING)
    note = {"id": "7.s", "ended": True, "code": 0, "signal": 15, "start": 100.0, "end": 160.0}
    history = f"Job Id: 7.s\n    job_state = F\n    Exit_status = {code}\n" if code is not None else ""
    told = {"notes": [note], "code": 0, "out": history, "err": ""}
    found = PBS.read_ends(Answer(0, json.dumps(told).encode(), b""), [known])
    assert found is not None
    assert [(job.state, job.exit_signal, job.end_time) for job in found] == [(state, 15, 160.0)]


@pytest.mark.parametrize(
    ("code", "deleted", "state", "exit_code"),
    [
        (0, False, JobState.COMPLETED, (0, 0)),
        (3, False, JobState.FAILED, (3, 0)),
        (139, False, JobState.FAILED, (139, 0)),
        (256 + 9, False, JobState.FAILED, (0, 9)),
        (271, True, JobState.CANCELLED, (0, 15)),
        (-29, False, JobState.TIMEOUT, (0, 0)),
        (-27, False, JobState.OUT_OF_MEMORY, (0, 0)),
        (-4, False, JobState.NODE_FAIL, (0, 0)),
    ],
)
def test_an_exit_status_tells_the_end(code: int, deleted: bool, state: JobState, exit_code: tuple[int, int]) -> None:
    job = ForeignJob()
    records.end(job, code, deleted)
    assert (job.state, job.exit_code, job.exit_signal) == (state, *exit_code)


@pytest.mark.parametrize(("used", "state"), [("01:00:03", JobState.TIMEOUT), ("00:10:00", JobState.FAILED)])
def test_an_older_pbs_that_ends_a_late_job_as_it_ends_others(used: str, state: JobState) -> None:
    text = f"""Job Id: 7.s
    job_state = F
    Exit_status = 271
    resources_used.walltime = {used}
    Resource_List.walltime = 01:00:00
"""
    (job,) = PBS.read_states(Answer(0, text.encode(), b""), [])
    assert job.state is state


def test_a_value_that_looks_like_a_job_is_none() -> None:
    """qstat -w writes a newline within a value as two letters; a job of somebody else must not tell of ours."""
    text = b"Job Id: 8.s\n    job_state = R\n    Variable_List = A=1\\nJob Id: 7.s\\n    job_state = F\n"
    assert [job.foreign_id for job in PBS.read_states(Answer(0, text, b""), [])] == ["8.s"]
    assert "-w" in PBS.states(None).words


@pytest.mark.parametrize(
    "told",
    [
        "Job Id: 7.s\n    job_state = F\n    Variable_List = MINI_SLURM_TAG=t1\n",  # of a note: it is over
        "Job Id: 7.s\n    Job_Name = my_job\n    job_state = Q\n    ctime = Sun Nov 22 05:00:20 2026\n"
        "    Variable_List = A=1,MINI_SLURM_TAG=t1\n",
    ],
)
def test_a_submission_without_an_answer_is_known_by_its_tag(tmp_path: Path, told: str) -> None:
    intent = ForeignJob(cluster="far", tag="t1", name="my job", work_dir="/w", submit_time=1800000000.5)
    known = Known(PBS, [], {"t1": intent}, 1800000001.0)
    known.take_states(Answer(0, told.encode(), b""), everybody=False)
    db = database.open_database(str(tmp_path))
    with database.transaction(db):
        known.store(db)
    (job,) = foreign.select(db, Where("ours"))
    db.close()
    assert (job.foreign_id, job.name, job.work_dir, job.submit_time) == ("7.s", "my job", "/w", 1800000000.5)


def test_runs_before_are_counted() -> None:
    (job,) = PBS.read_states(Answer(0, b"Job Id: 7.s\n    job_state = R\n    run_count = 3\n", b""), [])
    assert job.restarts == 2


def test_complaints_of_jobs_that_are_gone_are_an_answer_and_others_are_none() -> None:
    assert PBS.read_states(Answer(153, b"", b"qstat: Unknown Job Id 7.pbsn1\n"), []) == []
    for code, complaint in ((255, b"qstat: cannot connect to server pbsn1 (errno=15010)\n"), (1, b""), (-9, b"")):
        with pytest.raises(Unanswered):
            PBS.read_states(Answer(code, b"", complaint), [])


# --- what travels


def test_the_first_job_of_a_pbs_has_a_number_that_slurm_knows() -> None:
    (job,) = PBS.read_states(Answer(0, b"Job Id: 0.s\n    job_state = R\n", b""), [])
    assert (job.job_id, job.foreign_id) == (number_of("0.s"), "0.s")
    assert wrapper.identity("0.s") == (str(job.job_id), None)
    (task, _) = PBS.read_states(Answer(0, b"Job Id: 0[3].s\n    job_state = R\n\nJob Id: 1.s\n", b""), [])
    assert (task.array_job_id, task.array_task_id) == (job.job_id, 3)
    assert wrapper.identity("0[3].s") == (str(job.job_id), 3)


def test_patterns_of_files_are_slurms() -> None:
    environment = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "n", "SLURM_JOB_USER": "u", "SLURMD_NODENAME": "h"}
    assert wrapper.file_name("%x-%4j-%%-%q", environment) == "n-0007-%-%q"


def test_a_run_knows_how_many_there_were_before_it(tmp_path: Path) -> None:
    note = tmp_path / "note"
    assert [wrapper._begin(str(note)) for _ in range(3)] == [0, 1, 2]
    note.write_text(json.dumps({"id": "7.s", "ended": True, "runs": 3}))  # it ended, and was put back into the queue
    assert wrapper._begin(str(note)) == 3
    assert "id" not in json.loads(note.read_text())


def test_the_cpus_of_the_first_node_are_those_of_all_its_chunks() -> None:
    found = wrapper._of_nodes(["a", "a", "b"], 2, {"NCPUS": "2"})
    assert (found["SLURM_CPUS_ON_NODE"], found["SLURM_JOB_CPUS_PER_NODE"]) == ("4", "4,2")
    assert wrapper._of_nodes(["a"], 1, {"NCPUS": "3"})["SLURM_CPUS_ON_NODE"] == "3"


def test_a_task_that_was_deleted_while_it_waited_never_began() -> None:
    given = {"job_state": "X", "stime": "Mon Nov 23 20:26:25 2026", "Exit_status": "271"}
    assert records.read("5[2].s", given, None).start_time is None
    assert records.read("5[2].s", {**given, "exec_host": "a/0"}, None).start_time is not None


def test_counts_are_repeated_as_slurm_writes_them() -> None:
    assert hostlist.repeated([2, 2, 2, 1]) == "2(x3),1"


def test_hostlists_of_the_job_come_apart_again() -> None:
    for hosts in (["n1", "n2"], ["n07", "n08", "n10"], ["login"], ["a1", "b1"]):
        assert hostlist.expand(hostlist.compress(hosts)) == hosts
    assert hostlist.compress(["n1", "n2", "n3", "n5"]) == "n[1-3,5]"
    assert hostlist.compress(["n9", "n10"]) == "n[9,10]"
    assert hostlist.expand("n[1-3,07],x") == ["n1", "n2", "n3", "n07", "x"]


# what a real Slurm answered in a job of three machines with two CPUs each, `-N 3 --ntasks-per-node=2`
LAYOUTS = {
    "": "aabbcc", "-n 3": "abc", "-N 3 -n 3": "abc", "-n 4": "aabc", "-N 2 -n 3": "aab", "-n 2": "ab", "-n 1": "a",
    "-N 2": "", "-N 1": "", "-N 1 -n 2": "aa", "-N 2 --ntasks-per-node=1": "", "-n 7": "",
    "-n 9 --overcommit": "aaabbbccc",
    "-w c -n 1": "c", "-w b,c -n 3": "abc", "-r 1 -n 2": "bc", "-r 1 -N 1": "", "-x b -n 2": "ac", "-x b": "",
    "--ntasks-per-node=1": "aabbcc", "--ntasks-per-node=1 -n 3": "abc", "-m cyclic -n 4": "abca",
    "-m plane=2 -n 6": "aabbcc", "-n 3 -c 2": "abc", "-N 1-2 -n 4": "aabb", "-w d -n 1": "",
}  # fmt: skip


@pytest.mark.parametrize("words", LAYOUTS)
def test_srun_lays_tasks_out_as_slurm_does(words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("NTASKS", "6"), ("NTASKS_PER_NODE", "2"), ("JOB_ID", "7"), ("CPUS_PER_TASK", "1")):
        monkeypatch.setenv(f"SLURM_{name}", value)
    given = getopt.getopt(words.split(), srun.SHORT, [*srun.LONG])[0]
    options = {srun.SAME.get(name.lstrip("-"), name.lstrip("-")): value for name, value in given}
    if LAYOUTS[words]:
        assert "".join(srun.layout(options, [*"aabbcc"])) == LAYOUTS[words]
    else:
        with pytest.raises(ValueError, match=r"Unable to create step for job 7: |Only allocated 2 nodes asked for 3"):
            srun.layout(options, [*"aabbcc"])


def test_srun_says_what_it_does_with_fewer_tasks_than_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert srun.layout({"ntasks": "1"}, ["a", "b"]) == ["a"]
    assert capsys.readouterr().err == "srun: Warning: can't run 1 processes on 2 nodes, setting nnodes to 1\n"
    assert srun.layout({"ntasks": "1", "quiet": ""}, ["a", "b"]) == ["a"]
    assert capsys.readouterr().err == ""


def test_srun_has_all_of_a_machine_that_is_the_jobs_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINI_SLURM_WHOLE", "1")
    assert srun.layout({"ntasks": "4"}, ["a", "b"]) == ["a", "a", "b", "b"]


def test_srun_takes_options_whose_value_may_be_left_out() -> None:
    assert srun._with_values(["-K", "-n", "2", "cmd", "-K"]) == ["--kill-on-bad-exit=1", "-n", "2", "cmd", "-K"]
    assert srun._with_values(["-K0", "--exclusive=user", "x"]) == ["--kill-on-bad-exit=0", "--exact", "x"]


def test_srun_reads_what_each_task_runs_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "programs").write_text("# tasks\n0 echo 'a b'\n1-2 worker %t %o\n")
    found = srun._commands([str(tmp_path / "programs")], 3, True)
    assert found == [["echo", "a b"], ["worker", "1", "0"], ["worker", "2", "1"]]
    with pytest.raises(ValueError, match="does not tell what each of 4 tasks runs"):
        srun._commands([str(tmp_path / "programs")], 4, True)


# of another OpenPBS 23.06.06, of three nodes, in the form of the other recordings: jobs as they are read
MORE = Path(__file__).parents[1] / "clusters" / "openpbs-more.jsonl"
TOLD = {
    "qstat-001": ["49 RUNNING None 0:0 pbsn[1-3] 6"],
    "qstat-002": [
        "50[1] RUNNING None 0:0 pbsn1 1", "50[3] RUNNING None 0:0 pbsn1 1", "50[5] PENDING JobArrayTaskLimit 0:0 None 0"
    ],
    "qstat-003": [
        "51[1] COMPLETED None 0:0 pbsn1 1", "51[2] FAILED NonZeroExitCode 1:0 pbsn1 1",
        "51[3] COMPLETED None 0:0 pbsn2 1"
    ],
    "qstat-004": ["53 COMPLETED None 0:0 pbsn1 1"],
    "qstat-005": ["55 CANCELLED None 0:0 None 0"],
    "qstat-006": ["56 CANCELLED None 0:15 pbsn1 1", "57 CANCELLED None 0:0 None 0"],
    "qstat-007": ["58 TIMEOUT None 0:0 pbsn1 1"],
    "qstat-008": ["59 FAILED NonZeroExitCode 137:0 pbsn1 1", "60 FAILED NonZeroExitCode 0:9 pbsn1 1"],
    "qstat-009": [
        "61 PENDING BeginTime 0:0 None 0", "62 PENDING JobHeldUser 0:0 None 0", "63 PENDING Dependency 0:0 None 0"
    ],
    "qstat-010": ["64 PENDING PartitionConfig 0:0 None 0"],
}  # fmt: skip


def more(name: str) -> Answer:
    told = next(one for one in map(json.loads, MORE.read_text().splitlines()) if one["id"] == name)
    return Answer(told["rc"], told["stdout"].encode(), told["stderr"].encode())


@pytest.mark.parametrize("name", TOLD)
def test_jobs_are_read_from_what_an_openpbs_of_three_nodes_printed(name: str) -> None:
    found = Pbs(ClusterEntry("pbs", "pbs")).read_states(more(name), [])
    assert [
        f"{job.foreign_id.partition('.')[0]} {job.state.name} {job.reason} {job.exit_code}:{job.exit_signal}"
        f" {job.node_list} {job.alloc_cpus}"
        for job in found
    ] == TOLD[name]
    assert all((job.start_time is None) == (job.state is JobState.PENDING or not job.node_list) for job in found)


def test_srun_finds_the_nodes_of_an_openpbs() -> None:
    lines = more("run-001").out.decode().split()
    assert srun.layout({"ntasks": "3"}, lines[:6]) == ["pbsn1", "pbsn2", "pbsn3"] == lines[6:]


@pytest.mark.parametrize("name", ["job", "ends", *TOOLS])
def test_what_travels_is_one_text_in_which_no_name_is_given_twice(name: str) -> None:
    tree = ast.parse(source(name), feature_version=(3, 8))
    compile(tree, name, "exec")
    own = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert len(own) == len({*own})
    assert "mini_slurm." not in "".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.ImportFrom))


Srun = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def in_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Srun:
    """Runs srun as the wrapper of a job on this machine alone installs it."""
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        (tmp_path / "bin" / name).write_text(f"#!/usr/bin/env python3\n{source(name)}")
        (tmp_path / "bin" / name).chmod(0o700)
    for name in [name for name in os.environ if name.startswith(("SLURM_", "PBS_", "MINI_SLURM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SLURM_NTASKS", "2")
    (tmp_path / "nodes").write_text(f"{os.uname().nodename}\n" * 2)
    monkeypatch.setenv("PBS_NODEFILE", str(tmp_path / "nodes"))

    def run(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(tmp_path / "bin" / "srun"), *words]
        return subprocess.run(command, input=typed, capture_output=True, text=True, cwd=tmp_path, timeout=60)

    return run


Wrapped = Callable[[], subprocess.CompletedProcess[str]]


@pytest.fixture
def wrapped(tmp_path: Path) -> Wrapped:
    """Runs a job's wrapper as PBS does, in a home of its own: its script ends with 3."""
    job = ForeignJob(name="x", cluster="far", tag="t1", work_dir=str(tmp_path))
    text = program(Order((), None, b"", job, source=b"#!/bin/sh\necho ran; exit 3\n"), None)

    def run() -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PBS_JOBID": "7.s"}
        command = [sys.executable, "-I", "-"]
        return subprocess.run(command, input=text.decode(), capture_output=True, text=True, env=environment, timeout=60)

    return run


@pytest.mark.parametrize("is_full", [False, True])
def test_a_note_that_cannot_be_written_is_a_line_and_the_job_runs(
    wrapped: Wrapped, tmp_path: Path, is_full: bool
) -> None:
    note = tmp_path / wrapper.NOTES / "t1"
    if is_full:
        note.with_name("t1.new").mkdir(parents=True)
    done = wrapped()
    complaint = f"error: {note}: Is a directory\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, "", 2 * complaint * is_full)
    assert (tmp_path / "slurm-7.out").read_text() == "ran\n"
    assert is_full or json.loads(note.read_text())["code"] == 3


def test_a_home_in_which_nothing_can_be_written_ends_a_job_without_a_traceback(
    wrapped: Wrapped, tmp_path: Path
) -> None:
    (tmp_path / ".cache").write_text("no folder")
    done = wrapped()
    note = tmp_path / wrapper.NOTES / "t1"
    assert (done.returncode, done.stdout) == (128 + wrapper.NO_FILES, "")
    assert done.stderr.splitlines() == [f"error: {path}: Not a directory" for path in (note, note.parent.parent, note)]


def test_files_of_output_may_be_called_out_and_err(in_job: Srun, tmp_path: Path) -> None:
    done = in_job("-n", "1", "-o", "out", "-e", "err", "sh", "-c", "echo said; echo wrong >&2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert ((tmp_path / "out").read_text(), (tmp_path / "err").read_text()) == ("said\n", "wrong\n")


def test_input_that_is_not_there_is_one_line(in_job: Srun) -> None:
    done = in_job("-i", "missing", "cat")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "srun: error: missing: No such file or directory\n"


def test_input_that_cannot_be_read_has_ended(in_job: Srun) -> None:
    done = in_job("-i", ".", "cat")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_line_that_a_task_writes_over_has_one_label(in_job: Srun, tmp_path: Path) -> None:
    in_job("-l", "-n", "1", "-o", "out", "printf", "%s", "1%\r2%\n3%")
    assert (tmp_path / "out").read_bytes() == b"0: 1%\r2%\n0: 3%"


def test_input_goes_to_the_task_of_a_number_and_is_a_file_for_others(in_job: Srun, tmp_path: Path) -> None:
    assert in_job("-l", "-i", "1", "cat", typed="typed\n").stdout == "1: typed\n"
    (tmp_path / "7").write_text("kept\n")
    assert in_job("-l", "-n", "1", "-i", "7", "cat").stdout == "0: kept\n"


@pytest.mark.parametrize(
    "words",
    [("-w", "n[1-", "true"), ("-x", "n[a]", "true"), ("-n", "two", "true"), ("-n", "0", "true"), ("-N", "0", "true")],
    ids=str,
)
def test_what_srun_cannot_read_is_one_line(in_job: Srun, words: tuple[str, ...]) -> None:
    done = in_job(*words)
    assert done.returncode == 1
    assert re.fullmatch("srun: error: .*\n", done.stderr)


@pytest.mark.parametrize("has_history", [True, False])
def test_a_search_asks_no_more_often_than_it_says(tmp_path: Path, has_history: bool) -> None:
    history = "Job Id: 9.s\n    job_state = F\n    Variable_List = MINI_SLURM_TAG=t1"
    qstat = tmp_path / "qstat"
    qstat.write_text(
        f"#!/bin/sh\necho \"$@\" >> {tmp_path}/asked\ncase $1 in -x) printf '%s\\n' '{history * has_history}' ;;\n"
        "*) printf 'Job Id: 7.s\\n    job_state = R\\n' ;; esac\n"
    )
    qstat.chmod(0o755)
    call = Pbs(ClusterEntry("far", "pbs", folder=str(tmp_path))).find([ForeignJob(tag="t1")])
    environment = {**os.environ, "HOME": str(tmp_path)}
    told = subprocess.run(call.words, input=call.stdin, env=environment, capture_output=True, check=True).stdout
    assert (tmp_path / "asked").read_text().splitlines() == ["-t -f -w", "-x -f -w"]
    assert call.asks == 2
    found = PBS.read_states(Answer(0, told, b""), [])
    assert [job.foreign_id for job in found] == ["7.s", "9.s"][: 1 + has_history]


@pytest.mark.parametrize("cluster", [Pbs, Torque])
def test_a_search_tells_of_every_task_that_is_noted_with_its_end(tmp_path: Path, cluster: type[Pbs]) -> None:
    notes = tmp_path / ".cache" / "mini_slurm" / "pbs"
    notes.mkdir(parents=True)
    for task, (code, killed, ended) in enumerate([(0, 0, False), (3, 0, False), (0, 9, False), (0, 15, True)]):
        told = {"id": f"7[{task}].s", "code": code, "signal": killed, "ended": ended, "end": 1795323616.5}
        (notes / f"t1.{task}").write_text(json.dumps(told))
    (notes / "t1.4").write_text('{"runs": 1}')  # it runs
    qstat = tmp_path / "qstat"
    qstat.write_text("#!/bin/sh\n")
    qstat.chmod(0o755)
    there = cluster(ClusterEntry("far", "pbs", folder=str(tmp_path)))
    call = there.find([ForeignJob(tag="t1")])
    environment = {**os.environ, "HOME": str(tmp_path)}
    out = subprocess.run(call.words, input=call.stdin, env=environment, capture_output=True, check=True).stdout
    found = there.read_states(Answer(0, out, b""), [ForeignJob(tag="t1", user="bob")])
    ends = {job.array_task_id: (job.state.name, job.exit_code, job.exit_signal, job.tag, job.user) for job in found}
    assert {task: ends[task][0] for task in range(4)} == {0: "COMPLETED", 1: "FAILED", 2: "FAILED", 3: "CANCELLED"}
    assert (ends[1][1:], ends[2][1:]) == ((3, 0, "t1", "bob"), (0, 9, "t1", "bob"))
    assert {job.end_time for job in found} == {1795323616.0}


@pytest.mark.parametrize(("cluster", "listed"), [
    (Pbs, "Job Id: 17.s\\n    job_state = H\\n    depend = afterok:7.s@s\\n"),
    (Torque, "<Data><Job><Job_Id>17.s</Job_Id><job_state>H</job_state><depend>afterok:7.s</depend></Job></Data>"),
])  # fmt: skip
def test_a_job_whose_name_is_a_part_of_anothers_is_found_by_its_note(
    tmp_path: Path, cluster: type[Pbs], listed: str
) -> None:
    notes = tmp_path / wrapper.NOTES
    notes.mkdir(parents=True)
    for tag, number in (("t1", 7), ("t2", 27)):
        told = {"id": f"{number}.s", "code": 0, "signal": 0, "ended": False, "end": 1795323616.5}
        (notes / tag).write_text(json.dumps(told))
    qstat = tmp_path / "qstat"
    qstat.write_text(f"#!/bin/sh\ncase $1 in -x) ;; *) printf '{listed}' ;; esac\n")
    qstat.chmod(0o755)
    there = cluster(ClusterEntry("far", "pbs", folder=str(tmp_path)))
    call = there.find([ForeignJob(tag=tag) for tag in ("never", "t1", "t2")])
    environment = {**os.environ, "HOME": str(tmp_path)}
    out = subprocess.run(call.words, input=call.stdin, env=environment, capture_output=True, check=True).stdout
    found = there.read_states(Answer(0, out, b""), [])
    assert {job.foreign_id: job.tag for job in found} == {"17.s": "", "7.s": "t1", "27.s": "t2"}


ENDED = """\
Job Id: 5[].s
    job_state = F
    Exit_status = 0
Job Id: 5[1].s
    job_state = X
    Exit_status = 0
Job Id: 5[2].s
    job_state = X
    Exit_status = {second}
"""


@pytest.mark.parametrize(
    ("noted", "second", "at_home", "went_well"),
    [
        ({1: 0, 2: 0}, "1", True, True),  # the notes count
        ({1: 0, 2: 3}, "0", True, False),
        ({1: 0}, "0", True, True),  # else the history
        ({1: 0}, "1", False, False),
        ({1: 0, 2: None}, "1", False, False),  # it began here, and was seen no more
        ({}, "0", False, True),
        ({1: 0}, None, True, False),  # there is none, but a note would be here
        ({1: 0, 2: None}, None, True, False),
        ({1: 0}, None, False, None),  # only PBS's own word is left
        ({}, None, False, None),
        ({2: 3}, None, False, False),
    ],
)
def test_a_note_that_is_not_to_be_seen_is_no_failure(
    noted: dict[int, int | None], second: str | None, at_home: bool, went_well: bool | None,
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PBS_CONF_FILE", str(tmp_path / "pbs.conf"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "pbs.conf").write_text(f"PBS_SERVER=s\nPBS_EXEC={tmp_path}\n")
    qstat = tmp_path / "bin" / "qstat"
    qstat.write_text(f"#!/bin/sh\ncat <<E\n{ENDED.format(second=second)}E\n" if second else "#!/bin/sh\nexit 1\n")
    qstat.chmod(0o755)
    for task, code in noted.items():
        end = {} if code is None else {"id": f"5[{task}].s", "code": code, "signal": 0, "ended": False}
        (tmp_path / f"t.{task}").write_text(json.dumps({"runs": 1, **end}))
    order = {"programs": None, "history": ["-x"], "tag": "mine", "home": tmp_path.stat().st_ino if at_home else 0}
    runs = {kind: waited.is_met(order, str(tmp_path), kind, "t", "5[].s", [1, 2]) for kind in ("afterok", "afternotok")}
    assert runs == {"afterok": went_well is not False, "afternotok": went_well is not True}


def test_a_submission_over_ssh_left_a_mark_in_a_home_that_is_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PBS_CONF_FILE", str(tmp_path / "none"))
    order = {"programs": None, "history": [], "tag": "mine", "home": None}
    assert waited.is_met(order, str(tmp_path), "afterok", "t", "5[].s", [1])
    (tmp_path / waited.CALLS / "mine").mkdir(parents=True)
    assert not waited.is_met(order, str(tmp_path), "afterok", "t", "5[].s", [1])


def test_a_task_that_never_ran_did_not_go_well() -> None:
    assert waited.ended("Job Id: 5[3].s\n    job_state = X\nJob Id: 5[4].s\n    job_state = R\n") == {3: False}


@pytest.mark.parametrize(
    ("holds", "others", "reason"),
    [("u", "", "JobHeldUser"), ("o", "", "JobHeldAdmin"), ("sou", "", "JobHeldAdmin"), ("s", "", "JobHeldAdmin"),
     ("s", "    depend = afterok:4.s@s\n", "Dependency"), ("so", "    depend = afterok:4.s@s\n", "JobHeldAdmin")],
)  # fmt: skip
def test_who_holds_a_job_is_told(holds: str, others: str, reason: str) -> None:
    ((name, given),) = records.jobs(f"Job Id: 5.s\n    job_state = H\n    Hold_Types = {holds}\n{others}".encode())
    assert records.read(name, given, None).reason == reason


@pytest.mark.parametrize("told", ["", "    Exit_status = -27\n"])
def test_a_job_whose_end_is_not_settled_yet_has_not_ended_well(told: str) -> None:
    ((name, given),) = records.jobs(f"Job Id: 5.s\n    job_state = E\n    substate = 51\n{told}".encode())
    job = records.read(name, given, ForeignJob(outcome="COMPLETED"))
    assert (job.state, job.outcome) == (JobState.COMPLETING, None)
