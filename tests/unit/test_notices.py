"""Events of jobs, who wants to hear of them, and their words. The subjects are those of Slurm 22.05's source."""

from __future__ import annotations

import json

import pytest

from mini_slurm.desk.submission import command_line
from mini_slurm.model import notices
from mini_slurm.model.job import Job
from mini_slurm.model.notices import Before, Summary, changes, subject, wishes
from mini_slurm.model.staging import Plan, Result, to_text
from mini_slurm.model.states import JobState
from mini_slurm.output.notices import document, text, variables

P, R, C = JobState.PENDING, JobState.RUNNING, JobState.COMPLETING


def job(state: JobState, **more: object) -> Job:
    """A job that was submitted at 100 and, if it has begun, started at 110."""
    ran = state not in (JobState.PENDING, JobState.CONFIGURING)
    given: dict[str, object] = {
        "job_id": 12, "name": "x", "user": "alice", "state": state, "submit_time": 100.0,
        "start_time": 110.0 if ran else None, "end_time": 111.0 if state.is_over else None,
        "node_list": "node1" if ran else None, "script": "digest",
    }  # fmt: skip
    return Job(**(given | more))


def before(state: JobState, restarts: int = 0, reason: str = "None") -> Before:
    return Before(state, reason, restarts)


@pytest.mark.parametrize(
    ("old", "new", "events"),
    [
        (before(P), job(P), []),
        (before(P), job(JobState.CONFIGURING), []),
        (before(JobState.CONFIGURING), job(R), ["BEGIN"]),
        (before(P), job(C), ["BEGIN"]),
        (before(P), job(JobState.COMPLETED), ["BEGIN", "END"]),
        (before(R), job(R), []),
        (before(JobState.SUSPENDED), job(R), []),
        (before(R), job(C), []),
        (before(C), job(JobState.COMPLETED), ["END"]),
        (before(C), job(JobState.CANCELLED), ["END"]),
        (before(C), job(JobState.FAILED), ["FAIL"]),
        (before(C), job(JobState.OUT_OF_MEMORY), ["FAIL"]),
        (before(R), job(JobState.TIMEOUT), ["TIME_LIMIT", "FAIL"]),
        (before(JobState.COMPLETED), job(JobState.COMPLETED), []),
        (before(P), job(JobState.CANCELLED, node_list=None, start_time=None), ["END"]),
        (before(P), job(P, reason=notices.NEVER), ["INVALID_DEPEND"]),
        (before(P, reason=notices.NEVER), job(P, reason=notices.NEVER), []),
        (before(R), job(P, restarts=1), []),
        (before(R), job(R, restarts=1), ["BEGIN"]),
        (before(P, 1), job(R, restarts=1), ["BEGIN"]),
    ],
)
def test_what_changes_is_an_event_once(old: Before, new: Job, events: list[str]) -> None:
    assert changes(old, new) == events


def test_a_job_with_results_is_staged_out_when_it_is_over() -> None:
    for results, events in ((("a.csv",),), ["END", "STAGE_OUT"]), ((), ["END"]):
        stage = to_text(Plan("/x", (), tuple(Result(*one) for one in results)))
        assert changes(before(C), job(JobState.COMPLETED, stage=stage)) == events
    done = job(JobState.COMPLETED)
    assert subject(done, "STAGE_OUT", 115.0) == "Slurm Job_id=12 Name=x StageOut/Teardown time 00:00:04"


def test_a_run_that_was_requeued_has_failed_unless_it_made_room() -> None:
    assert notices.run_events(job(JobState.NODE_FAIL)) == ["FAIL", "REQUEUE"]
    assert notices.run_events(job(JobState.PREEMPTED)) == ["REQUEUE"]
    assert notices.run_events(job(JobState.REQUEUED)) == ["REQUEUE"]


def test_the_next_share_of_a_time_limit_is_known_before_it_is_reached() -> None:
    running = job(R, time_limit=100, suspended_seconds=10.0)
    asked = frozenset({"TIME_LIMIT_50", "TIME_LIMIT_90", "END"})
    assert notices.next_share(running, asked, 130.0) == 170.0
    assert notices.next_share(running, asked, 170.0) == 210.0
    assert notices.next_share(running, asked, 211.0) is None
    assert notices.next_share(running, frozenset({"END"}), 130.0) is None
    assert notices.next_share(job(P, time_limit=100), asked, 130.0) is None
    assert notices.next_share(job(R, time_limit=None), asked, 130.0) is None


def test_shares_of_the_time_limit_are_counted_without_suspensions() -> None:
    running = job(R, time_limit=100, suspended_seconds=10.0)
    assert notices.passed(running, 169.9) == []
    assert notices.passed(running, 170.0) == ["TIME_LIMIT_50"]
    assert notices.passed(running, 210.0) == ["TIME_LIMIT_50", "TIME_LIMIT_80", "TIME_LIMIT_90"]
    assert notices.passed(running, 220.0)[-1] == "TIME_LIMIT"
    assert notices.passed(job(R, time_limit=None), 1e9) == []
    assert notices.passed(job(C, time_limit=100), 1e9) == []


