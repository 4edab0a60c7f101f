"""cli/listing.py: moments and users as the listings take them."""

from __future__ import annotations

import pwd

import pytest

from mini_slurm.cli import listing


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


def test_an_empty_form_of_moments_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_TIME_FORMAT", "")
    assert len(listing.moment_format()(1e9)) == len("2001-09-09T01:46:40")


def test_a_users_number_has_to_be_somebodys() -> None:
    assert listing.user_number("0") == 0
    nobodys = max(entry.pw_uid for entry in pwd.getpwall()) + 1
    assert listing.user_number(str(nobodys)) is None
    assert listing.user_number("9" * 30) is None
