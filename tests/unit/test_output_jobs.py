"""squeue's columns, order and arrays, against what a real squeue printed for the same queue."""

from __future__ import annotations

import pytest

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.model.step import Step
from mini_slurm.output import job_fields, job_order, step_fields
from mini_slurm.output.job_names import ALIASES, NAMED_FIELDS
from mini_slurm.output.job_order import Order, pick, spread
from mini_slurm.output.layout import Field, View, by_letters, by_names
from mini_slurm.output.values import processor_time, size, waiting_tasks

NOW = 1_000_000.0
VIEW = View(NOW, lambda moment: f"T{moment - NOW:+.0f}", "mini")
UNAVAILABLE = "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions"


def job(number: int, name: str, **values: object) -> Job:
    common = {"partition": "compute", "user": "alice", "time_limit": 3600, "memory_per_cpu": 500, "submit_time": NOW}
    return Job(**{**common, "job_id": number, "name": name, **values})


def running(number: int, name: str, seconds: float, **values: object) -> Job:
    return job(number, name, state=JobState.RUNNING, start_time=NOW - seconds, **values)


QUEUE = [
    running(
        585, "runner", 7.9, script="0" * 64, node="node1", priority=1458, cpus_per_task=2, alloc_cpus=2, time_limit=1800
    ),
    running(586, "two", 7.2, node="node2", priority=1625, alloc_cpus=3),
    running(587, "gpujob", 4, node="node4", priority=1416, partition="gpu", gres="gpu:2", alloc_cpus=1),
    job(588, "heldjob", reason="JobHeldUser", priority=0),
    job(590, "laterjob", reason="BeginTime", priority=1416, begin_time=NOW + 3600),
    job(591, "wantsall", reason="Resources", priority=1916, nodes=4, time_limit=600),
    job(592, "gpuwait", reason=UNAVAILABLE, priority=1416, partition="gpu", time_limit=300),
    job(593, "arr", reason="JobHeldUser", priority=0, array_job_id=593, array_tasks="1-10%2"),
    job(594, "overlimit", reason="PartitionTimeLimit", priority=1416, partition="debug", time_limit=7200),
]


def listing(jobs: list[Job], text: str = job_fields.DEFAULT, order: str = job_order.SORT) -> list[str]:
    layout, unknown = by_letters(text, job_fields.JOB_FIELDS)
    assert not unknown
    shown = list(jobs)
    Order(order).sort(shown, VIEW)
    return [layout.header(), *layout.lines(shown, VIEW)]


def value(one: Job, text: str) -> str:
    layout, _ = by_letters(text, job_fields.JOB_FIELDS)
    return next(iter(layout.lines([one], VIEW)))


def named(one: Job, name: str) -> str:
    layout, unknown = by_names(f"{name}:|", NAMED_FIELDS, ALIASES)
    assert not unknown
    return next(iter(layout.lines([one], VIEW)))[:-1]


def test_the_default_listing_is_slurms() -> None:
    assert listing(QUEUE) == [
        "             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)",
        "               591   compute wantsall    alice PD       0:00      4 (Resources)",
        "               590   compute laterjob    alice PD       0:00      1 (BeginTime)",
        "      593_[1-10%2]   compute      arr    alice PD       0:00      1 (JobHeldUser)",
        "               588   compute  heldjob    alice PD       0:00      1 (JobHeldUser)",
        "               586   compute      two    alice  R       0:07      1 node2",
        "               585   compute   runner    alice  R       0:07      1 node1",
        "               594     debug overlimi    alice PD       0:00      1 (PartitionTimeLimit)",
        f"               592       gpu  gpuwait    alice PD       0:00      1 ({UNAVAILABLE})",
        "               587       gpu   gpujob    alice  R       0:04      1 node4",
    ]


def test_the_long_listing_is_slurms() -> None:
    assert listing(QUEUE[:1], job_fields.LONG) == [
        "             JOBID PARTITION     NAME     USER    STATE       TIME TIME_LIMI  NODES NODELIST(REASON)",
        "               585   compute   runner    alice  RUNNING       0:07     30:00      1 node1",
    ]


