"""What sbcast says of options that change nothing, and of jobs that are not there, as a real Slurm 22.05.8 does."""

from __future__ import annotations

import pytest

from mini_slurm.errors import Refused
from mini_slurm.steps import sbcast


@pytest.mark.parametrize("size", ["", "0", "5", " 5", "+5", "1k", "2M", "5kk"])
def test_a_block_may_have_such_a_size(size: str) -> None:
    assert sbcast.odd_values({"size": size}) == []


@pytest.mark.parametrize("size", ["x", "-5", "5g", "9" * 20])
def test_an_odd_size_is_ignored_in_words_that_name_no_program(size: str, capsys: pytest.CaptureFixture[str]) -> None:
    sbcast.tell_odd_values("sbcast", {"size": size})
    assert capsys.readouterr().err == "size specification is invalid, ignored\n"


def test_odd_words_are_ignored(capsys: pytest.CaptureFixture[str]) -> None:
    sbcast.tell_odd_values("sbcast", {"send-libs": "x", "compress": "foo"})
    sbcast.tell_odd_values("sbcast", {"send-libs": "YES", "compress": "LZ4"})
    assert capsys.readouterr().err.splitlines() == [
        "sbcast: error: Ignoring unrecognized --send-libs value 'x'",
        "sbcast: error: Compression type 'foo' unknown, disabling compression support.",
    ]


def test_a_word_that_is_no_number_is_job_0() -> None:
    assert sbcast.no_such_job("x") == sbcast.no_such_job("") == "Slurm job 0 lookup error: Invalid job id specified"
    assert sbcast.no_such_job("12.9") == "Slurm job 12.9 lookup error: Invalid job id specified"


def test_a_folder_is_no_name_for_a_file() -> None:
    with pytest.raises(Refused, match="Target filename cannot be a directory"):
        sbcast.check_destination("dir/")
