"""model/numbers.py."""

import pytest

from mini_slurm.model.numbers import LARGEST, leading_number, to_int


@pytest.mark.parametrize(
    ("text", "number", "rest"),
    [
        ("12", 12, ""),
        (" +12_3", 12, "_3"),
        ("-7x", -7, "x"),
        ("x", 0, "x"),
        ("", 0, ""),
        ("-", 0, "-"),
        ("9" * 30, LARGEST, ""),
        ("\u0661", 0, "\u0661"),
    ],
)
def test_numbers_are_read_as_c_reads_them(text: str, number: int, rest: str) -> None:
    assert leading_number(text) == (number, rest)


@pytest.mark.parametrize(("number", "left"), [(5, 5), (2**31, -(2**31)), (2**32, 0), (-1, -1), (LARGEST, -1)])
def test_an_int_has_32_bits(number: int, left: int) -> None:
    assert to_int(number) == left
