"""--dependency: text to value and back, as Slurm shows it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.dependencies import (
    ALL,
    PROBLEM,
    SINGLETON,
    UNSUPPORTED,
    BadDependency,
    Dependencies,
    Dependency,
    parse,
    read,
    show,
)

KINDS = ["after", "afterany", "afterok", "afternotok", "aftercorr", "afterburstbuffer"]
ARRAY = 28


def is_array(number: int) -> bool:
    return number == ARRAY


@pytest.mark.parametrize(
    ("given_text", "shown"),
    [
        ("afterok:189", "afterok:189(unfulfilled)"),
        ("after:201+5", "after:201+5(unfulfilled)"),
        ("after:201+5x,afterok:3", "after:201+5(unfulfilled)"),
        ("after:201+1+2", "after:201+1(unfulfilled)"),
        ("after:201+99999999", "after:201+28417210(unfulfilled)"),  # seconds in 32 bits
        ("after:26+1:27", "after:26+1(unfulfilled),after:27+1(unfulfilled)"),
        ("afterok:210,afterany:211", "afterok:210(unfulfilled),afterany:211(unfulfilled)"),
        ("afterok:213?afterany:214", "afterok:213(unfulfilled)?afterany:214(unfulfilled)"),
        (
            "afterok:270?singleton,afterany:271",
            "afterok:270(unfulfilled)?singleton(unfulfilled)?afterany:271(unfulfilled)",
        ),
        ("252", "afterany:252(unfulfilled)"),
        ("afterok:12,13", "afterok:12(unfulfilled),afterany:13(unfulfilled)"),
        ("AfterOK:12:13", "afterok:12(unfulfilled),afterok:13(unfulfilled)"),
        ("afterok:28", "afterok:28_*(unfulfilled)"),
        ("28", "afterany:28_*(unfulfilled)"),
        ("afterok:28_2", "afterok:28_2(unfulfilled)"),
        ("afterok:28_[2-3,7]", "afterok:28_2(unfulfilled),afterok:28_3(unfulfilled),afterok:28_7(unfulfilled)"),
        ("afterok:12:12,afterok:12", "afterok:12(unfulfilled)"),
        ("afterok:12(failed),singleton(unfulfilled)", "afterok:12(failed),singleton(unfulfilled)"),
        ("singleton", "singleton(unfulfilled)"),
        ("afterok: 12", "afterok:12(unfulfilled)"),
        ("afterok:-1", "afterok:4294967295(unfulfilled)"),
        ("afterok:12_", "afterok:12_0(unfulfilled)"),
    ],
)
def test_an_expression_is_kept_as_slurm_shows_it(given_text, shown):
    assert read(given_text, is_array) == shown


@pytest.mark.parametrize("nothing", ["", "0"])
def test_an_empty_expression_asks_for_nothing(nothing):
    assert read(nothing, is_array) is None


PROBLEMS = """
afterok afterok: foo:12 afterok:0 afterok:12, 12?13 12,afterok:13 afterok:12+0 after:12+4294967296 after:x afterok:12_[
afterok:12_[] afterok:12; -1 +1 12,-1 12,+1 singleton:12 afterok:99999999999 afterok:²
"""


@pytest.mark.parametrize("text", PROBLEMS.split())
def test_what_slurm_does_not_understand_is_a_problem(text):
    with pytest.raises(BadDependency, match=PROBLEM):
        parse(text)


def test_jobs_cannot_be_expanded():
    with pytest.raises(BadDependency, match=UNSUPPORTED):
        parse("expand:12")


conditions = st.one_of(
    st.booleans().map(lambda failed: Dependency(SINGLETON, failed=failed)),
    st.builds(
        Dependency,
        st.sampled_from(KINDS),
        st.integers(1, 2**32 - 1),
        st.one_of(st.none(), st.just(ALL), st.integers(0, 1000)),
        st.integers(1, 10_000),
        st.booleans(),
    ),
)


@given(st.lists(conditions, min_size=1, max_size=6, unique_by=lambda one: one[:3]), st.booleans())
def test_what_is_shown_is_read_again(each, any_of):
    dependencies = Dependencies(tuple(each), any_of and len(each) > 1)
    assert parse(show(dependencies) or "") == dependencies


@given(st.text(alphabet="afterokny:singleto0123456789_*[]-+,?()", max_size=40))
def test_any_text_is_read_or_refused_and_what_is_read_stays_the_same(text):
    try:
        shown = read(text, is_array)
    except BadDependency:
        return
    assert read(shown or "", is_array) == shown
