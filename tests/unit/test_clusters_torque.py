"""Torque's dialect: a request in the words of its qsub, and jobs as its qstat -x and pbsnodes tell of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mini_slurm.clusters import pbs_site
from mini_slurm.clusters.base import Answer, Order, Unanswered
from mini_slurm.clusters.torque import Torque, clean_name
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.model.states import JobState
from mini_slurm.output.nodes import node_list

# of a Torque 4.2.10, in the form of the other recordings
RECORDED = Path(__file__).parents[1] / "clusters" / "torque.jsonl"
TOLD = {
    "qstat-002": [],
    "qstat-003": ["110 PENDING 0:0 0"],
    "qstat-004": ["111 PENDING 0:0 0", "112 PENDING 0:0 0"],
    "qstat-005": ["113[1] PENDING 0:0 0", "113[2] PENDING 0:0 0"],
    "qstat-006": ["114 RUNNING 0:0 2"],
    "qstat-007": ["115 COMPLETED 0:0 1", "116 FAILED 3:0 1"],
    "qstat-008": ["117 FAILED 137:0 1"],
    "qstat-009": ["118 CANCELLED 0:0 0"],
    "qstat-010": ["119 CANCELLED 0:15 1"],
    "qstat-011": ["120 CANCELLED 0:15 1"],
    "qstat-012": ["122 PENDING 0:0 0"],
    "qstat-013": ["123 PENDING 0:0 0"],
    "qstat-014": ["124 PENDING 0:0 0"],
    "qstat-015": ["125 PENDING 0:0 0"],
    "qstat-016": ["126 TIMEOUT 0:0 1"],
}
TORQUE = Torque(ClusterEntry("old", "torque"))
JOBS = """<Data><Job><Job_Id>7[1].head</Job_Id><Job_Name>x-1</Job_Name><Job_Owner>bob@head</Job_Owner>\
<job_state>C</job_state><queue>batch</queue><ctime>1795323605</ctime><exec_host>n1/0+n1/1</exec_host>\
<Resource_List><nodect>1</nodect><walltime>01:00:00</walltime></Resource_List>\
<Variable_List>PBS_O_HOME=/home/bob,MINI_SLURM_TAG=t1,A=&lt;&amp;</Variable_List><exit_status>{code}</exit_status>\
<resources_used><walltime>{used}</walltime></resources_used><start_time>1795323606</start_time>\
<comp_time>1795323616</comp_time></Job>\
<Job><Job_Id>8.head</Job_Id><Job_Name>y</Job_Name><Job_Owner>ann@head</Job_Owner><job_state>R</job_state>\
<queue>batch</queue></Job></Data>
"""
NODES = """\
n1
     state = job-exclusive
     np = 4
     properties = ib,big
     ntype = cluster
     jobs = 0-3/7.head
     status = rectime=1795323605,physmem=16384kb
     gpus = 2

n2
     state = free
     np = 4
     ntype = cluster
     jobs = 0/8.head, 1/8.head

n3
     state = down,offline
     np = 4
     ntype = cluster
     note = no power
