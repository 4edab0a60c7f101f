"""What the fleet file and ssh_config say of one connection."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from mini_slurm.links.known_hosts import Files
from mini_slurm.links.ssh_errors import Target
from mini_slurm.model.fleet import MachineEntry

PLAIN_KEY_ALGORITHMS = (
    *("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    *("rsa-sha2-512", "rsa-sha2-256"),
)


class Step(NamedTuple):
    """One connection of a route, as ssh_config and the fleet file together say it."""

    target: Target
    entry: MachineEntry
    jump: str  # "[user@]host[:port],..."; empty: none
    alias: str | None  # ssh_config's HostKeyAlias
    host_name: str  # what known_hosts calls it
    files: Files
    has_ciphers: bool  # ssh_config names ciphers


def given(entry: MachineEntry, ssh_config: str | None) -> dict[str, Any]:
    """asyncssh's arguments for what the entry says; the rest it reads from ssh_config."""
    # (): ~/.ssh/config, as asyncssh.connect() has it; without the argument construct() would read no file at all
    given: dict[str, Any] = {"host": entry.host, "config": [os.path.expanduser(ssh_config)] if ssh_config else ()}
    if entry.port is not None:
        given["port"] = entry.port
    if entry.user is not None:
        given["username"] = entry.user
    if entry.identity_file is not None:
        # A key with a passphrase is left to ssh-agent, which asyncssh asks first.
        given |= {"client_keys": [os.path.expanduser(entry.identity_file)], "ignore_encrypted": True}
    return given


def key_files(entry: MachineEntry, said: object) -> tuple[str, ...]:
    """The key files that a login uses."""
    if entry.identity_file:
        return (entry.identity_file,)
    return tuple(map(str, said)) if isinstance(said, list | tuple) else ()


def jump_entry(text: str) -> MachineEntry:
    """`[user@]host[:port]`, as ssh's ProxyJump has it."""
    user, _, host = text.strip().removeprefix("ssh://").rpartition("@")
    name, _, port = host.rpartition(":")
    if port.isdigit() and (":" not in name or name.endswith("]")):
        return MachineEntry(text, name.strip("[]"), int(port), user or None)
    return MachineEntry(text, host.strip("[]"), None, user or None)
