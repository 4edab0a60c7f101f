"""SLURM_EXIT_ERROR, SLURM_EXIT_IMMEDIATE and -QQ: how commands end that were refused."""

from __future__ import annotations

import pytest

from mini_slurm.cli import exits
from mini_slurm.cli.msbatch import options
from mini_slurm.errors import BadOption, MiniSlurmError, Refused

BUSY = "Unable to allocate resources: Requested nodes are busy"


def end(error: MiniSlurmError, *arguments: str) -> MiniSlurmError:
    """The error with which the command ends that was to end with this one."""

    def body(program: str, words: list[str]) -> int:
        raise error

    with pytest.raises(MiniSlurmError) as found:
        exits.heeding(body, options)("sbatch", list(arguments))
    return found.value


@pytest.mark.parametrize(("text", "code"), [("7", 7), ("7x", 7), ("-1", 255), ("300", 44)])
def test_a_refusal_has_the_status_that_is_wanted(monkeypatch, capsys, text, code):
    monkeypatch.setenv("SLURM_EXIT_ERROR", text)
    assert end(Refused("no")).exit_code == code
    assert end(BadOption("no")).exit_code == 255
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("text", ["0", "x", ""])
def test_no_number_is_complained_of_and_changes_nothing(monkeypatch, capsys, text):
    monkeypatch.setenv("SLURM_EXIT_ERROR", text)
    assert end(Refused("no")).exit_code == 1
    assert capsys.readouterr().err == "sbatch: error: SLURM_EXIT_ERROR has zero value\n"


def test_what_could_not_start_at_once_has_a_status_of_its_own(monkeypatch):
    monkeypatch.setenv("SLURM_EXIT_ERROR", "7")
    assert end(Refused(BUSY)).exit_code == 7
    monkeypatch.setenv("SLURM_EXIT_IMMEDIATE", "9")
    assert (end(Refused(BUSY)).exit_code, end(Refused("no")).exit_code) == (9, 7)


@pytest.mark.parametrize(
    ("words", "lines"), [(["-Q"], ("no",)), (["-QQ"], ()), (["-Q", "--quiet"], ()), (["x.sh", "-QQ"], ("no",))]
)
def test_quiet_twice_says_nothing_of_what_is_refused(words, lines):
    assert end(Refused("no"), *words).lines == lines
    assert end(BadOption("no"), *words).lines == ("no",)
