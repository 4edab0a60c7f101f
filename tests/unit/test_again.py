"""model/again.py: --requeue-exit, --retries, RequeueExit."""

from __future__ import annotations

import pytest

from mini_slurm.model.again import Ends, Retries, longer, parse_codes, parse_ends, parse_retries


def test_codes_are_read_as_slurm_reads_requeueexit() -> None:
    assert parse_codes("1-3,18") == {1, 2, 3, 18}
    assert parse_codes("") == frozenset()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("85", Ends(frozenset({85}), False, None)),
        ("85,90-91@30", Ends(frozenset({85, 90, 91}), False, 30)),
        ("limit", Ends(frozenset(), True, None)),
        ("85,Limit@0", Ends(frozenset({85}), True, 0)),
    ],
)
def test_what_a_job_says(text: str, found: Ends) -> None:
    assert parse_ends(text) == found


@pytest.mark.parametrize("text", ["", "256", "5-3", "-1", "x", "85@", "85@x", "@30", "1-", "85;86", "\u00b2"])
def test_ends_that_cannot_be_meant(text: str) -> None:
    with pytest.raises(ValueError):
        parse_ends(text)


def test_retries_are_a_number_and_a_pause() -> None:
    assert (parse_retries("3"), parse_retries("2@60")) == (Retries(3, None), Retries(2, 60))
    for text in ("", "-1", "x", "3@", "3@-1", "1.5"):
        with pytest.raises(ValueError):
            parse_retries(text)


def test_pauses_double_up_to_an_hour() -> None:
    assert [longer(60, times) for times in (0, 1, 2, 5, 6, 7, 10**9)] == [60, 120, 240, 1920, 3600, 3600, 3600]
    assert (longer(7200, 4), longer(0, 3)) == (7200, 0)
