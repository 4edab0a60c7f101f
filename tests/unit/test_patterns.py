"""model/patterns.py: names of output files, as recorded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.job import Job
from mini_slurm.model.patterns import error_path, file_name, input_path, output_path

JOB = Job(job_id=324, name="nam", user="alice", node="node1.lab", work_dir="/home/alice/work")
TASK = Job(job_id=345, array_job_id=344, array_task_id=8, name="nam", user="alice", node="node1", work_dir="/w")


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("%j.out", "324.out"),
        ("%J.out", "324.out"),
        ("%A_%a", "324_4294967294"),
        ("%x.out", "nam.out"),
        ("%u.out", "alice.out"),
        ("%n-%t", "0-0"),
        ("%N", "node1"),
        ("%s.out", "batch.out"),
        ("%5j.out", "00324.out"),
        ("%99j", "0000000324"),
        ("%10x.out", "nam.out"),
        ("%q.out", "%q.out"),
        ("%.out", "%.out"),
        ("%%j", "%j"),
        ("%jx%j.out", "324x324.out"),
        (r"\%j.out", "%j.out"),
        (r"\\%j.out", r"\%j.out"),
        ("%3a.out", "4294967294.out"),
        ("%ja.out", "324a.out"),
        ("plain", "plain"),
    ],
)
def test_a_pattern_is_filled_in_as_recorded(pattern: str, name: str) -> None:
    assert file_name(pattern, JOB) == name


@pytest.mark.parametrize(
    ("pattern", "name"),
    [("%A_%a", "344_8"), ("%j", "345"), ("%3a", "008"), ("%A-%4a", "344-0008"), ("%x_%j_%a", "nam_345_8")],
)
def test_a_task_has_two_numbers(pattern: str, name: str) -> None:
    assert file_name(pattern, TASK) == name


def test_the_default_file_is_slurms() -> None:
    assert output_path(JOB) == error_path(JOB) == "/home/alice/work/slurm-324.out"
    assert output_path(TASK) == "/w/slurm-344_8.out"
    assert input_path(JOB) == "/dev/null"


def test_named_files_start_in_the_working_directory() -> None:
    job = Job(job_id=3, work_dir="/w", std_out="sub/%j", std_err="/tmp/e", std_in="in")
    assert (output_path(job), error_path(job), input_path(job)) == ("/w/sub/3", "/tmp/e", "/w/in")


def test_an_empty_name_is_the_folder_which_no_output_can_go_to() -> None:
    job = Job(job_id=7, work_dir="/w", std_out="", std_in="")
    assert (output_path(job), error_path(job), input_path(job)) == ("/w/", "/w/", "/w/")


def test_one_file_named_takes_both_streams() -> None:
    assert error_path(Job(job_id=3, work_dir="/", std_out="o")) == "//o"


@given(st.text(alphabet="%jAaxNtnsuJ0159.\\-", max_size=12))
def test_any_pattern_gives_some_name(pattern: str) -> None:
    assert isinstance(file_name(pattern, TASK), str)
    assert "\\" not in file_name(pattern.replace("\\\\", ""), TASK)


def test_a_folder_keeps_the_slash_at_its_end() -> None:
    assert output_path(Job(job_id=3, work_dir="/w/")) == "/w//slurm-3.out"
