"""What went wrong on the way to a machine, in one line, with what to do. Knows asyncssh's errors by name only."""

from __future__ import annotations

import base64
import errno
import os
import re
import socket
from collections.abc import Callable
from typing import NamedTuple

from mini_slurm.errors import Unreachable, visible
from mini_slurm.links.known_hosts import HostKey
from mini_slurm.model.fleet import MachineEntry

DEFAULT_KEYS = ("id_ed25519_sk", "id_ecdsa_sk", "id_ed25519", "id_ecdsa", "id_rsa")  # of ~/.ssh
CALL_FAILED = "Connect call failed"  # asyncio's words for whatever kept it from connecting
NOT_THERE = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN})
NOT_ALLOWED = 1  # SSH_OPEN_ADMINISTRATIVELY_PROHIBITED
KEY_HEAD = 1024  # bytes of a private key file that say whether it has a passphrase


class Target(NamedTuple):
    """Who was to be reached."""

    machine: str  # the fleet's name for it
    host: str
    port: int
    user: str
    jump: bool = False  # a jump host on the way to the machine
    keys: tuple[str, ...] = ()  # key files of the login; none: ssh's usual ones
    agent: bool = False  # ssh-agent is asked as well
    through: str = ""  # the jump host that the connection runs through

    @property
    def label(self) -> str:
        """How a line about it begins."""
        return f"{self.machine}: jump host {self.host}" if self.jump else self.machine

    @property
    def address(self) -> str:
        """Host and port, the usual port left out."""
        return self.host if self.port == 22 else f"{self.host} port {self.port}"

    @property
    def ssh_words(self) -> str:
        """Arguments with which `ssh` tries the same."""
        through = f"-J {self.through} " if self.through else ""
        port = "" if self.port == 22 else f"-p {self.port} "
        return f"{through}{port}{self.user}@{self.host}"


def explain(error: BaseException, target: Target) -> Unreachable:
    """A connection that did not come about."""
    for kind in type(error).__mro__:
        if kind.__name__ in LINES:
            return LINES[kind.__name__](error, target)
    if set(re.findall(r"\[Errno (\d+)\]", str(error))) == {str(errno.ECONNREFUSED)}:
        return _refused(error, target)  # one error for the several addresses of a name
    gone = getattr(error, "errno", None) in NOT_THERE
    hint = "is the machine up, its address right, and its cable plugged in?" if gone else _compare(target)
    return Unreachable(f"{target.label}: {target.address}: {_reason(error)}", hint=hint)


def unusable(error: BaseException, target: Target) -> Unreachable:
    """ssh_config, a key file or an argument that cannot be used."""
    is_key = type(error).__name__ == "KeyImportError" and len(target.keys) == 1
    name = target.keys[0] if is_key else getattr(error, "filename", None)
    where = f"{name}: " if name else ""
    hint = "correct ~/.ssh/config or the machine's entry in the fleet file"
    if is_key:
        hint = "name the private key: its file has no .pub at the end"
    return Unreachable(f"{target.label}: {where}{_reason(error)}", hint=hint, again=False)


def key_refused(target: Target, key: HostKey) -> Unreachable:
    """A host key that is not the known one."""
    if key.state == "changed":
        return Unreachable(
            f"{target.label}: THE HOST KEY OF {target.address} HAS CHANGED ({key.kind} {key.fingerprint}):"
            " it may be another machine, or somebody is listening",
            hint="if the machine was set up anew:"
            f" ssh-keygen -f {key.path} -R '{key.line.split()[0]}', then {_add(target)}",
            again=False,
        )
    return Unreachable(
        f"{target.label}: the host key of {target.address} is not known yet ({key.kind} {key.fingerprint})",
        hint=_add(target),
        again=False,
    )


def no_python(entry: MachineEntry, code: int, complaint: bytes) -> Unreachable:
    """A login after which python3 failed."""
    said = complaint.decode(errors="replace").strip().splitlines() or [f"exit status {code}"]
    return Unreachable(
        f"{entry.name}: python3 does not run on {entry.host}: {said[-1]}",
        hint=f"does `ssh {entry.host} python3 -V` work?",
        again=False,
    )


def _add(target: Target) -> str:
    return f"ssh {target.ssh_words}" if target.jump else f"mini-slurm add {target.machine}"


def _unknown_name(error: BaseException, target: Target) -> Unreachable:
    code = error.args[0] if error.args else None
    return Unreachable(
        f"{target.label}: no address is known for the host name {target.host!r}",
        hint=f"correct `{'jump_host' if target.jump else 'host'}` in the fleet file,"
        " or give the name a Host block with HostName in ~/.ssh/config",
        again=code == socket.EAI_AGAIN,
    )


def _refused(error: BaseException, target: Target) -> Unreachable:
    return Unreachable(
        f"{target.label}: connection refused by {target.address}",
        hint="is the port right, and does sshd run there?",
    )


def _timeout(error: BaseException, target: Target) -> Unreachable:
    return Unreachable(
        f"{target.label}: no answer from {target.address}",
        hint=f"is the machine up, does a firewall drop port {target.port}, and does `ssh {target.ssh_words}` work?",
    )


def _login_refused(error: BaseException, target: Target) -> Unreachable:
    locked = [key for key in _key_files(target) if has_passphrase(key)]
    return Unreachable(
        f"{target.label}: login as {target.user} refused by {target.address} (tried: {_tried(target)})",
        hint=add_key(locked[0], has_agent=target.agent) if locked else _copy_key(target),
        again=False,
    )


