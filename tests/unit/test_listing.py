"""cli/listing.py: moments and users as the listings take them."""

from __future__ import annotations

import pwd

import pytest

from mini_slurm.cli import listing
from mini_slurm.errors import BadUsage


@pytest.mark.parametrize("form", ["foo", "%d" * 16])
def test_a_form_of_moments_that_does_not_do_is_told_once(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SLURM_TIME_FORMAT", form)
    monkeypatch.setattr("sys.argv", ["/usr/bin/squeue"])
    write = listing.moment_format()
    assert capsys.readouterr().err == ""
    assert len(write(1e9)) == len(write(1e9)) == len("2001-09-09T01:46:40")
    assert capsys.readouterr().err == f"squeue: error: invalid SLURM_TIME_FORMAT = '{form}'\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [("n[1-2],m", ["n1", "n2", "m"]), ("n[1-2", ["n]"]), ("n1,,n2", ["n1", "n2"])],
)
def test_a_hostlist_is_read_as_slurm_reads_it(text: str, names: list[str]) -> None:
    assert listing.host_names("squeue", text, "nodelist") == names


@pytest.mark.parametrize(
    ("text", "complaints"),
    [("n[2-1]", ["_parse_single_range: Invalid range: `2-1'"]), ("n[1]x", [])],
)
def test_what_is_no_hostlist_is_refused(text: str, complaints: list[str]) -> None:
    with pytest.raises(BadUsage) as raised:
        listing.host_names("squeue", text, "nodelist")
    said = [*complaints, f"'{text}' invalid entry for --nodelist"]
    assert raised.value.lines == tuple(f"squeue: error: {line}" for line in said)


@pytest.mark.parametrize(("value", "shown"), [("3", 3), ("0", 0), ("x", 0), ("-1", 64), ("9999", 4096)])
def test_how_many_letters_of_tasks_are_shown(value: str, shown: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_BITSTR_LEN", value)
    assert listing.shown_tasks(64) == shown


def test_an_empty_form_of_moments_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_TIME_FORMAT", "")
    assert len(listing.moment_format()(1e9)) == len("2001-09-09T01:46:40")


def test_a_users_number_has_to_be_somebodys() -> None:
    assert listing.user_number("0") == 0
    nobodys = max(entry.pw_uid for entry in pwd.getpwall()) + 1
    assert listing.user_number(str(nobodys)) is None
    assert listing.user_number("9" * 30) is None
