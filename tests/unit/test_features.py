"""model/features.py."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.features import counted, matches, named, one_of, parse

ALPHABET = "ab&|()[]*,12 "


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        ("a", "a ab abc"),
        ("a&b", "ab abc"),
        ("a,b", "ab abc"),
        ("a|b", "a b ab bc abc"),
        ("a|b&c", "bc abc"),
        ("b&c|a", "a bc ab abc"),
        ("a|(b&c)", "a bc ab abc"),
        ("(a|b)&c", "bc abc"),
        ("[a|b]", "a b ab bc abc"),
        ("c&[a|b]", "bc abc"),
        ("[a*1&b*2]", "a b ab bc abc"),
        ("a*2", "a b c ab bc abc"),
    ],
)
def test_expressions_hold_for_these_machines(expression: str, fits: str) -> None:
    machines = ["a", "b", "c", "ab", "bc", "abc"]
    assert {machine for machine in machines if matches(expression, tuple(machine))} == set(fits.split())


@pytest.mark.parametrize("expression", ["a&&b", "&a", "(a", "a)", "((a))", "a(b)", "[a|b]&[c|d]", "a*0", "[a&b]"])
def test_mistakes_are_refused(expression: str) -> None:
    with pytest.raises(ValueError):
        parse(expression)


def test_what_the_machines_of_a_job_have_together() -> None:
    assert one_of("ib&[rack1|rack2]") == one_of("[rack1|rack2]&ib") == ("rack1", "rack2")
    assert counted("[rack1*2&rack2*1]") == (("rack1", 2), ("rack2", 1))
    assert (counted("ib*4"), one_of("ib*4"), one_of("a|b"), counted("a&b")) == ((("ib", 4),), (), (), ())


def test_the_features_of_an_expression_are_known() -> None:
    assert named("(a|b)&[c|d]") == {"a", "b", "c", "d"}
    assert named("") == frozenset()


@given(st.text(alphabet=ALPHABET, max_size=14))
def test_any_text_is_read_or_refused(expression: str) -> None:
    with contextlib.suppress(ValueError):
        assert matches(expression, ("a",)) in (True, False)
