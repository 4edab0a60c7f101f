"""options/job_ids.py and the values that the listing commands share."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.states import JobState
from mini_slurm.options import job_ids, listings, sacct, scancel, sinfo, squeue
from mini_slurm.options.grammar import parse


@pytest.mark.parametrize(
    ("word", "number", "tasks", "step"),
    [
        ("12", 12, None, None),
        ("12_3", 12, {3}, None),
        ("12_[1-3,7]", 12, {1, 2, 3, 7}, None),
        ("12_*", 12, None, None),
        ("12_", 12, set(), None),
        ("12.batch", 12, None, "batch"),
        ("12.0", 12, None, "0"),
        ("12_3.batch", 12, {3}, "batch"),
    ],
)
def test_words_name_jobs_tasks_and_steps(word: str, number: int, tasks: set[int] | None, step: str | None) -> None:
    found = job_ids.parse(word)
    assert (found.number, found.tasks, found.step) == (number, tasks, step)


@pytest.mark.parametrize("word", ["", "abc", "12abc", "0", "-1", "12_x", "12_3x", "12_[", "12.", "12.foo", "9" * 30])
def test_what_is_no_number_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match=r"not|task"):
        job_ids.parse(word)


@given(st.text(alphabet="0123456789_[],-.:%* batch"))
def test_any_word_is_read_or_refused(word: str) -> None:
    with contextlib.suppress(ValueError):
        assert job_ids.parse(word).number > 0


def test_commas_in_brackets_do_not_separate() -> None:
    assert job_ids.split("1,2_[3,4],,5") == ["1", "2_[3,4]", "5"]


def test_several_words_about_one_array_add_up() -> None:
    words = [job_ids.parse(word) for word in ("5_1", "5_[2-3]", "6", "6_1")]
    assert job_ids.wanted(words) == {5: {1, 2, 3}, 6: None}


def test_states_are_known_by_name_and_code_in_any_case() -> None:
    assert listings.job_states(["pd", "Running", "OOM"]) == {
        JobState.PENDING,
        JobState.RUNNING,
        JobState.OUT_OF_MEMORY,
    }
    assert listings.job_states(["all"]) is None
    assert listings.job_states(["REVOKED"]) == frozenset()


def test_an_unknown_state_gets_slurms_words() -> None:
    with pytest.raises(listings.UnknownState) as caught:
        listings.job_states(["R", "foo"])
    error = listings.no_such_state("squeue", ["R", "foo"], caught.value)
    assert error.lines[0] == "squeue: error: Invalid job state specified: foo"
    assert error.lines[1].startswith("squeue: error: Valid job states include: PENDING,RUNNING,")
    assert error.exit_code == 1


@pytest.mark.parametrize("table", [squeue.OPTIONS, sinfo.OPTIONS, sacct.OPTIONS, scancel.OPTIONS])
def test_each_option_of_a_command_has_names_of_its_own(table: tuple[listings.Option, ...]) -> None:
    longs = [name for option in table for name in (option.long, *option.aliases)]
    shorts = [option.short for option in table if option.short]
    assert len(longs) == len({*longs})
    assert len(shorts) == len({*shorts})


@pytest.mark.parametrize("table", [squeue.OPTIONS, sinfo.OPTIONS, sacct.OPTIONS, scancel.OPTIONS])
def test_each_option_explains_itself(table: tuple[listings.Option, ...]) -> None:
    for option in table:
        assert option.help.endswith((".", "...")), option.long
        assert bool(option.metavar) == (option.value != "none"), option.long


def test_an_option_given_twice_counts_as_it_was_given_last() -> None:
    given_options, _ = parse("squeue", ["-t", "R", "-tPD,R", "--me"], squeue.OPTIONS, permute=True)
    chosen = listings.Chosen(given_options)
    assert chosen.words("states") == ["PD", "R"]
    assert "me" in chosen
    assert chosen.words("user") is None
