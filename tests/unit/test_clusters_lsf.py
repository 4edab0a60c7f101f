"""LSF, experimental: a request in the words of bsub, and what bsub and bjobs print, as its manual has it."""

from __future__ import annotations

import pytest

from mini_slurm.clusters import lsf
from mini_slurm.clusters.base import Answer, Goal, Order, Unanswered
from mini_slurm.errors import Refused
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.model.states import JobState

LSF = lsf.Lsf(ClusterEntry("blue", "lsf"))
JOBS = b"""\
7|0|RUN|bob|normal|x|mini_slurm:t1|2*n1:n2|-|-|Nov 22 05:00|Nov 22 05:01|-|60.0/n1
8|1|DONE|bob|normal|y[1-2]|mini_slurm:t2|n1|-|-|Nov 22 05:00|Nov 22 05:01|Nov 22 05:02 L|-
8|2|EXIT|bob|normal|y[1-2]|mini_slurm:t2|n1|3|-|Nov 22 05:00|Nov 22 05:01|Nov 22 05:02 L|-
9|0|EXIT|bob|normal|z|-|n1|140|TERM_RUNLIMIT: job killed after reaching LSF run time limit|Nov 22 05:00|Nov 22 05:01|\
Nov 22 05:02|-
10|0|PSUSP|ann|short|z|-|-|-|-|Nov 22 05:00|-|-|-
"""


def words(**values: object) -> str:
    asked = {"array": values.pop("array", None), "hold": values.pop("hold", None)}
    job = ForeignJob(**{"name": "x", "cluster": "blue", "work_dir": "/w", **values})
    return " ".join(lsf.translate(job, asked, {5: ForeignJob(foreign_id="5", state=JobState.RUNNING)}))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "-J x -n 1 -cwd /w"),
        ({"ntasks": 4, "cpus_per_task": 2}, "-J x -n 8 -cwd /w -R span[ptile=2]"),
        ({"nodes": 2, "max_nodes": 2, "ntasks_per_node": 3}, "-J x -n 6 -cwd /w -R span[ptile=3]"),
        ({"time_limit": 5400, "memory_per_node": 2048, "partition": "short"},
         "-J x -n 1 -cwd /w -M 2048MB -W 1:30 -q short"),
        ({"array": "1,3-9%2"}, "-J x[1,3-9]%2 -n 1 -cwd /w"),
        ({"hold": True, "exclusive": 1, "gres": "gpu:2"}, "-J x -n 1 -cwd /w -x -H -gpu num=2"),
        ({"nodes": 2, "max_nodes": 2, "gpus": "4"}, "-J x -n 2 -cwd /w -R span[ptile=1] -gpu num=2"),
        ({"nodes": 1, "max_nodes": 1, "ntasks": 4}, "-J x -n 4 -cwd /w -R span[hosts=1]"),
        ({"dependency": "afterok:5,afterany:5"}, "-J x -n 1 -cwd /w -w done(5) && ended(5)"),
    ],
    ids=str,
)  # fmt: skip
def test_a_request_in_the_words_of_bsub(values: dict[str, object], expected: str) -> None:
    assert words(**values) == expected


def test_what_has_no_word_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="--qos cannot be passed to blue"):
        lsf.translate(ForeignJob(name="x", cluster="blue"), {"qos": "high"}, {})


def test_the_script_is_standard_input_and_bears_the_tag() -> None:
    job = ForeignJob(name="x", cluster="blue", tag="t1", work_dir="/w", arguments="[]")
    call = LSF.submission(Order((), None, b"", job, source=b"#!/bin/sh\n"), remote=False)
    assert call.words[:3] == ("bsub", "-Jd", "mini_slurm:t1")
    compile(call.stdin, "job", "exec")
    assert call.stdin.index(b"LSB_JOBID") < call.stdin.index(b"\nmain(")


@pytest.mark.parametrize("values", [{"gres": "gpu:a100:2"}, {"gpus": "3", "nodes": 2, "max_nodes": 2}], ids=str)
def test_gpus_that_lsf_cannot_be_asked_for_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(Refused, match=r"cannot be (passed|divided)"):
        words(**values)


@pytest.mark.parametrize(("export", "kept"), [("ALL", False), ("NONE", True), ("A=1", True)])
def test_a_job_that_is_to_have_no_environment_gets_none(export: str, kept: bool) -> None:
    job = ForeignJob(name="x", cluster="blue", tag="t1", work_dir="/w", arguments="[]", export=export)
    call = LSF.submission(Order((), None, b"", job, source=b"#!/bin/sh\n"), remote=False)
    assert ("-env" in call.words) is kept
    assert (b'"A": "1"' in call.stdin) == (export == "A=1")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b"Job <123> is submitted to queue <normal>.\n", "123"),
        (b"Job <123> is submitted to default queue <normal>.\n", "123"),
        (b"queue <x>: no such queue\n", None),
    ],
)
def test_an_answer_of_bsub_is_read(text: bytes, name: str | None) -> None:
    assert LSF.read_submission(Answer(0, text, b"")) == name


def test_jobs_are_read() -> None:
    found = LSF.read_states(Answer(0, JOBS, b""), [])
    assert [(job.foreign_id, job.tag, job.state, job.exit_code) for job in found] == [
        ("7", "t1", JobState.RUNNING, 0), ("8[1]", "t2", JobState.COMPLETED, 0), ("8[2]", "t2", JobState.FAILED, 3),
        ("9", "", JobState.TIMEOUT, 140), ("10", "", JobState.PENDING, 0),
    ]  # fmt: skip
    assert (found[0].node_list, found[4].reason) == ("n[1-2]", "JobHeldUser")


def test_a_submission_without_an_answer_is_known_by_its_tag() -> None:
    intent = ForeignJob(tag="t1", name="my job", submit_time=5.0)
    job = LSF.read_states(Answer(0, JOBS, b""), [intent])[0]
    assert (job.foreign_id, job.name, job.submit_time, job.ours) == ("7", "my job", 5.0, 1)


def test_no_jobs_are_an_answer_and_a_system_that_is_down_is_none() -> None:
    assert LSF.read_states(Answer(255, b"", b"No unfinished job found\n"), []) == []
    with pytest.raises(Unanswered, match="LSF is down"):
        LSF.read_states(Answer(255, b"", b"LSF is down. Please wait ...\n"), [])


def test_jobs_are_ended_and_held() -> None:
    goals = [Goal(ForeignJob(foreign_id="7")), Goal(ForeignJob(foreign_id="8[1]"), tasks=frozenset({2, 1}))]
    assert LSF.cancel(goals, None, ()).words == ("bkill", "7", "8[1]", "8[2]")
    assert LSF.change("hold", goals, ())[0].words == ("bstop", "7", "8[1]", "8[2]")
    with pytest.raises(Refused):
        LSF.change("update", goals, ("Name=x",))