def test_the_listing_of_expected_starts_is_slurms() -> None:
    lines = listing([QUEUE[4], QUEUE[3]], job_fields.START, "S,i")
    assert [line[47:] for line in lines] == [
        "ST          START_TIME  NODES SCHEDNODES           NODELIST(REASON)",
        "PD              T+3600      1 (null)               (BeginTime)",
        "PD                 N/A      1 (null)               (JobHeldUser)",
    ]


def steps(of: Job, known: list[Step], text: str = step_fields.DEFAULT) -> list[str]:
    layout, unknown = by_letters(text, step_fields.STEP_FIELDS)
    assert not unknown
    found = step_fields.lines([of], known)
    step_fields.sort(found, step_fields.SORT, NOW)
    return [layout.header(), *layout.lines(found, VIEW)]


def test_sruns_steps_stand_before_the_batch_step() -> None:
    known = [Step(job_id=585, attempt=0, number=0, name="sleep", start_time=NOW - 3, node_list="node2", ntasks=2)]
    assert steps(QUEUE[0], known, "%i %j %M %N %A")[1:] == ["585.0 sleep 0:03 node2 2", "585.batch batch 0:07 node1 1"]


def test_steps_that_are_not_sorted_have_the_batch_step_first() -> None:
    known = [Step(job_id=585, attempt=0, number=0, name="sleep", start_time=NOW - 3)]
    assert [line.name for line in step_fields.lines([QUEUE[0]], known)] == ["batch", "0"]


def test_the_header_of_a_steps_start_stands_to_the_left() -> None:
    assert steps(QUEUE[0], [], "%.12S|")[0] == "START_TIME  |"


def test_a_step_without_a_limit_of_its_own_has_none() -> None:
    known = [Step(job_id=585, attempt=0, number=0, name="sleep", start_time=NOW - 3, time_limit=3000)]
    assert steps(QUEUE[0], known, "%l")[1:] == ["50:00", "UNLIMITED"]


def test_the_batch_step_is_listed_as_slurm_does() -> None:
    assert steps(QUEUE[0], []) == [
        "         STEPID     NAME PARTITION     USER      TIME NODELIST",
        "      585.batch    batch   compute    alice      0:07 node1",
    ]


@pytest.mark.parametrize(
    ("order", "numbers"),
    [
        ("i", [585, 586, 587, 588, 590, 591, 592, 593, 594]),
        ("-i", [594, 593, 592, 591, 590, 588, 587, 586, 585]),
        ("j", [593, 587, 592, 588, 590, 594, 585, 586, 591]),
        ("-P,i", [587, 592, 594, 585, 586, 588, 590, 591, 593]),
        ("M,-i", [594, 593, 592, 591, 590, 588, 587, 586, 585]),
    ],
)
def test_jobs_are_sorted_by_letters(order: str, numbers: list[int]) -> None:
    shown = list(QUEUE)
    Order(order).sort(shown, VIEW)
    assert [one.job_id for one in shown] == numbers


def ordered(jobs: list[Job], order: str) -> list[int]:
    Order(order).sort(jobs, VIEW)
    return [one.job_id for one in jobs]


def test_any_number_of_sockets_comes_after_all_numbers() -> None:
    jobs = [
        job(1, "any"),
        job(2, "two", extra='{"sockets-per-node": "2"}'),
        job(3, "ten", extra='{"sockets-per-node": "10"}'),
    ]
    assert ordered(list(jobs), "H,i") == ordered(list(jobs), "z,i") == [2, 3, 1]


def test_moments_are_compared_by_the_second() -> None:
    jobs = [running(1, "a", 7.4, submit_time=NOW - 7.4), running(2, "b", 7.2, submit_time=NOW - 7.2)]
    for letter in "MLSVe":
        assert ordered(list(jobs), f"{letter},-i") == [2, 1], letter


