"""model/warning.py."""

import pytest

from mini_slurm.model.warning import parse_warning


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("USR1", [10, 60, 0]),
        ("B:USR1@10", [10, 10, 1]),
        ("rb:SIGTERM@5", [15, 5, 1]),
        ("R:12@0", [12, 0, 0]),
    ],
)
def test_a_warning_goes_to_the_machine_as_numbers(text: str, numbers: list[int]) -> None:
    found = list(parse_warning(text) or ())
    assert found == numbers
    assert {type(part) for part in found} == {int}


@pytest.mark.parametrize("text", [None, "", "FOO", "0", "65"])
def test_where_nothing_is_to_be_sent_there_is_none(text: str | None) -> None:
    assert parse_warning(text) is None