"""


def words(**values: object) -> list[str]:
    asked = {"array": values.pop("array", None)}
    return TORQUE.translate(ForeignJob(**{"name": "x", "cluster": "old", **values}), asked, {})[0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "-N x -l nodes=1:ppn=1"),
        ({"ntasks": 4, "cpus_per_task": 2}, "-N x -l nodes=1:ppn=8"),
        ({"ntasks": 4, "memory_per_node": 400}, "-N x -l nodes=1:ppn=4 -l mem=400mb"),
        ({"nodes": 2, "max_nodes": 2, "ntasks_per_node": 2}, "-N x -l nodes=2:ppn=2"),
        ({"nodes": 2, "max_nodes": 2, "ntasks": 3}, "-N x -l nodes=1:ppn=2+1:ppn=1"),
        ({"memory_per_node": 2048, "time_limit": 90000}, "-N x -l nodes=1:ppn=1 -l mem=2048mb -l walltime=25:00:00"),
        ({"gres": "gpu:2"}, "-N x -l nodes=1:ppn=1:gpus=2"),
        ({"required_nodes": "n[2-3]", "nodes": 2, "max_nodes": 2}, "-N x -l nodes=n2:ppn=1+n3:ppn=1"),
        ({"nodes": 2, "max_nodes": 2, "exclusive": 1}, "-N x -l nodes=2:ppn=1 -n"),
        ({"array": "1-7:3,9%2"}, "-N x -l nodes=1:ppn=1 -t 1,4,7,9%2"),
        ({"array": "1,3,7%2"}, "-N x -l nodes=1:ppn=1 -t 1,3,7%2"),
        ({"name": "1 a long name of a job"}, "-N j1_a_long_name_ -l nodes=1:ppn=1"),
    ],
    ids=str,
)
def test_a_request_in_the_words_of_torque(values: dict[str, object], expected: str) -> None:
    assert " ".join(words(**values)) == expected


def test_names_begin_with_a_letter_and_are_short() -> None:
    assert [clean_name(name) for name in ("1st", "a" * 20, "ü", "-x")] == ["j1st", "a" * 15, "j_", "x"]


def test_a_dependency_on_an_array_has_its_own_word() -> None:
    others = {7: ForeignJob(foreign_id="7[].head", state=JobState.PENDING)}
    job = ForeignJob(name="x", cluster="old", dependency="afterok:7")
    assert TORQUE.translate(job, {}, others)[0][-1] == "depend=afterokarray:7[].head"


def test_the_node_file_has_a_line_for_each_cpu() -> None:
    job = ForeignJob(name="x", cluster="old", cpus_per_task=2, tag="t", work_dir="/", arguments="[]", export="NONE")
    call = TORQUE.submission(Order((), None, b"", job, source=b"#!/bin/sh\n"), remote=True)
    assert call.script is not None
    assert b'"lines": 2' in call.script.data


@pytest.mark.parametrize(
    ("code", "used", "state", "exit_code"),
    [
        ("0", "00:00:10", JobState.COMPLETED, (0, 0)),
        ("3", "00:00:10", JobState.FAILED, (3, 0)),
        ("-11", "01:00:09", JobState.TIMEOUT, (0, 0)),
        ("-10", "00:00:10", JobState.OUT_OF_MEMORY, (0, 0)),
        ("271", "01:00:02", JobState.TIMEOUT, (0, 0)),
        ("271", "00:00:10", JobState.CANCELLED, (0, 15)),
    ],
)
def test_jobs_are_read_from_xml(code: str, used: str, state: JobState, exit_code: tuple[int, int]) -> None:
    answer = Answer(0, JOBS.format(code=code, used=used).encode(), b"")
    over, running = TORQUE.read_states(answer, [])
    assert (over.foreign_id, over.tag, over.user, over.array_job_id, over.array_task_id) == (
        "7[1].head",
        "t1",
        "bob",
        7,
        1,
    )
    assert (over.state, over.exit_code, over.exit_signal) == (state, *exit_code)
    assert (over.start_time, over.end_time, over.node_list) == (1795323606.0, 1795323616.0, "n1")
    assert (over.alloc_cpus, running.foreign_id, running.state) == (2, "8.head", JobState.RUNNING)


def test_an_answer_that_is_no_xml_changes_no_job() -> None:
    assert TORQUE.read_states(Answer(153, b"", b"qstat: Unknown Job Id Error 7.head\n"), []) == []
    for text in (b"<Data><Job>", b"qstat: hello"):
        with pytest.raises(Unanswered):
            TORQUE.read_states(Answer(0, text, b""), [])


def test_each_name_has_a_document_and_what_is_no_xml_in_a_job_changes_no_other() -> None:
    job = "<Data><Job><Job_Id>{}.head</Job_Id><job_state>R</job_state><Variable_List>X={}</Variable_List></Job></Data>"
    out = "\n".join(job.format(*each) for each in ((1, "\x01"), (2, "\ufffe"), (3, "b"))).encode() + b"\n"
    found = TORQUE.read_states(Answer(0, out.replace(b"b<", b"\xff<"), b""), [])
    assert [job.foreign_id for job in found] == ["1.head", "2.head", "3.head"]


def test_later_versions_write_cpus_as_ranges() -> None:
    job = "<Data><Job><Job_Id>1.h</Job_Id><job_state>R</job_state><exec_host>a/0-3+b/1,5</exec_host>"
    (found,) = TORQUE.read_states(Answer(0, f"{job}<start_time>9</start_time></Job></Data>".encode(), b""), [])
    assert (found.alloc_cpus, found.node_list) == (6, "a,b")


def test_nodes_of_torque_are_read() -> None:
    site = pbs_site.site("old", NODES.encode(), b"", b"")
    found = node_list(site.fleet, site.machines, site.held)
    assert [(node.cpus, node.alloc_cpus) for node in found.values()] == [(4, 4), (4, 2), (4, 0)]
    assert (found["n1"].features, dict(found["n1"].gpus)) == (("ib", "big"), {"": 2})
    assert found["n3"].reason == "no power"


def recorded(name: str) -> Answer:
    """What a Torque answered."""
    cases = {case["id"]: case for case in map(json.loads, RECORDED.read_text().splitlines())}
    case = cases[name]
    return Answer(case["rc"], case["stdout"].encode("latin-1"), case["stderr"].encode("latin-1"))


@pytest.mark.parametrize("name", TOLD)
def test_jobs_are_read_from_what_a_torque_printed(name: str) -> None:
    found = TORQUE.read_states(recorded(name), [])
    assert [
        f"{job.foreign_id.partition('.')[0]} {job.state.name} {job.exit_code}:{job.exit_signal} {job.alloc_cpus}"
        for job in found
    ] == TOLD[name]
    assert all(job.user == "alice" and job.partition == "batch" for job in found)


@pytest.mark.parametrize("name", ["qstat-017", "qstat-018"])
def test_a_question_that_a_torque_does_not_answer_changes_no_job(name: str) -> None:
    with pytest.raises(Unanswered):
        TORQUE.read_states(recorded(name), [])


@pytest.mark.parametrize(
    ("name", "expected"),
    [("qsub-001", "77.pbsn1"), ("qsub-002", "78[].pbsn1"), *((f"qsub-{n:03}", None) for n in (5, 6, 7, 10, 13, 20))],
)
def test_a_torque_that_takes_or_refuses_a_job_leaves_no_doubt(name: str, expected: str | None) -> None:
    answer = recorded(name)
    assert TORQUE.read_submission(answer) == expected
    assert expected or not TORQUE.is_unclear(answer)


def test_nodes_and_queues_are_read_from_what_a_torque_printed() -> None:
    site = TORQUE.read_site([recorded(f"site-00{number}") for number in (1, 2, 3)])
    (node,) = node_list(site.fleet, site.machines, site.held).values()
    assert (node.name, node.cpus, dict(node.gpus)) == ("pbsn1", 4, {"": 2})
