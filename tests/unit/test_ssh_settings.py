"""Names and numbers on the way to a machine: jump hosts, known_hosts names, lines for errors."""

from __future__ import annotations

import errno
import socket

import pytest

from mini_slurm.links.known_hosts import GLOBAL_FILES, files, host_name
from mini_slurm.links.ssh_errors import Target, explain, one_line
from mini_slurm.links.ssh_settings import jump_entry

TARGET = Target("node1", "10.0.0.1", 2222, "alice")


@pytest.mark.parametrize(
    ("text", "user", "host", "port"),
    [
        ("bastion", None, "bastion", None),
        ("alice@bastion", "alice", "bastion", None),
        ("bastion:2222", None, "bastion", 2222),
        ("alice@lab@bastion:22", "alice@lab", "bastion", 22),
        ("ssh://alice@bastion:22", "alice", "bastion", 22),
        ("::1", None, "::1", None),
        ("[::1]:22", None, "::1", 22),
        ("[::1]", None, "::1", None),
        (" bastion ", None, "bastion", None),
    ],
)
def test_a_jump_host_is_read_as_ssh_reads_it(text: str, user: str | None, host: str, port: int | None) -> None:
    entry = jump_entry(text)
    assert (entry.user, entry.host, entry.port) == (user, host, port)


@pytest.mark.parametrize(
    ("host", "port", "alias", "name"),
    [
        ("Node1", 22, None, "node1"),
        ("node1", 2222, None, "[node1]:2222"),
        ("::1", 22, None, "::1"),
        ("node1", 2222, "lab", "lab"),
    ],
)
def test_a_host_is_called_in_known_hosts_as_ssh_calls_it(host: str, port: int, alias: str | None, name: str) -> None:
    assert host_name(host, port, alias) == name


def test_switching_the_check_off_means_the_usual_files() -> None:
    usual = files(None, None)
    assert usual.other == GLOBAL_FILES
    assert files([], None) == usual
    assert files(["/dev/null"], None) == usual
    assert files(["/a", "/b"], ["/c"]) == (("/a", "/b"), ("/c",))


@pytest.mark.parametrize(
    ("error", "words", "again"),
    [
        (
            ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed"),
            "connection refused by 10.0.0.1 port 2222",
            1,
        ),
        (
            OSError("Multiple exceptions: [Errno 111] a, [Errno 111] b"),
            "connection refused",
            1,
        ),
        (OSError("Multiple exceptions: [Errno 111] a, [Errno 113] b"), "Multiple exceptions", 1),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "10.0.0.1 port 2222: No route to host", 1),
        (
            OSError(errno.EHOSTUNREACH, "Connect call failed ('10.0.0.1', 2222)"),
            "10.0.0.1 port 2222: No route to host",
            1,
        ),
        (TimeoutError(), "no answer from", 1),
        (ConnectionResetError(), "closed the connection", 1),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "no address", 1),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no address", 0),
    ],
)
def test_each_trouble_has_its_line_and_says_whether_to_try_again(error: OSError, words: str, again: int) -> None:
    explained = explain(error, TARGET)
    assert len(explained.lines) == 1
    assert explained.lines[0].startswith("node1: ")
    assert words in explained.lines[0]
    assert explained.again == bool(again)


def test_control_characters_are_made_visible() -> None:
    assert one_line("a\x1b[2J\tb\nc\x00 é\u202e") == "a\\x1b[2J b c\\x00 é\\u202e"