def add_key(path: str, *, has_agent: bool) -> str:
    """How a key with a passphrase is given to an ssh agent, which a running controller does not find by itself."""
    return f"ssh-add {path}" if has_agent else f"eval $(ssh-agent); ssh-add {path}; mini-slurm stop"


def _copy_key(target: Target) -> str:
    words = target.ssh_words.replace("-J ", "-o ProxyJump=")
    if not _key_files(target) and not target.agent:
        return f"ssh-keygen -t ed25519, then ssh-copy-id {words}"
    if not target.keys:
        return f"ssh-copy-id {words}"
    there = [key for key in target.keys if os.path.exists(os.path.expanduser(f"{key}.pub"))]
    key = (there or target.keys)[0]
    return f"{'' if there else f'ssh-keygen -y -f {key} > {key}.pub; '}ssh-copy-id -i {key} {words}"


def _key_files(target: Target) -> list[str]:
    usual = (f"~/.ssh/{name}" for name in DEFAULT_KEYS)
    return list(target.keys) or [key for key in usual if os.path.exists(os.path.expanduser(key))]


def _tried(target: Target) -> str:
    tried = [f"{key}, which has a passphrase" if has_passphrase(key) else key for key in _key_files(target)]
    return ", ".join(tried + ["ssh-agent"] * target.agent) or "no key: there is none in ~/.ssh, and no ssh-agent"


def has_passphrase(path: str) -> bool:
    """Whether a private key can be used through ssh-agent only, as nobody is there to ask."""
    try:
        with open(os.path.expanduser(path), "rb") as file:
            head, _, text = file.read(KEY_HEAD).partition(b"-----\n")
        if b"OPENSSH" not in head:
            return b"ENCRYPTED" in head + text
        cipher = base64.b64decode(b"".join(text.split())[:64]).removeprefix(b"openssh-key-v1\0")[4:]
    except (OSError, ValueError):
        return False
    return not cipher.startswith(b"none")


def _key_not_trusted(error: BaseException, target: Target) -> Unreachable:
    return Unreachable(
        f"{target.label}: the host key of {target.address} is not trusted: {_reason(error)}",
        hint=f"see its lines in the known_hosts files, and what `ssh {target.ssh_words}` says",
        again=False,
    )


def _no_common_algorithm(error: BaseException, target: Target) -> Unreachable:
    return Unreachable(
        f"{target.label}: no common way to encrypt with {target.address}: {_reason(error)}",
        hint=_compare(target),
        again=False,
    )


def _lost(error: BaseException, target: Target) -> Unreachable:
    return Unreachable(
        f"{target.label}: {target.address} closed the connection before the login was done",
        hint="sshd may have too many logins under way (MaxStartups); it is tried again",
    )


def _channel(error: BaseException, target: Target) -> Unreachable:
    if target.through:
        return Unreachable(
            f"{target.label}: {target.address} cannot be reached from the jump host {target.through}: {_reason(error)}",
            hint=_behind(error, target),
        )
    return Unreachable(
        f"{target.label}: {target.address} opened no session: {_reason(error)}",
        hint="sshd's MaxSessions may be too low there",
    )


def _behind(error: BaseException, target: Target) -> str:
    """What to do where a jump host could not connect to the next one; its sshd gives the words of its own system."""
    if getattr(error, "code", None) == NOT_ALLOWED:
        return f"set AllowTcpForwarding yes in sshd_config of {target.through}"
    said = _reason(error).lower()
    if "refused" in said:
        return "is the port right, and does sshd run there?"
    if "resolution" in said or "not known" in said:
        return f"correct `host` in the fleet file, or give the name to {target.through}, where it is looked up"
    return f"is the machine up, its address right, and does {target.through} reach it?"


def _compare(target: Target) -> str:
    return f"compare with `ssh -v {target.ssh_words}`"


def _disconnected(error: BaseException, target: Target) -> Unreachable:
    if "too many authentication" in _reason(error).lower():
        return Unreachable(
            f"{target.label}: {target.address} ended the login after too many keys (tried: {_tried(target)})",
            hint="name the right key: identity_file in the fleet file,"
            " or IdentityFile and IdentitiesOnly in ~/.ssh/config",
            again=False,
        )
    line = f"{target.label}: {target.address} ended the connection: {_reason(error)}"
    return Unreachable(line, hint=_compare(target))


def _bad_name(error: BaseException, target: Target) -> Unreachable:
    return Unreachable(
        f"{target.label}: {target.host!r} is no host name: {_reason(error)}",
        hint="correct `host` in the fleet file",
        again=False,
    )


def _reason(error: BaseException) -> str:
    """The error's own words on one line, control characters made visible."""
    number = getattr(error, "errno", None)
    if isinstance(error, OSError) and isinstance(number, int) and CALL_FAILED in str(error):
        return os.strerror(number)
    text = getattr(error, "strerror", None) or getattr(error, "reason", None) or str(error) or type(error).__name__
    return one_line(str(text))


def one_line(text: str) -> str:
    """Text of a machine on one line, control characters made visible."""
    return visible(text.replace("\n", " ").replace("\t", " ")).strip()


LINES: dict[str, Callable[[BaseException, Target], Unreachable]] = {
    "gaierror": _unknown_name,
    "ConnectionRefusedError": _refused,
    "TimeoutError": _timeout,
    "PermissionDenied": _login_refused,
    "HostKeyNotVerifiable": _key_not_trusted,
    "KeyExchangeFailed": _no_common_algorithm,
    "ConnectionLost": _lost,
    "ConnectionResetError": _lost,
    "BrokenPipeError": _lost,
    "ChannelOpenError": _channel,
    "DisconnectError": _disconnected,
    "UnicodeError": _bad_name,
}
