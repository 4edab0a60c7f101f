"""sacct's lines and columns, against what a real sacct printed for the same jobs."""

from __future__ import annotations

import json

import pytest

from mini_slurm.cli.account_request import Span, lines
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.model.step import Step
from mini_slurm.options.listings import Chosen
from mini_slurm.output import accounting_document
from mini_slurm.output import accounting_fields as fields
from mini_slurm.output.accounting_lines import Line, batch_step, settled
from mini_slurm.output.layout import View, by_prefixes
from tests.conformance.cases import load

NOW = 1_000_000.0
FIELDS = fields.ACCOUNTING_FIELDS
VIEW = View(NOW, lambda moment: f"T{moment - NOW:+.0f}", "mini")


def job(name: str, state: JobState = JobState.COMPLETED, **values: object) -> Job:
    common: dict[str, object] = {
        "job_id": 149, "name": name, "partition": "compute", "account": "science", "state": state, "alloc_cpus": 1,
        "alloc_memory": 500, "memory_per_cpu": 500, "node": "node3", "submit_time": NOW - 20, "time_limit": 3600,
        "eligible_time": NOW - 20, "start_time": NOW - 19, "end_time": NOW - 18 if state.is_over else None,
        "uid": 1001, "user": "alice",
    }  # fmt: skip
    return Job(**{**common, **values})


def batch(one: Job) -> Line:
    return Line(one, batch_step(one))


def show(one: Job, text: str = fields.DEFAULT) -> list[str]:
    table, unknown = by_prefixes(text, fields.ACCOUNTING_FIELDS)
    assert unknown is None
    lines = [Line(one)]
    if lines[0].started is not None:
        lines.append(batch(one))
    return [*table.joined(lines, VIEW, "|", False)]


def test_the_default_table_is_slurms() -> None:
    table, _ = by_prefixes(fields.DEFAULT, fields.ACCOUNTING_FIELDS)
    lines = [Line(job("ok")), batch(job("ok"))]
    assert [*table.header(), *table.lines(lines, VIEW)] == [
        "JobID           JobName  Partition    Account  AllocCPUS      State ExitCode ",
        "------------ ---------- ---------- ---------- ---------- ---------- -------- ",
        "149                  ok    compute    science          1  COMPLETED      0:0 ",
        "149.batch         batch               science          1  COMPLETED      0:0 ",
    ]


ENDING = job("y", JobState.COMPLETING, outcome="CANCELLED", cancelled_by=7)
CANCELLED = job("x", JobState.CANCELLED, cancelled_by=1001, exit_signal=15)


@pytest.mark.parametrize(
    ("one", "lines"),
    [
        (job("bad", JobState.FAILED, exit_code=3), ["FAILED|3:0", "FAILED|3:0"]),
        (job("sig", JobState.FAILED, exit_signal=9), ["FAILED|0:9", "CANCELLED|0:9"]),
        (CANCELLED, ["CANCELLED by 1001|0:0", "CANCELLED|0:15"]),
        (job("trap", JobState.CANCELLED, cancelled_by=1001), ["CANCELLED by 1001|0:0", "COMPLETED|0:0"]),
        (job("late", JobState.TIMEOUT, exit_signal=15), ["TIMEOUT|0:0", "CANCELLED|0:15"]),
        (job("gave way", JobState.PREEMPTED, exit_signal=15), ["PREEMPTED|0:0", "CANCELLED|0:15"]),
        (job("nofile", JobState.FAILED, exit_signal=53), ["FAILED|0:53", "CANCELLED|0:53"]),
        (job("runs", JobState.RUNNING), ["RUNNING|0:0", "RUNNING|0:0"]),
        (job("ends", JobState.COMPLETING, outcome="FAILED", exit_code=2), ["FAILED|2:0", "FAILED|2:0"]),
        (ENDING, ["CANCELLED by 7|0:0", "CANCELLED|0:0"]),
        (job("lost", JobState.NODE_FAIL), ["NODE_FAIL|0:0", "CANCELLED|"]),
    ],
)
def test_states_and_exit_codes_of_job_and_step(one: Job, lines: list[str]) -> None:
    assert show(one, "state,exitcode") == lines


