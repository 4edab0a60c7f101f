"""options/job_ids.py and the values that the listing commands share."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.states import JobState
from mini_slurm.options import job_ids, listings, sacct, scancel, sinfo, squeue
from mini_slurm.options.grammar import parse

Named = tuple[int, set[int] | None, int | None]


def named(one: job_ids.JobId) -> tuple[int, frozenset[int] | None, int | None]:
    return one.number, one.tasks, one.step


@pytest.mark.parametrize(
    ("word", "is_named"),
    [
        ("12", (12, None, None)),
        ("12x", (12, None, None)),
        ("12_3", (12, {3}, None)),
        ("12_[1-3]", (12, {0}, None)),
        ("12.batch", (12, None, None)),
        ("4294967308", (12, None, None)),
    ],
)
def test_squeue_reads_jobs(word: str, is_named: Named) -> None:
    assert named(job_ids.parse_job(word)) == is_named


@pytest.mark.parametrize("word", ["", "abc", "0", "-1", "_3", "4294967295", "4294967296"])
def test_squeue_refuses_what_is_no_job(word: str) -> None:
    with pytest.raises(ValueError, match=f"^{word}$"):
        job_ids.parse_job(word)


@pytest.mark.parametrize(
    ("word", "is_named"),
    [("12.0", (12, None, 0)), ("12_3.1", (12, {3}, 1)), ("12.batch", (12, None, 0)), ("12.1x", (12, None, 1))],
)
def test_squeue_reads_steps(word: str, is_named: Named) -> None:
    assert named(job_ids.parse_step(word)) == is_named


@pytest.mark.parametrize(("word", "called"), [("12", "12.??"), ("abc", "abc.??"), ("x.1", "x.1"), ("12.-1", "12.-1")])
def test_squeue_refuses_what_is_no_step(word: str, called: str) -> None:
    with pytest.raises(ValueError, match=re.escape(called)):
        job_ids.parse_step(word)


@pytest.mark.parametrize(
    ("word", "is_named"),
    [
        ("12", (12, None, None)),
        ("12_3", (12, {3}, None)),
        ("12.batch", (12, None, job_ids.BATCH)),
        ("12_3.extern", (12, {3}, job_ids.EXTERN)),
        ("12.4", (12, None, 4)),
        ("12x", (12, None, None)),
    ],
)
def test_sacct_reads_jobs_and_steps(word: str, is_named: Named) -> None:
    assert named(job_ids.parse_selected(word)) == is_named


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("abc", "Bad job/step specified: abc"),
        ("12.foo", "Bad step specified: 12"),
        ("12_x", "Bad job array element specified: 12"),
    ],
)
def test_sacct_refuses_with_slurms_words(word: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        job_ids.parse_selected(word)


@pytest.mark.parametrize(
    ("word", "are_named"),
    [
        ("12", [(12, None, None)]),
        ("12_3", [(12, {3}, None)]),
        ("12_[1-3,7]", [(12, {1, 2, 3, 7}, None)]),
        ("12_*", [(12, None, None)]),
        ("12.0", [(12, None, 0)]),
        ("12_3.2", [(12, {3}, 2)]),
        ("12,13_4", [(12, None, None), (13, {4}, None)]),
    ],
)
def test_scancel_reads_targets(word: str, are_named: list[Named]) -> None:
    assert [named(one) for one in job_ids.parse_targets([word])] == are_named


@pytest.mark.parametrize("word", ["abc", "12abc", "0", "-1", "12_x,", "12_[", "12_[x]", "12_[3-1]", "12,x", "9" * 30])
def test_scancel_refuses_what_is_no_target(word: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        job_ids.parse_targets([word])


@given(st.text(alphabet="0123456789_[],-+.:%*² batch"))
def test_any_word_is_read_or_refused(word: str) -> None:
    for read in (job_ids.parse_job, job_ids.parse_step):
        with contextlib.suppress(ValueError):
            assert read(word).number > 0
    with contextlib.suppress(ValueError):
        assert job_ids.parse_selected(word).number >= 0
    with contextlib.suppress(ValueError):
        assert all(target.number > 0 for target in job_ids.parse_targets([word]))


def test_empty_words_between_commas_do_not_count() -> None:
    assert job_ids.split("1,,2,") == ["1", "2"]


def test_several_words_about_one_array_add_up() -> None:
    words = [job_ids.parse_job(word) for word in ("5_1", "5_2", "6", "6_1")]
    assert job_ids.wanted(words) == {5: {1, 2}, 6: None}


def test_states_are_known_by_name_and_code_in_any_case() -> None:
    assert listings.job_states(["pd", "Running", "OOM"]) == {
        JobState.PENDING,
        JobState.RUNNING,
        JobState.OUT_OF_MEMORY,
    }
    assert listings.job_states(["REVOKED"]) == frozenset()


def test_an_unknown_state_is_named() -> None:
    with pytest.raises(listings.UnknownState) as caught:
        listings.job_states(["R", "foo", "bar"])
    assert str(caught.value) == "foo"


@pytest.mark.parametrize("table", [squeue.OPTIONS, sinfo.OPTIONS, sacct.OPTIONS, scancel.OPTIONS])
def test_each_option_of_a_command_has_names_of_its_own(table: tuple[listings.Option, ...]) -> None:
    longs = [name for option in table for name in (option.long, *option.aliases) if name]
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
    assert chosen.every("states") == ["R", "PD,R"]
    assert chosen.count("states") == 2
    assert chosen.fields == ["states", "me"]
    assert chosen.words("user") is None


# --- scontrol's acting verbs


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12", ["12"]),
        ("12,13_4 15_[1-3,7]", ["12", "13_4", "15_1-3,7"]),
        ("x", None),
        ("", None),
        ("12_[1", None),
        ("name=x", None),
    ],
)
def test_the_words_of_a_list_that_is_acted_on(text: str, words: list[str] | None) -> None:
    assert job_ids.split_acted(text) == words


def test_a_word_that_is_acted_on_names_a_job_or_tasks() -> None:
    for word, number, tasks in (("12", 12, None), ("12_1-2,7", 12, {1, 2, 7}), ("12+0", 12, None)):
        one = job_ids.parse_acted(word)
        assert (one.number, one.tasks) == (number, tasks)
    for word in ("0", "_1", "12_", "12_*", "12_7-1", "12_2000001", "99999999999"):
        with pytest.raises(ValueError):
            job_ids.parse_acted(word)


@pytest.mark.parametrize("read", [job_ids.parse_selected, job_ids.parse_acted])
def test_a_part_of_a_heterogeneous_job_has_a_number_of_its_own(read: Callable[[str], job_ids.JobId]) -> None:
    assert (read("12+3").number, read("12+3").part_of) == (15, 12)
    assert (read("12").number, read("12").part_of) == (12, None)


def test_scancel_knows_parts_and_takes_a_step_of_one_for_that_of_all() -> None:
    (found,) = job_ids.parse_targets(["12+1"])
    assert (found.number, found.part_of, found.step) == (13, 12, None)
    (found,) = job_ids.parse_targets(["12+1.0"])
    assert (found.number, found.part_of, found.step) == (12, None, 0)


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("5_[]", "Invalid range: `'"),
        ("5_[5-3]", "Invalid range: `5-3'"),
        ("5_[1,x]", "Invalid range: `x'"),
        ("5_[1-9:2]", "Invalid range: `1-9:2'"),
        ("5_[1-100000]", "Too many hosts in range `1-100000'"),
    ],
)
def test_scancel_says_which_range_is_none(word: str, why: str) -> None:
    with pytest.raises(job_ids.BadRange, match=r"^5_\[.*\]$") as caught:
        job_ids.parse_targets([word])
    assert caught.value.why == why


def test_scancel_takes_nothing_for_no_job() -> None:
    with pytest.raises(ValueError, match=r"^$"):
        job_ids.parse_targets([""])


def test_sacct_wants_a_number_after_a_plus() -> None:
    with pytest.raises(ValueError, match=r"^Bad hetjob offset specified: 5$"):
        job_ids.parse_selected("5+x")