def test_an_unknown_sort_letter_is_refused() -> None:
    with pytest.raises(ValueError, match="%"):
        Order("%j")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("%i|%A|%F|%K", "593_[1-10%2]|593|593|1-10%2"),
        ("%b|%C|%m|%l|%L", "N/A|1|500M|1:00:00|1:00:00"),
        ("%S|%e|%R|%N", "N/A|N/A|(JobHeldUser)|"),
        ("%a|%q|%k|%o|%v|%w", "(null)|(null)|(null)|(null)|(null)|(null)"),
    ],
)
def test_an_array_record_shows_what_waits(text: str, shown: str) -> None:
    assert value(QUEUE[7], text) == shown


def test_a_number_with_many_tasks_ends_after_31_letters() -> None:
    one = job(339, "arr", array_job_id=339, array_tasks="1,3,5,8,13,21,34,55,89,144%3")
    assert value(one, "%i|%50i|") == f"{'339_[1,3,5,8,13,21,34,55,89,144'}|{'339_[1,3,5,8,13,21,34,55,89,144':50}|"
    whole = View(NOW, str)
    whole.whole_ids = True
    assert job_fields.job_id(one, whole) == "339_[1,3,5,8,13,21,34,55,89,144%3]"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("%k|", "(null)|"),
        ("%5k|", "     |"),
        ("%6k|", "(null)|"),
        ("%.3k|", "(nu|"),
        ("%3Y|", "   |"),
        ("%.3Y|", "(null)|"),
    ],
)
def test_what_is_absent_needs_room_to_be_said(text: str, shown: str) -> None:
    assert value(QUEUE[3], text) == shown


def test_reasons_are_cut_and_nodes_are_not() -> None:
    assert value(QUEUE[3], "%.4R|") == "(Job|"
    assert value(running(1, "two", 5, node_list="node[2-3]"), "%.4R|%4R|") == "node[2-3]|node|"


def test_nodes_that_were_named_stand_in_order() -> None:
    one = job(1, "one", required_nodes="node2,node1", excluded_nodes="node4,node3,node10")
    assert value(one, "%n|%x") == "node[1-2]|node[3-4,10]"


def test_an_allocation_without_a_script_is_on_the_host_it_was_asked_for() -> None:
    one = running(1, "alloc", 5, node="node3", submit_host="login", work_dir="/home/alice")
    assert value(one, "%B") == "login"
    assert [named(one, name) for name in ("stderr", "stdin", "stdout")] == ["N/A", "(null)", "/home/alice/slurm-1.out"]


def test_files_are_seen_from_the_jobs_folder() -> None:
    one = job(1, "one", script="0" * 64, work_dir="/home/alice", std_out="out.%j", std_err="/tmp/err.%j", std_in="in")
    shown = [named(one, name) for name in ("stderr", "stdin", "stdout")]
    assert shown == ["/tmp/err.%j", "/home/alice/in", "/home/alice/out.%j"]


def test_a_job_that_was_cancelled_before_it_started_has_started_when_it_ended() -> None:
    one = job(1, "one", state=JobState.CANCELLED, end_time=NOW)
    assert value(one, "%S|%e|%M") == "T+0|T+0|0:00"


def test_tasks_that_an_array_keeps_back_are_not_eligible() -> None:
    one = job(1, "arr", array_job_id=1, array_tasks="3-5%2", reason="JobArrayTaskLimit")
    assert [named(one, name) for name in ("eligibletime", "accruetime")] == ["N/A", "T+0"]


def test_what_started_at_once_has_not_grown_older() -> None:
    one = running(1, "alloc", 0, alloc_cpus=1)
    assert [named(one, name) for name in ("eligibletime", "accruetime")] == ["T+0", "N/A"]


def test_blanks_may_stand_before_a_width() -> None:
    assert by_names("jobid: 8|", NAMED_FIELDS)[0].header() == "JOBID   |"


def test_a_running_jobs_values() -> None:
    assert value(QUEUE[0], "%c %C %L %S %e %B %T") == "2 2 29:53 T-8 T+1792 node1 RUNNING"


def test_a_job_over_its_limit_has_an_invalid_time_left() -> None:
    assert value(running(1, "late", 4000, node="n"), "%L") == "INVALID"


