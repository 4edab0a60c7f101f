"""model/units.py: durations and memory as Slurm reads and prints them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.units import (
    format_duration,
    format_elapsed,
    format_limit,
    format_memory,
    parse_duration,
    parse_memory,
    parse_time_limit,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10:00", "10:00"),
        ("1:00:00", "1:00:00"),
        ("0:30", "1:00"),
        ("0:0:1", "1:00"),
        ("90:90", "1:32:00"),
        ("100:00:00", "4-04:00:00"),
        ("1-0", "1-00:00:00"),
        ("0-2:3", "2:03:00"),
        ("1-02:03:04", "1-02:04:00"),
        ("1-00:00:00", "1-00:00:00"),
        ("1-", "1-00:00:00"),
        ("0:90", "2:00"),
        ("0:0:90", "2:00"),
        ("00010", "10:00"),
        ("1440", "1-00:00:00"),
        ("UNLIMITED", "UNLIMITED"),
        ("unlimited", "UNLIMITED"),
        ("INFINITE", "UNLIMITED"),
        ("-1", "UNLIMITED"),
        ("0", "UNLIMITED"),
        ("00:00:00", "UNLIMITED"),
        ("4294967296", "UNLIMITED"),
    ],
)
def test_a_time_limit_reads_as_slurm_reads_it(text: str, shown: str) -> None:
    assert format_limit(parse_time_limit(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        "1.5",
        "1h",
        " 10",
        "10 ",
        ":10",
        "1:",
        "1:2:3:4",
        "abc",
        "10abc",
        "1 - 0",
        "",
        "1-2:3:4:5",
        "1-:5",
        "-1:1",
        "-1:1:1",
        "-0:1",
        "1-2-3",
        "\u0661",
    ],
)
def test_what_is_no_time_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time_limit(text)


@given(st.integers(0, 10**9))
def test_a_printed_duration_reads_back(seconds: int) -> None:
    shown = format_elapsed(seconds)
    _, dash, clock = shown.rpartition("-")
    assert parse_duration(shown) == seconds
    assert bool(dash) == (seconds >= 86400) and clock.count(":") == 2


@pytest.mark.parametrize(
    ("seconds", "in_squeue", "in_sacct"),
    [
        (0, "0:00", "00:00:00"),
        (7, "0:07", "00:00:07"),
        (3600, "1:00:00", "01:00:00"),
        (86400, "1-00:00:00", "1-00:00:00"),
        (59.9, "0:59", "00:00:59"),
        (-3, "0:00", "00:00:00"),
    ],
)
def test_durations_print_as_squeue_and_sacct_print_them(seconds: float, in_squeue: str, in_sacct: str) -> None:
    assert (format_duration(seconds), format_elapsed(seconds)) == (in_squeue, in_sacct)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("100", "100M"),
        ("100M", "100M"),
        ("100MB", "100M"),
        ("100mb", "100M"),
        ("1K", "1M"),
        ("1025K", "2M"),
        ("1024k", "1M"),
        ("0", "0"),
        ("3900M", "3900M"),
        ("8G", "8G"),
        ("8000M", "8000M"),
        ("1024M", "1G"),
        ("1T", "1T"),
        ("1024T", "1P"),
    ],
)
def test_memory_reads_and_prints_as_in_slurm(text: str, shown: str) -> None:
    assert format_memory(parse_memory(text)) == shown


@pytest.mark.parametrize("text", ["1.5G", "-5", "", "all", "1GiB", "G", "1 G", "1X"])
def test_what_is_no_amount_of_memory_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_memory(text)


@given(st.integers(0, 2**50))
def test_printed_memory_reads_back(mebibytes: int) -> None:
    shown = format_memory(mebibytes)
    assert shown.endswith("P") or parse_memory(shown) == mebibytes