def test_a_waiting_array_has_one_line() -> None:
    waiting = job(
        "pending", JobState.PENDING, job_id=160, array_job_id=160, array_tasks="1-4%2", reason="JobHeldUser",
        start_time=None, alloc_cpus=0,
    )  # fmt: skip
    assert show(waiting, "jobid,state,alloccpus,start,end,eligible,nodelist,elapsed,alloctres") == [
        "160_[1-4%2]|PENDING|1|Unknown|Unknown|Unknown|None assigned|00:00:00|"
    ]


def test_an_array_task_shows_both_numbers() -> None:
    task = job("arr", job_id=157, array_job_id=152, array_task_id=1)
    assert show(task, "jobid,jobidraw") == ["152_1|157", "152_1.batch|157.batch"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("elapsed", ["00:00:01", "00:00:01"]),
        ("cputimeraw", ["2", "2"]),
        ("submit", ["T-20", "T-19"]),
        ("end", ["T-18", "T-18"]),
        ("reqmem", ["1000M", ""]),
        ("maxrss", ["", "200000K"]),
        ("timelimit", ["01:00:00", ""]),
        ("timelimitraw", ["60", ""]),
        ("user", ["alice", ""]),
        ("reserved", ["00:00:01", ""]),
        ("alloctres", ["billing=2,cpu=2,gres/gpu=1,mem=1000M,node=1", "cpu=2,gres/gpu=1,mem=1000M,node=1"]),
        ("totalcpu", ["00:00.021", "00:00.021"]),
        ("cluster", ["mini", "mini"]),
        ("derivedexitcode", ["0:0", ""]),
    ],
)
def test_values_of_job_and_step(name: str, values: list[str]) -> None:
    one = job("ok", cpus_per_task=2, alloc_cpus=2, alloc_memory=1000, alloc_gpus="1", max_rss=200000,
              user_seconds=0.007, system_seconds=0.014)  # fmt: skip
    assert show(one, name) == values


def test_sizes_follow_the_unit_that_is_asked_for() -> None:
    table, _ = by_prefixes("maxrss", fields.ACCOUNTING_FIELDS)
    view = View(NOW, str, unit="M")
    assert [*table.joined([batch(job("x", max_rss=107376))], view, "|", False)] == ["104.86M"]


def test_a_line_can_be_cut_to_a_span_of_time() -> None:
    line = Line(job("x", start_time=NOW - 100, end_time=NOW - 10))
    line.cut(NOW - 50, NOW - 20)
    assert line.elapsed(NOW) == 30


def test_the_long_format_names_known_columns() -> None:
    assert by_prefixes(fields.LONG, fields.ACCOUNTING_FIELDS)[1] is None


def test_the_columns_that_fields_name_exist() -> None:
    known = {*Job.__annotations__}
    named = {column for field in fields.ACCOUNTING_FIELDS for column in field.columns.split()}
    assert named | {*fields.ALWAYS.split()} <= known


@pytest.mark.parametrize("field", fields.ACCOUNTING_FIELDS, ids=lambda field: field.name)
def test_a_field_reads_no_column_that_it_does_not_name(field: fields.Field) -> None:
    named = {*field.columns.split(), *fields.ALWAYS.split()}
    whole = job("x", JobState.RUNNING)

    class Strict:
        def __getattr__(self, column: str) -> object:
            assert column in named
            return getattr(whole, column)

    for step in (None, batch_step(whole), Step(job_id=149, attempt=0, number=0)):
        assert isinstance(field.value(Line(Strict(), step), VIEW), str)  # type: ignore[arg-type]


def test_sruns_steps_have_values_of_their_own() -> None:
    first = Step(
        job_id=149, attempt=0, number=0, name="echo", state=JobState.FAILED, start_time=NOW - 19, end_time=NOW - 18,
        exit_code=130, node_list="node[3-4]", nodes=2, ntasks=4, cpus=4, memory=2000, submit_line="srun -n4 echo hi",
        user_seconds=0.002,
    )  # fmt: skip
    one = job("ok", user_seconds=0.001)
    table, _ = by_prefixes("jobid,jobname,state,exitcode,ntasks,nodelist,alloctres,submitline,layout", FIELDS)
    assert [*table.joined([Line(one, first)], VIEW, "|", False)] == [
        "149.0|echo|FAILED|2:0|4|node[3-4]|cpu=4,mem=2000M,node=2|srun -n4 echo hi|Cyclic"
    ]
    table, _ = by_prefixes("usercpu,derivedexitcode", FIELDS)
    assert [*table.joined([Line(one, steps=[first])], VIEW, "|", False)] == ["00:00.003|130:0"]
    for state in (JobState.RUNNING, JobState.PREEMPTED):
        other = job("other", state)
        assert [*table.joined([Line(other, steps=[first])], VIEW, "|", False)] == ["00:00.002|0:0"]


