"""What is said before the agent's stream begins, with a scripted other side."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.agent.archive import greeting
from mini_slurm.errors import Unreachable
from mini_slurm.links.handshake import agent_archive, find_status, shake_hands

NAME, ARCHIVE = agent_archive()
GREETING = greeting(NAME, len(ARCHIVE))
READY = b'{"status": "ready"}\n'
NEED = b'{"status": "need"}\n'


class Script:
    """A channel whose other side says these things, one a read, and then ends."""

    def __init__(self, *says: bytes, exit_status: int | None = None, stderr: bytes = b"") -> None:
        self.says = list(says)
        self.sent: list[bytes] = []
        self.end = (exit_status, stderr)

    async def read(self) -> bytes:
        return self.says.pop(0) if self.says else b""

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    async def drain(self) -> None:
        pass

    async def close(self) -> None:
        pass

    def unread(self, data: bytes) -> None:
        if data:
            self.says.insert(0, data)

    async def last_words(self) -> tuple[int | None, bytes]:
        return self.end


def shake(channel: Script) -> None:
    asyncio.run(shake_hands(channel, "node1"))


def refusal(channel: Script) -> Unreachable:
    with pytest.raises(Unreachable) as caught:
        shake(channel)
    return caught.value


def test_the_bootstrap_and_the_wanted_agent_are_sent_first() -> None:
    channel = Script(READY)
    shake(channel)
    assert channel.sent == [GREETING]


def test_the_agent_is_sent_where_it_is_missing() -> None:
    channel = Script(NEED, READY)
    shake(channel)
    assert channel.sent == [GREETING, b"%d\n" % len(ARCHIVE) + ARCHIVE]


def test_the_agents_first_bytes_are_not_lost() -> None:
    channel = Script(READY + b"\0\0\0\x07stream")
    shake(channel)
    assert asyncio.run(channel.read()) == b"\0\0\0\x07stream"


@given(st.lists(st.binary(max_size=30).filter(lambda noise: b'{"status"' not in noise), max_size=5), st.integers(1, 9))
def test_no_noise_hides_the_status(noise: list[bytes], size: int) -> None:
    stream = b"\n".join([*noise, READY]) + b"rest"
    channel = Script(*(stream[i : i + size] for i in range(0, len(stream), size)))
    shake(channel)
    assert b"".join(channel.says) == b"rest"


@pytest.mark.parametrize("line", ['{"status": 1}', '{"status": "maybe"}', '["status"]', "{}", "ready", '{"status"'])
def test_what_only_looks_like_a_status_is_noise(line: str) -> None:
    assert find_status(f"{line}\n".encode() + READY + b"x") == ({"status": "ready"}, b"x")


def test_too_much_noise_is_given_up() -> None:
    assert "login shell prints more than 64 KiB" in refusal(Script(*[b"x" * 1000] * 100)).lines[0]


def test_the_bootstraps_own_words_reach_the_user_on_one_line() -> None:
    status = {"status": "error", "error": "the disk of /var/tmp is full\x1b[2J", "hint": "free\nsome"}
    error = refusal(Script(json.dumps(status).encode() + b"\n"))
    assert (error.lines, error.hint) == (("node1: the disk of /var/tmp is full\\x1b[2J",), "free some")
    assert not error.again


def test_a_fault_that_the_bootstrap_thinks_will_pass_is_tried_again() -> None:
    status = {"status": "error", "error": "no space left", "again": True}
    assert refusal(Script(json.dumps(status).encode() + b"\n")).again


def test_an_end_without_a_word_shows_the_last_line_of_standard_error() -> None:
    error = refusal(Script(exit_status=1, stderr=b"first\nThis account is closed.\n"))
    assert "exit status 1" in error.lines[0]
    assert error.lines[0].endswith("This account is closed.")


def test_a_lost_connection_is_tried_again() -> None:
    error = refusal(Script(NEED))
    assert error.again
    assert "the connection ended" in error.lines[0]


def test_python3_not_found_says_what_to_install() -> None:
    error = refusal(Script(exit_status=127, stderr=b"bash: python3: command not found\n"))
    assert not error.again
    assert "Python 3.8" in error.hint