@pytest.mark.parametrize(
    ("about", "event", "line"),
    [
        (job(R), "BEGIN", "Slurm Job_id=12 Name=x Began, Queued time 00:00:10"),
        (
            job(JobState.COMPLETED),
            "END",
            "Slurm Job_id=12 Name=x Ended, Run time 00:00:01, COMPLETED, ExitCode 0",
        ),
        (
            job(JobState.FAILED, exit_code=3, end_time=90110.0),
            "FAIL",
            "Slurm Job_id=12 Name=x Failed, Run time 1-01:00:00, FAILED, ExitCode 3",
        ),
        (job(JobState.FAILED, exit_signal=9), "FAIL", "Slurm Job_id=12 Name=x Failed, Run time 00:00:01, FAILED"),
        (
            job(JobState.CANCELLED, start_time=None),
            "END",
            "Slurm Job_id=12 Name=x Ended, Run time 00:00:00, CANCELLED, ExitCode 0",
        ),
        (job(JobState.NODE_FAIL), "REQUEUE", "Slurm Job_id=12 Name=x Requeued, Run time 00:00:01"),
        (job(P), "INVALID_DEPEND", "Slurm Job_id=12 Name=x Invalid dependency"),
        (job(R), "TIME_LIMIT_80", "Slurm Job_id=12 Name=x Reached 80% of time limit, Run time 00:00:10"),
        (
            job(JobState.COMPLETED, array_job_id=10, array_task_id=3),
            "END",
            "Slurm Array Task Job_id=10_3 (12) Name=x Ended, Run time 00:00:01, COMPLETED, ExitCode 0",
        ),
    ],
)
def test_subjects_are_slurms(about: Job, event: str, line: str) -> None:
    assert subject(about, event, 120.0) == line


@pytest.mark.parametrize(
    ("codes", "requeued", "events", "end"),
    [
        ([0, 0], False, ["END"], "COMPLETED, ExitCode [0-0]"),
        ([0, 0], True, ["REQUEUE", "END"], "COMPLETED, ExitCode [0-0], with requeued tasks"),
        ([0, 256], False, ["FAIL"], "Mixed, ExitCode [0-1]"),
        ([256, 768], False, ["FAIL"], "COMPLETED, ExitCode [1-3]"),
        ([0, 9], False, ["END"], "Mixed, MaxSignal [9]"),
        ([9, 256], False, ["FAIL"], "Mixed, MaxExitCode [1]"),
    ],
)
def test_an_array_is_summed_up(codes: list[int], requeued: bool, events: list[str], end: str) -> None:
    found = Summary(tuple(codes), requeued)
    assert notices.summary_events(found) == events
    task = job(JobState.COMPLETED, array_job_id=10, array_task_id=1)
    line = subject(task, events[-1], 120.0, found, whole=True)
    assert line == f"Slurm Array Summary Job_id=10_* (10) Name=x {notices.TITLES[events[-1]]}, {end}"
    assert subject(task, "BEGIN", 120.0, whole=True) == "Slurm Array Summary Job_id=10_* (10) Name=x Began"


def test_who_wants_to_hear_of_what() -> None:
    assert wishes("{}") is None
    assert wishes('{"mail-type": "NONE", "mail-user": "a@b"}') is None
    found = wishes('{"mail-type": "END,ARRAY_TASKS", "notify": "https://a/b"}')
    assert found is not None
    assert found.mail == {"END", "ARRAY_TASKS"}
    assert found.target_events == notices.ORDINARY
    assert found.events == notices.ORDINARY | {"ARRAY_TASKS"}
    assert wishes('{"notify": "/bin/x", "notify-type": "FAIL"}').events == {"FAIL"}  # type: ignore[union-attr]


@pytest.mark.parametrize("good", ["https://a.example/x?y=z", "http://localhost:80", "https://u:p@[::1]:8/x", "/bin/x"])
def test_targets(good: str) -> None:
    assert notices.is_target(good)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "x",
        "bin/x",
        "/",
        "ftp://a/",
        "https://",
        "https:///x",
        "https://a b/",
        "https://a/\n",
        "https://a#b",
        "/a\n",
    ],
)
def test_what_is_no_target(bad: str) -> None:
    assert not notices.is_target(bad)


def test_a_secret_in_a_url_is_not_shown() -> None:
    assert notices.veiled("https://me:secret@a.example:8/hook/secret?t=secret") == "https://a.example:8/..."
    assert notices.veiled("/bin/program") == "/bin/program"
    for words in (["--notify=https://a/secret"], ["--notify", "https://a/secret"], ["--noti", "https://me:secret@a"]):
        line = command_line("msbatch", ["-n1", *words, "job.sh"])
        assert "secret" not in line
        assert line.endswith("https://a/... job.sh")
    assert command_line("msbatch", ["--notify-type=END", "job.sh"]) == "msbatch --notify-type=END job.sh"


def test_a_document_says_all_of_the_job_and_a_mail_is_text() -> None:
    done = job(JobState.FAILED, exit_code=3, array_job_id=10, array_task_id=3, account=None)
    line = subject(done, "FAIL", 120.0)
    found = json.loads(json.dumps(document(done, "FAIL", line, "lab", 120.0)))
    assert (found["event"], found["cluster"], found["subject"], found["time"]) == ("FAIL", "lab", line, 120.0)
    assert found["job"]["state"] == "FAILED"
    assert found["job"]["exit_code"] == 3
    assert found["job"]["account"] is None
    given = variables(done, "FAIL", "lab")
    assert given["SLURM_JOB_MAIL_TYPE"] == "Failed"
    assert given["SLURM_JOB_EXIT_CODE2"] == "3:0"
    assert given["SLURM_ARRAY_TASK_ID"] == "3"
    assert "SLURM_JOB_ACCOUNT" not in given
    assert "SLURM_JOB_EXIT_CODE" not in variables(done, "BEGIN", "lab")
    assert text(done, line, "lab", str).splitlines()[0] == line