def test_a_job_without_a_limit_is_unlimited() -> None:
    assert value(job(1, "free", time_limit=None), "%l %L %e") == "UNLIMITED UNLIMITED N/A"


def test_an_ended_job_keeps_its_run_time() -> None:
    over = job(1, "x", state=JobState.FAILED, start_time=NOW - 100, end_time=NOW - 90, reason="NonZeroExitCode")
    assert value(over, "%M %R %t") == "0:10 (NonZeroExitCode) F"


def test_a_command_is_shown_with_its_arguments() -> None:
    assert value(job(1, "x", command="/a b.sh", arguments='["1", "two"]'), "%o") == "/a b.sh 1 two"


def test_tasks_are_picked_from_arrays() -> None:
    task = running(595, "arr", 3, array_job_id=593, array_task_id=12, node="node1")
    jobs = [*QUEUE, task]

    def picked(wanted: dict[int, frozenset[int] | None]) -> list[str]:
        return [value(one, "%i") for one in pick(jobs, wanted)]

    assert picked({593: None}) == ["593_[1-10%2]", "593_12"]
    assert picked({593: frozenset({3, 12, 99})}) == ["593_3", "593_12"]
    assert picked({593: frozenset({99})}) == []
    assert picked({595: None, 585: None}) == ["585", "593_12"]
    assert picked({593: frozenset({3, 4})}) == ["593_[3-4]"]
    assert len([*spread(pick(jobs, {593: None}))]) == 11


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("JobID", "593"),
        ("ArrayTaskID", "1-10%2"),
        ("Cluster", "mini"),
        ("EligibleTime", "N/A"),
        ("NumTasks", "1"),
        ("tres-per-job", "N/A"),
        ("stdout", "//slurm-593.out"),
        ("het_job", ""),
    ],
)
def test_columns_by_name(name: str, shown: str) -> None:
    if name == "het_job":
        assert by_names(name, NAMED_FIELDS)[1] == [name]
    else:
        assert named(QUEUE[7], name) == shown


def test_each_name_and_each_letter_is_there_once() -> None:
    names = [field.name.lower() for field in NAMED_FIELDS]
    letters = [field.letter for field in NAMED_FIELDS if field.letter]
    assert len(names) == len({*names})
    assert len(letters) == len({*letters})


def test_the_columns_that_fields_name_exist() -> None:
    known = {*Job.__annotations__}
    for field in (*NAMED_FIELDS, *step_fields.STEP_FIELDS):
        assert {*field.columns.split()} <= known, field.name


class Strict:
    """A job of which only some columns may be read."""

    def __init__(self, columns: str) -> None:
        self._columns = {*columns.split(), "state"}

    def __getattr__(self, column: str) -> object:
        assert column in {*self._columns, "is_batch" if "script" in self._columns else "", "planned"}
        return getattr(QUEUE[0], column)


@pytest.mark.parametrize("field", NAMED_FIELDS, ids=lambda field: field.name or field.letter)
def test_a_field_reads_no_column_that_it_does_not_name(field: Field) -> None:
    assert isinstance(field.value(Strict(field.columns), VIEW), str)


@pytest.mark.parametrize("field", step_fields.STEP_FIELDS, ids=lambda field: field.name)
def test_a_steps_field_reads_no_column_that_it_does_not_name(field: Field) -> None:
    step = Step(job_id=585, attempt=0, number=0)
    for line in (step_fields.Line(Strict(field.columns), step), step_fields.Line(Strict(field.columns), None)):  # type: ignore[arg-type]
        assert isinstance(field.value(line, VIEW), str)