@pytest.mark.parametrize(
    ("state", "ended", "ends", "shown"),
    [
        (JobState.CANCELLED, -18, {"exit_signal": 15}, "0:0"),  # by what ended its job
        (JobState.REQUEUED, -18, {"exit_code": 7}, "0:0"),
        (JobState.CANCELLED, -30, {"exit_code": 1}, "1:0"),  # by itself, earlier
        (JobState.FAILED, -17, {"exit_signal": 9}, "0:0"),  # in the background, when the script had ended
        (JobState.FAILED, -18, {"exit_signal": 15}, "0:15"),
    ],
)
def test_a_step_that_is_ended_with_its_job_is_not_its_worst(
    state: JobState, ended: int, ends: dict[str, int], shown: str
) -> None:
    step = Step(job_id=149, attempt=0, number=0, start_time=NOW - 40, end_time=NOW + ended, **ends)
    table, _ = by_prefixes("derivedexitcode", FIELDS)
    assert [*table.joined([Line(job("x", state), steps=[step])], VIEW, "|", False)] == [shown]


def test_a_step_that_ends_with_its_signalled_script_is_not_its_worst() -> None:
    step = Step(job_id=149, attempt=0, number=0, start_time=NOW - 40, end_time=NOW - 18, exit_signal=15)
    table, _ = by_prefixes("derivedexitcode", FIELDS)
    one = job("x", JobState.FAILED, exit_signal=15)
    assert [*table.joined([Line(one, steps=[step])], VIEW, "|", False)] == ["0:0"]


def test_the_parts_of_a_heterogeneous_job_are_started_by_backfill() -> None:
    assert show(job("het", het_job_id=149), "flags")[0] == "SchedBackfill,StartRecieved"


def test_a_step_that_nothing_was_heard_of_ends_with_its_job() -> None:
    lost = Step(job_id=149, attempt=0, number=0, start_time=NOW - 19)
    ended = settled(lost, job("x", JobState.NODE_FAIL))
    assert (ended.state, ended.end_time) == (JobState.NODE_FAIL, NOW - 18)
    assert settled(lost, job("x", JobState.RUNNING)) is lost


def test_the_batch_step_has_its_machines_share() -> None:
    wide = job("two", node="node1", node_list="node[1-2]", alloc_cpus=4, alloc_memory=2000,
               allocation='{"node1":[3,1500,"",3],"node2":[1,500,"",1]}')  # fmt: skip
    assert show(wide, "alloccpus,nnodes,nodelist") == ["4|2|node[1-2]", "3|1|node1"]


def test_a_step_has_its_own_values_and_its_jobs_account() -> None:
    row = Step(
        job_id=149, attempt=1, number=0, name="echo", state=JobState.CANCELLED, cancelled_by=1001, exit_signal=9,
        start_time=NOW - 15, end_time=NOW - 10, nodes=2, node_list="node[1-2]", ntasks=3, cpus=4, memory=2000,
        max_rss=900, max_rss_node="node2", max_rss_task=2, mean_rss=700, distribution="Block",
    )  # fmt: skip
    text = "jobid,jobname,account,alloccpus,state,exitcode,elapsed,nnodes,nodelist,ntasks,layout,alloctres"
    table, _ = by_prefixes(f"{text},maxrss,maxrssnode,maxrsstask,averss", FIELDS)
    assert [*table.joined([Line(job("ok"), row)], VIEW, "|", False)] == [
        "149.0|echo|science|4|CANCELLED by 1001|0:9|00:00:05|2|node[1-2]|3|Block|cpu=4,mem=2000M,node=2"
        "|900K|node2|2|700K"
    ]


def test_little_memory_of_a_step_that_was_over_at_once_is_not_shown_as_slurm_has_no_sample_of_it() -> None:
    names = "maxrss,maxrssnode,maxrsstask,averss"
    assert show(job("ok", max_rss=11020), names)[1] == "|||"
    assert show(job("ok", max_rss=11020, end_time=NOW - 10), names)[1] == "11020K|node3|0|11020K"
    assert show(job("ok", max_rss=0, end_time=NOW - 10), names)[1] == "|||"


