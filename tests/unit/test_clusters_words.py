"""Command lines that another system is to read: what we take out of them, and that the rest stays as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.clusters.words import settings_of, split, without
from mini_slurm.options.script import directives, join
from mini_slurm.options.table import OPTIONS

WORDS = st.lists(st.text(min_size=1, max_size=8, alphabet="-=abcHWMn0 *'\"\\é"), max_size=8)


def taken(*arguments: str) -> tuple[list[str], list[str]]:
    pieces, rest = split(arguments, OPTIONS)
    return without(pieces, ("clusters", "wait")), rest


def test_what_is_ours_goes_and_the_rest_stays_as_it_was_typed() -> None:
    arguments = ("-M", "big", "-N2", "--mem", "4G", "--clusters=big", "-Wn4", "--wait", "job.sh", "-M", "x")
    assert taken(*arguments) == (["-N2", "--mem", "4G", "--ntasks=4"], ["job.sh", "-M", "x"])


def test_options_that_we_do_not_know_stay() -> None:
    assert taken("--brand-new=3", "-Z", "-H", "job.sh") == (["--brand-new=3", "-Z", "-H"], ["job.sh"])


def test_a_value_that_is_missing_is_for_the_other_system_to_find() -> None:
    assert taken("-N") == (["-N"], [])


@given(WORDS)
def test_nothing_is_lost_where_nothing_is_ours(words: list[str]) -> None:
    pieces, rest = split(words, OPTIONS)
    kept = without(pieces, ())
    assert kept + rest in (words, [word for word in words if word != "--"], _without_first_dashes(words))


def _without_first_dashes(words: list[str]) -> list[str]:
    found = list(words)
    if "--" in found:
        found.remove("--")
    return found


def test_permuted_words_stay_in_their_places() -> None:
    pieces, rest = split(["show", "-M", "big", "job", "5"], OPTIONS, permute=True)
    assert without(pieces, ("clusters",)) == ["show", "job", "5"]
    assert [setting.text for setting in settings_of(pieces)] == ["big"]
    assert rest == []


def test_a_directive_is_written_so_that_it_reads_the_same() -> None:
    script = b"#!/bin/sh\n#SBATCH -J \"a b\" --comment='x y' -M big\ntrue\n#SBATCH -n 4\n"
    ((number, words),) = directives(script)
    assert (number, words) == (1, ["-J", "a b", "--comment=x y", "-M", "big"])
    pieces, _ = split(words, OPTIONS)
    line = join(without(pieces, ("clusters",)))
    assert directives(b"#!/bin/sh\n" + line) == [(1, ["-J", "a b", "--comment=x y"])]
