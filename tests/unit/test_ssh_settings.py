"""Names and numbers on the way to a machine: jump hosts, known_hosts names, lines for errors."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

import pytest

from mini_slurm.links.known_hosts import GLOBAL_FILES, files, host_name
from mini_slurm.links.ssh_errors import Target, explain, one_line, unusable
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


class ChannelOpenError(Exception):
    """As asyncssh's, which is known by its name."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class KeyImportError(ValueError):
    """As asyncssh's."""


class PermissionDenied(Exception):
    """As asyncssh's."""


@pytest.mark.parametrize(
    ("code", "reason", "hint"),
    [
        (1, "open failed", "set AllowTcpForwarding yes in sshd_config of gate"),
        (2, "Connection refused", "is the port right, and does sshd run there?"),
        (2, "No route to host", "is the machine up, its address right, and does gate reach it?"),
        (2, "Name or service not known", "correct `host` in the fleet file, or give the name to gate"),
    ],
)
def test_what_to_do_behind_a_jump_host_is_told_by_its_words(code: int, reason: str, hint: str) -> None:
    assert explain(ChannelOpenError(code, reason), TARGET._replace(through="gate")).hint.startswith(hint)


def test_no_answer_behind_a_jump_host_is_tried_by_hand_the_same_way() -> None:
    hint = explain(TimeoutError(), TARGET._replace(through="gate")).hint
    assert "a firewall drop port 2222" in hint
    assert "`ssh -J gate -p 2222 alice@10.0.0.1`" in hint


def test_a_jump_host_without_address_is_corrected_where_it_was_written() -> None:
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert explain(error, TARGET._replace(jump=True)).hint.startswith("correct `jump_host` in the fleet file")


def test_a_machine_to_which_no_way_leads_is_not_sought_by_ssh() -> None:
    hint = "is the machine up, its address right, and its cable plugged in?"
    assert explain(OSError(errno.EHOSTUNREACH, "No route to host"), TARGET).hint == hint


def test_a_public_key_in_the_place_of_the_private_one_is_named() -> None:
    error = unusable(KeyImportError("Invalid private key"), TARGET._replace(keys=("~/.ssh/id.pub",)))
    assert error.lines == ("node1: ~/.ssh/id.pub: Invalid private key",)
    assert error.hint == "name the private key: its file has no .pub at the end"


def test_a_refused_login_names_the_key_to_be_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    words = "-o ProxyJump=gate -p 2222 alice@10.0.0.1"
    target = TARGET._replace(through="gate")
    assert explain(PermissionDenied(), target).hint == f"ssh-keygen -t ed25519, then ssh-copy-id {words}"
    key = tmp_path / "lab"
    target = target._replace(keys=(str(key),))
    key.touch()
    copy = f"ssh-copy-id -i {key} {words}"
    assert explain(PermissionDenied(), target).hint == f"ssh-keygen -y -f {key} > {key}.pub; {copy}"
    (tmp_path / "lab.pub").touch()
    assert explain(PermissionDenied(), target).hint == copy


def test_a_key_with_a_passphrase_wants_an_agent_that_the_controller_finds(tmp_path: Path) -> None:
    key = tmp_path / "locked"
    key.write_text("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n")
    target = TARGET._replace(keys=(str(key),))
    assert explain(PermissionDenied(), target._replace(agent=True)).hint == f"ssh-add {key}"
    hint = explain(PermissionDenied(), target).hint
    assert hint == f"eval $(ssh-agent); ssh-add {key}; mini-slurm stop"


def test_control_characters_are_made_visible() -> None:
    assert one_line("a\x1b[2J\tb\nc\x00 é\u202e") == "a\\x1b[2J b c\\x00 é\\u202e"