def test_the_reason_is_why_a_job_waited_last_whatever_came_of_it() -> None:
    assert show(job("bad", JobState.FAILED, reason="NonZeroExitCode", exit_code=3), "reason") == ["None", ""]
    assert show(job("late", reason="None", wait_reason="Dependency"), "reason") == ["Dependency", ""]
    held = job("held", JobState.PENDING, start_time=None, reason="Priority", wait_reason="JobHeldUser")
    assert show(held, "reason") == ["JobHeldUser"]
    assert show(job("next", JobState.PENDING, start_time=None, reason="Resources"), "reason") == ["None"]


def test_what_was_cancelled_before_it_could_start_has_no_start_unless_it_was_held() -> None:
    names = "start,end,reserved"
    never = job("late", JobState.CANCELLED, start_time=None, end_time=NOW - 5)
    assert show(never, names) == ["None|T-5|INVALID"]
    held = job("held", JobState.CANCELLED, start_time=None, end_time=NOW - 5, reason="JobHeldUser")
    assert show(held, names) == ["T-5|T-5|00:00:00"]


def test_the_submit_line_is_a_jobs_and_a_srun_steps() -> None:
    assert show(job("ok", submit_line="sbatch -J ok job.sh"), "submitline") == ["sbatch -J ok job.sh", ""]


def recorded_document() -> dict[str, object]:
    """A job of a real `sacct --json`, as case sacct-246 printed it: a script that ended with 3."""
    case = next(case for case in load() if case["id"] == "sacct-246")
    return dict(json.loads(case["stdout"].partition("\n")[2]))


def test_a_job_in_json_has_slurms_keys_and_values() -> None:
    recorded = recorded_document()
    one = job("bad", JobState.FAILED, job_id=150, exit_code=3, group_name="alice", qos="normal", priority=2166,
              work_dir="/home/alice/work", user_seconds=0.000172, system_seconds=0.001362)  # fmt: skip
    view = View(NOW, str, "mini")
    found = json.loads(json.dumps(accounting_document.record(Line(one), [batch(one)], view)))
    for part in (found, recorded, found["steps"][0], recorded["steps"][0]):
        for moment in ("elapsed", "eligible", "end", "start", "submission"):
            part["time"].pop(moment, None)
    assert found == recorded


def test_a_job_in_json_that_was_cancelled_by_its_user_or_waits() -> None:
    view = View(NOW, str, "mini")
    found = accounting_document.record(Line(CANCELLED), [batch(CANCELLED)], view)
    assert found["kill_request_user"] == "1001"
    assert found["steps"][0]["exit_code"] == {
        "status": "SIGNALED", "return_code": None, "signal": {"signal_id": 15, "name": "Terminated"}}  # fmt: skip
    array = job("arr", JobState.PENDING, start_time=None, array_job_id=149, array_tasks="1-4%2", reason="JobHeldUser")
    found = accounting_document.record(Line(array), [], view)
    assert found["array"] == {
        "job_id": 149, "limits": {"max": {"running": {"tasks": 2}}}, "task": "0x1E", "task_id": None}  # fmt: skip
    assert (found["nodes"], found["tres"]["allocated"], found["exit_code"]["status"]) == (
        "None assigned",
        [],
        "SUCCESS",
    )


def test_a_job_in_json_with_steps_of_srun_has_used_no_energy() -> None:
    view = View(NOW, str, "mini")
    one = job("ok", extra='{"wckey": "k"}', memory_per_cpu=500, het_job_id=149, het_offset=0)
    step = Step(job_id=149, attempt=0, number=0, name="echo", start_time=NOW - 3, node_list="node3", cpus=1)
    found = accounting_document.record(Line(one, steps=[step]), [Line(one, step)], view)
    assert "energy" not in [one["type"] for one in found["tres"]["allocated"]]
    assert found["steps"][0]["CPU"]["requested_frequency"] == {"min": None, "max": None}
    assert found["steps"][0]["exit_code"]["status"] == "SIGNALED"  # it runs
    assert found["required"]["memory"] == 500
    assert (found["het"], found["wckey"]["wckey"]) == ({"job_id": 149, "job_offset": 0}, "k")


def test_the_run_of_a_job_that_was_requeued_has_no_exit_code() -> None:
    assert show(job("again", JobState.REQUEUED, exit_signal=15), "exitcode,wckey")[0] == "0:0|"


