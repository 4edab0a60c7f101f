"""What `scontrol update` reads: numbers and ranges as C reads them."""

from __future__ import annotations

import pytest

from mini_slurm.options.job_updates import TAGS
from mini_slurm.options.job_values import BadValue, Unread


def read(name: str, value: str) -> object:
    tag = next(tag for tag in TAGS if tag.name == name)
    return tag.read(lambda moment: 0.0, value)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2", (2, None)), ("+2", (2, None)), (" 2", (2, None)), ("2-4", (2, 4)), ("1k", (1024, None)),
        ("2-3-4", (2, 3)), ("0-2", (0, 2)), ("2M", (2 * 2**20, None)), ("*", (1, 2**31 - 1)), ("", (1, 2**31 - 1)),
    ],
)  # fmt: skip
def test_a_range_of_machines_is_read_as_c_reads_numbers(text: str, found: tuple[int, int | None]) -> None:
    assert read("NumNodes", text) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", 'Invalid numeric value "x" for requested node count.'),
        ("2-", 'Invalid numeric value "2-" for requested node count.'),
        ("-2", 'Invalid numeric value "-2" for requested node count.'),
        ("2,3", 'Invalid numeric value "2,3" for requested node count.'),
        ("2147483648", "Numeric argument (2147483648) to big for requested node count."),
        ("1-4294967295", "Numeric argument (4294967295) to big for requested node count."),
    ],
)
def test_what_is_no_range_of_machines_is_passed_over(text: str, said: str) -> None:
    with pytest.raises(Unread, match="^" + said.replace("(", r"\(").replace(")", r"\)") + "$"):
        read("NumNodes", text)


def test_what_is_no_range_of_cpus_is_refused() -> None:
    with pytest.raises(BadValue) as caught:
        read("NumCPUs", "2x")
    assert caught.value.lines == ('Invalid numeric value "2x" for NumCPUs.', "Invalid NumCPUs value: 2x")
    with pytest.raises(BadValue):
        read("NumCPUs", "4-2")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2", (2, None)), ("x", (0, None)), ("-1", (2**32 - 1, None)), ("99999999999", (1215752191, None)),
        ("2@5", (2, 300)), ("2@1:00", (2, 60)), ("2@0:30", (2, 60)), ("2@0", (2, 0)), ("2@1-0", (2, 300)),
        ("2@abc", (2, 300)), ("2@-1", (2, 300)), ("2@UNLIMITED", (2, 300)),
    ],
)  # fmt: skip
def test_switches_are_a_number_and_a_time_of_at_most_five_minutes(text: str, found: tuple[int, int | None]) -> None:
    assert read("Switches", text) == found


def test_numbers_with_a_meaning_of_their_own_are_none() -> None:
    with pytest.raises(BadValue):
        read("NumTasks", "4294967294")
    assert read("NumTasks", "4294967293") == 2**32 - 3
    with pytest.raises(BadValue):
        read("CoreSpec", "x")
    assert read("CoreSpec", "-1") == 0
