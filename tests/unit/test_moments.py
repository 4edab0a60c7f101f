"""model/moments.py, on a clock that stands at 2026-11-22T04:43:27 in UTC."""

import calendar
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.moments import BadMoment, parse_moment

NOW = float(calendar.timegm((2026, 11, 22, 4, 43, 27)))


def read(text: str, *, ahead: bool = True) -> str:
    moment = parse_moment(text, NOW, time.gmtime, lambda fields: float(calendar.timegm(fields)), ahead=ahead)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-11-22T04:43:27"),
        ("now+60", "2026-11-22T04:44:27"),
        ("now-60", "2026-11-22T04:42:27"),
        ("now+2minutes", "2026-11-22T04:45:27"),
        ("now+1hour", "2026-11-22T05:43:27"),
        ("now+1days", "2026-11-23T04:43:27"),
        ("now+2weeks", "2026-12-06T04:43:27"),
        ("23:59", "2026-11-22T23:59:00"),
        ("16:00:30", "2026-11-22T16:00:30"),
        ("04:00", "2026-11-23T04:00:00"),
        ("midnight", "2026-11-23T00:00:00"),
        ("noon", "2026-11-22T12:00:00"),
        ("teatime", "2026-11-22T16:00:00"),
        ("fika", "2026-11-22T15:00:00"),
        ("today", "2026-11-22T00:00:00"),
        ("tomorrow", "2026-11-23T00:00:00"),
        ("tomorrow 16:00", "2026-11-23T16:00:00"),
        ("2030-01-02", "2030-01-02T00:00:00"),
        ("2030-01-02T03:04", "2030-01-02T03:04:00"),
        ("2030-01-02T03:04:05", "2030-01-02T03:04:05"),
        ("010230", "2030-01-02T00:00:00"),
        ("01/02/30", "2030-01-02T00:00:00"),
        ("01/02", "2027-01-02T00:00:00"),
        ("12/24-8:00pm", "2026-12-24T20:00:00"),
        ("4:00pm", "2026-11-22T16:00:00"),
        ("12:00am", "2026-11-23T00:00:00"),
        ("uts1000000", "1970-01-12T13:46:40"),
        ("noon noon", "2026-11-22T12:00:00"),
        ("2030-02-31", "2030-03-03T00:00:00"),
        ("now + 5 minutes", "2026-11-22T04:48:27"),
        ("tomorrow-noon", "2026-11-23T12:00:00"),
        ("12:30 pm", "2026-11-22T12:30:00"),
    ],
)
def test_a_moment_reads_as_slurm_reads_it(text: str, moment: str) -> None:
    assert read(text) == moment


def test_an_hour_that_has_passed_stays_today_when_looking_back() -> None:
    assert read("04:00", ahead=False) == "2026-11-22T04:00:00"


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("foo", 0),
        ("elevenses", 0),
        ("yesterday", 0),
        ("now+", 3),
        ("2030-13-01", 5),
        ("25:00", 0),
        ("13:00pm", 5),
        ("now+1fortnight", 4),
        ("uts86400", 0),
        ("uts2000000000x", 0),
        ("now tomorrow", 4),
        ("0", -1),
    ],
)
def test_the_position_of_what_makes_no_sense_is_told(text: str, position: int) -> None:
    with pytest.raises(BadMoment) as raised:
        read(text)
    assert (raised.value.position, str(raised.value)) == (
        position,
        f"Invalid time specification (pos={position}): {text}",
    )


@given(st.text(alphabet="now+-:/0123456789T pamdtehur", max_size=14))
def test_any_text_is_a_moment_or_a_bad_moment(text: str) -> None:
    try:
        assert parse_moment(text, NOW, time.gmtime, lambda fields: float(calendar.timegm(fields))) >= 0
    except BadMoment as error:
        assert -1 <= error.position <= len(text)


@pytest.mark.parametrize("text", ["", " ", "-", "T-", "\nfoo"])
def test_a_text_that_names_nothing_is_no_moment(text: str) -> None:
    assert parse_moment(text, NOW, time.gmtime, lambda fields: float(calendar.timegm(fields))) == 0