def test_only_the_word_of_a_reason_is_told() -> None:
    away = job("away", JobState.PENDING, start_time=None, wait_reason="ReqNodeNotAvail, UnavailableNodes:node3")
    kept = job("kept", JobState.PENDING, start_time=None, wait_reason="job requeued in held state")
    special = job("special", JobState.PENDING, start_time=None, wait_reason="job requeued in special exit state")
    assert [show(one, "reason") for one in (away, kept, special)] == [
        ["ReqNodeNotAvail"],
        ["JobHeldUser"],
        ["JobHeldUser"],
    ]


@pytest.mark.parametrize(("seconds", "reason"), [(1.0, "None"), (3.0, "JobHeldUser")])
def test_why_a_job_waited_that_was_cancelled(seconds: float, reason: str) -> None:
    times = {"submit_time": NOW - seconds, "start_time": None, "end_time": NOW}
    assert show(job("held", JobState.CANCELLED, wait_reason="JobHeldUser", **times), "reason") == [reason]


def test_a_job_that_waits_is_the_last_moment_of_the_span_it_is_cut_to() -> None:
    line = Line(job("waits", JobState.PENDING, start_time=None, end_time=None))
    line.cut(NOW - 60, NOW)
    assert (line.started, line.ended) == (NOW, NOW)


def test_an_allocation_was_started_when_it_was_asked_for() -> None:
    assert show(job("alloc", script=""), "flags")[0] == "SchedSubmit,StartRecieved"


def test_what_was_submitted_in_a_row_stands_together_with_arrays_last() -> None:
    chosen = Chosen([])
    span = Span("sacct", chosen, NOW)

    def order(*moments: float) -> list[int]:
        array = job("arr", job_id=1, array_job_id=1, array_task_id=1, submit_time=moments[0])
        others = [job("x", job_id=number, submit_time=moment) for number, moment in enumerate(moments[1:], start=2)]
        return [line.job.job_id for line in lines([array, *others], [], chosen, None, span) if not line.step]

    assert order(NOW - 20.1, NOW - 19.9, NOW - 19.5) == [2, 3, 1]
    assert order(NOW - 20.1, NOW - 19.9, NOW - 19.0) == [2, 3, 1]
    assert order(NOW - 20.1, NOW - 19.9, NOW - 18.9) == [2, 1, 3]
    assert order(NOW - 20.1, NOW - 18.9) == [1, 2]


def test_an_earlier_run_stands_before_what_was_cancelled_before_it_ran_again() -> None:
    first = job("run", JobState.REQUEUED, job_id=7, attempt=1)
    again = job("run", JobState.CANCELLED, job_id=7, attempt=1, start_time=None)
    chosen = Chosen([])
    found = lines([again, first], [], chosen, None, Span("sacct", chosen, NOW))
    assert [line.state.name for line in found if not line.step] == ["REQUEUED", "CANCELLED"]


def test_spans_of_time_stand_out_of_narrow_columns_and_moments_are_cut_without_a_sign() -> None:
    table, _ = by_prefixes("elapsed%5,cputime%5,suspended%5,start%5,account%5,totalcpu%5", FIELDS)
    one = job("ok", end_time=NOW - 10, user_seconds=90.0)
    view = View(NOW, lambda moment: "2026-11-22T04:55:09", "mini")
    assert [*table.lines([Line(one)], view)] == ["00:00:09 00:00:09 00:00:00 2026- scie+ 00:0+ "]


def test_a_qos_has_its_number() -> None:
    view = View(NOW, str, "mini")
    view.qualities = {"normal": 1, "high": 2}
    table, _ = by_prefixes("qosraw", FIELDS)
    assert [*table.joined([Line(job("ok", qos="high")), batch(job("ok", qos="high"))], view, "|", False)] == ["2", ""]


def test_the_clock_of_a_suspended_job_and_its_steps_stands_still() -> None:
    one = job("run", JobState.SUSPENDED, start_time=NOW - 100, suspend_time=NOW - 30, suspended_seconds=20.0)
    step = settled(Step(job_id=1, attempt=1, number=0, start_time=NOW - 90, suspended_seconds=20.0), one)
    table, _ = by_prefixes("state,elapsed,suspended", FIELDS)
    shown = [*table.joined([Line(one), batch(one), Line(one, step)], View(NOW, str, "mini"), "|", False)]
    assert shown == ["SUSPENDED|00:00:50|00:00:50"] * 2 + ["SUSPENDED|00:00:40|00:00:50"]
