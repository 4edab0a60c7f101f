"""model/node_state.py: the words that a real Slurm has for states, and what its filters take."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.node_state import (
    ALLOCATED,
    BASES,
    COMPLETING,
    DOWN,
    DRAIN,
    ERROR,
    FAIL,
    FLAGS,
    IDLE,
    MIXED,
    NO_RESPOND,
    PLANNED,
    UNKNOWN,
    Wanted,
    complete,
    written,
)

STATES = st.builds(
    lambda base, flags: base | sum(flags), st.sampled_from([*{*BASES} - {ERROR}]), st.sets(st.sampled_from([*FLAGS]))
)


@pytest.mark.parametrize(
    ("state", "words", "whole"),
    [
        (IDLE, ("IDLE", "IDLE"), "IDLE"),
        (IDLE | NO_RESPOND, ("IDLE*", "IDLE*"), "IDLE+NOT_RESPONDING"),
        (DOWN | NO_RESPOND, ("DOWN*", "DOWN*"), "DOWN+NOT_RESPONDING"),
        (UNKNOWN | NO_RESPOND, ("UNKNOWN*", "UNK*"), "UNKNOWN+NOT_RESPONDING"),
        (IDLE | DRAIN, ("DRAINED", "DRAIN"), "IDLE+DRAIN"),
        (DOWN | DRAIN | NO_RESPOND, ("DRAINED*", "DRAIN*"), "DOWN+DRAIN+NOT_RESPONDING"),
        (MIXED | DRAIN, ("DRAINING", "DRNG"), "MIXED+DRAIN"),
        (IDLE | COMPLETING | DRAIN, ("DRAINING", "DRNG"), "IDLE+COMPLETING+DRAIN"),
        (IDLE | COMPLETING, ("COMPLETING", "COMP"), "IDLE+COMPLETING"),
        (ALLOCATED | COMPLETING, ("ALLOCATED+", "ALLOC+"), "ALLOCATED+COMPLETING"),
        (ALLOCATED, ("ALLOCATED", "ALLOC"), "ALLOCATED"),
        (IDLE | FAIL, ("FAIL", "FAIL"), "IDLE+FAIL"),
        (ALLOCATED | FAIL, ("FAILING", "FAILG"), "ALLOCATED+FAIL"),
        (IDLE | PLANNED, ("PLANNED", "PLND"), "IDLE+PLANNED"),
        (MIXED | PLANNED, ("MIXED-", "MIX-"), "MIXED+PLANNED"),
    ],
)
def test_states_are_written_as_slurm_does(state: int, words: tuple[str, str], whole: str) -> None:
    assert (written(state), complete(state)) == (words, whole)


@given(STATES)
def test_any_state_can_be_written(state: int) -> None:
    assert all(written(state))
    assert complete(state).count("+") == sum(bool(state & flag) for flag in FLAGS)


@pytest.mark.parametrize(
    ("text", "states"),
    [
        ("idle", [IDLE, IDLE | DRAIN]),
        ("i", [IDLE, IDLE | DRAIN]),
        ("drain", [IDLE | DRAIN, ALLOCATED | DRAIN]),
        ("drained", [IDLE | DRAIN]),
        ("drng", [ALLOCATED | DRAIN]),
        ("DOWN,mix", [DOWN, DOWN | NO_RESPOND, MIXED]),
        ("idle&drain", [IDLE | DRAIN]),
        ("no_respond", [DOWN | NO_RESPOND]),
        ("fail", []),
        ("alloc", [ALLOCATED | DRAIN]),
        ("all", [IDLE, IDLE | DRAIN, ALLOCATED | DRAIN, DOWN, DOWN | NO_RESPOND, MIXED]),
        ("", []),
    ],
)
def test_filters_choose_states(text: str, states: list[int]) -> None:
    every = [IDLE, IDLE | DRAIN, ALLOCATED | DRAIN, DOWN, DOWN | NO_RESPOND, MIXED]
    wanted = Wanted(text)
    assert [state for state in every if wanted.has(state, state == ALLOCATED | DRAIN)] == states


@pytest.mark.parametrize("text", ["foo", "idle,foo", "down*", "idle foo", "draineds"])
def test_what_is_no_state_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(foo|down\*|idle foo|draineds)$"):
        Wanted(text)


@given(st.text(alphabet="drainedlown,&*_ ?"), STATES)
def test_any_filter_is_read_or_refused(text: str, state: int) -> None:
    with contextlib.suppress(ValueError):
        Wanted(text).has(state, has_jobs=False)