@pytest.mark.parametrize(
    ("tasks", "limit", "shown"),
    [
        ("1-10%2", 64, "1-10%2"),
        ("1-10%2", 0, "1-10%2"),
        ("1-10%2", 7, "1-10%2"),
        ("1-10%2", 6, "1-...%2"),
        ("1-10%2", 5, "1...%2"),
        ("1-10%2", 3, "..%2"),
        ("0,2,4,6,8,10,12", 64, "0-12:2"),
        ("0,2,4,6,8,10,12%3", 10, "0-12:2%3"),
        ("0,2,4,6,8,10", 64, "0,2,4,6,8,10"),
        ("0,2,4,6,8,11,13", 64, "0,2,4,6,8,11,13"),
        ("0,2,4,6,8,10-12", 64, "0,2,4,6,8,10-12"),
    ],
)
def test_the_tasks_that_wait_are_written_in_short(tasks: str, limit: int, shown: str) -> None:
    assert waiting_tasks(tasks, limit) == shown


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ((8000,), "8000M"),
        ((8192,), "8G"),
        ((0,), "0"),
        ((1048576,), "1T"),
        ((107376, "K"), "107376K"),
        ((107376, "K", "M"), "104.86M"),
        ((2048, "M", "G"), "2G"),
        ((1024, "M", "", False), "1024M"),
    ],
)
def test_sizes_are_written_in_the_largest_whole_unit(arguments: tuple[int], shown: str) -> None:
    assert size(*arguments) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "00:00:00"), (0.014, "00:00.014"), (61.5, "01:01.500"), (3600.5, "01:00:00"), (2, "00:00:02")],
)
def test_processor_time_has_fractions_below_an_hour(seconds: float, shown: str) -> None:
    assert processor_time(seconds) == shown


def test_cpus_that_were_asked_for_later_count_instead_of_those_of_the_tasks() -> None:
    layout, _ = by_letters("%C", job_fields.JOB_FIELDS)
    job = Job(job_id=1, state=JobState.PENDING, ntasks=3, min_cpus=1)
    assert list(layout.lines([job], VIEW)) == ["1"]


@pytest.mark.parametrize(("keys", "numbers"), [("N,i", [2, 1, 4, 3]), ("-N,i", [3, 4, 1, 2]), ("N,-i", [2, 1, 3, 4])])
def test_jobs_that_are_nowhere_come_after_all_machines(keys: str, numbers: list[int]) -> None:
    jobs = [
        Job(job_id=1, state=JobState.RUNNING, node="node10", start_time=1.0),
        Job(job_id=2, state=JobState.RUNNING, node="node2", start_time=1.0),
        *(Job(job_id=number, state=JobState.PENDING) for number in (3, 4)),
    ]
    Order(keys).sort(jobs, VIEW)
    assert [job.job_id for job in jobs] == numbers


def test_of_an_array_alone_the_newest_tasks_that_run_come_first() -> None:
    """As Slurm packs the records of one array; among all jobs they stand in the order of their making."""

    def found(*, alone: bool) -> list[int | None]:
        head = Job(job_id=9, array_job_id=9, array_tasks="4-6", state=JobState.PENDING)
        tasks = [
            Job(job_id=9 + n, array_job_id=9, array_task_id=n, state=JobState.RUNNING, start_time=100.0, node="node1")
            for n in (1, 2, 3)
        ]
        jobs = [head, *tasks]
        Order(job_order.SORT).sort(jobs, VIEW, alone=alone)
        return [one.array_task_id for one in jobs]

    assert found(alone=False) == [None, 1, 2, 3]
    assert found(alone=True) == [None, 3, 2, 1]


def test_what_is_said_of_gpus_in_general_names_them_once() -> None:
    bound = Job(job_id=1, extra='{"gpu-bind": "closest"}')
    columns, unknown = by_names("tres-bind:20,tres-freq:20", NAMED_FIELDS)
    assert not unknown
    assert [*columns.lines([bound], VIEW)] == ["gpu:closest         N/A                 "]


@pytest.mark.parametrize(("outcome", "shown"), [("REQUEUED", "0:00 1:00:00"), ("CANCELLED", "1:00 59:00")])
def test_a_run_that_is_ended_to_wait_again_has_used_no_time(outcome: str, shown: str) -> None:
    one = job(1, "x", state=JobState.COMPLETING, outcome=outcome, start_time=NOW - 60)
    assert value(one, "%M %L") == shown
