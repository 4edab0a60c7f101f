"""Messages survive the way through bytes, and nothing else passes for one."""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.protocol.framing import LENGTHS, MAX_FRAME, Decoder, ProtocolError, encode
from mini_slurm.protocol.messages import KINDS, VERSION, Acknowledge, Ended, Output, Ping, Pong, StartAttempt, version

START = StartAttempt(
    attempt="s.1.0",
    title="1",
    node="node1",
    cpus=2,
    total_cpus=4,
    memory=100,
    constrain_memory=True,
    total_memory=8000,
    gpus={"a100": 1},
    shares=[("t4", 4096, 16384)],
    arguments=["a b", "é"],
    environment={"A": "1\n", "B": "\udcff"},
    fixed=["A"],
    work_dir="/tmp",
    umask=0o22,
    limits={"NOFILE": (1024, -1)},
    streams="ordered",
    targets={"out": ("/home/a/é", 3, 1_700_000_000_123_456_789)},
    std_in="/dev/null",
    time_limit=None,
    kill_wait=30,
    role="batch",
    allocation={"node1": [2, 100, "a100:1", 2]},
    warning=[10, 60, 1],
    data=b"#!/bin/sh\necho h\xc3\xa9 \xff\n",
)
SENT = [START, Output("s.1.0", "out", 5, 7, bytes(range(256))), Ping(3), Acknowledge("s.1.0", "err", 2**40)]


def plain(message: object) -> object:
    return json.loads(json.dumps(message, default=lambda value: value.hex()))


def frame(text: bytes, data: bytes = b"") -> bytes:
    return LENGTHS.pack(len(text), len(data)) + text + data


def test_messages_survive_any_cut() -> None:
    stream = b"".join(map(encode, SENT))
    for size in [*range(1, 40), len(stream)]:
        decoder = Decoder()
        got = [m for i in range(0, len(stream), size) for m in decoder.feed(stream[i : i + size])]
        assert [type(message) for message in got] == [type(message) for message in SENT]
        assert [plain(_hex(m)) for m in got] == [plain(_hex(m)) for m in SENT]


def _hex(message: object) -> list[object]:
    return [value.hex() if isinstance(value, bytes) else value for value in message]  # type: ignore[attr-defined]


@given(st.lists(st.tuples(st.text(max_size=5), st.integers(0, 2**62), st.binary(max_size=300)), max_size=5))
def test_output_of_any_bytes_comes_back_as_it_was(parts: list[tuple[str, int, bytes]]) -> None:
    sent = [Output(name, "out", offset, offset, data) for name, offset, data in parts]
    assert Decoder().feed(b"".join(map(encode, sent))) == sent


@given(st.binary(max_size=200))
def test_noise_is_a_protocol_error_or_an_unfinished_frame(noise: bytes) -> None:
    decoder = Decoder()
    try:
        messages = decoder.feed(noise)
    except ProtocolError:
        return
    assert all(type(message).__name__ in KINDS for message in messages)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{}",
        b"[]",
        b"[1]",
        b'["Nonsense"]',
        b'["Ping"]',
        b'["Ping", "one"]',
        b'["Ping", true]',
        b'["Ping", 1, 2]',
        b'["Ping", null]',
        b"[[]]",
        b'["Ended", "a", 0, 0, "", 0, 0, 0, 0, 0, []]',
        b'["Ended", "a", 0, 0, "", 0, 0, 0, 0, 0, {"out": "many"}]',
        b'["Started", "a", 0, [1, "2"], []]',
        b'["Started", "a", 0, "1-2", []]',
        b'["Started", "a", NaN, {}, []]',
        b"[" * 5000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_message_is_refused(text: bytes) -> None:
    with pytest.raises(ProtocolError):
        Decoder().feed(frame(text))


@pytest.mark.parametrize(
    ("field", "value"),
    [("gpus", {"a100": "1"}), ("gpus", ["a100"]), ("environment", {"A": 1}), ("arguments", [1]), ("arguments", "ab"),
     ("limits", {"NOFILE": [1]}), ("limits", {"NOFILE": ["a", 1]}), ("time_limit", "1"), ("time_limit", True)],
)  # fmt: skip
def test_a_start_with_a_field_of_the_wrong_type_is_refused(field: str, value: object) -> None:
    with pytest.raises(ProtocolError):
        Decoder().feed(encode(START._replace(**{field: value})))  # type: ignore[arg-type]


def test_a_frame_that_is_too_large_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProtocolError):
        Decoder().feed(LENGTHS.pack(100, MAX_FRAME))


def test_integers_may_stand_for_seconds() -> None:
    sent = Ended("s.1.0", 0, 1, "", 0, 9, 1024, 0, 0, {"out": 3}, {})
    assert Decoder().feed(encode(sent)) == [sent]


def test_messages_before_a_broken_one_are_not_taken_twice() -> None:
    decoder = Decoder()
    assert decoder.feed(encode(Ping(1)) + encode(Pong(2))[:5]) == [Ping(1)]
    assert decoder.feed(encode(Pong(2))[5:]) == [Pong(2)]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "9223372036854775808", "1" * 400])
def test_a_number_that_no_database_can_hold_ends_the_link(number: str) -> None:
    text = f'["Welcome",1,"b","h","3",{number},{number},1,[],[]]'.encode()
    with pytest.raises(ProtocolError):
        Decoder().feed(LENGTHS.pack(len(text), 0) + text)


class Longer(NamedTuple):
    """A Ping of another version."""

    question: int
    more: int = 0


def test_who_has_other_messages_has_another_version():
    assert version(KINDS) == VERSION
    assert version({**KINDS, "Ping": Longer}) != VERSION
    assert version({name: kind for name, kind in KINDS.items() if name != "Ping"}) != VERSION
