"""What `mini-slurm add` is given: `[USER@]HOST[:PORT]`, or a hostlist of such."""

from __future__ import annotations

import re

from mini_slurm.config.values import NAME
from mini_slurm.errors import Refused
from mini_slurm.model.fleet import MachineEntry
from mini_slurm.model.hostlist import expand

# a name, an address, or an IPv6 address in brackets; nothing that ssh would take for an option
HOST = re.compile(
    r"(?:(?P<user>[^-@\s][^@\s]*)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.][\w.-]*)(?::(?P<port>\d{1,5}))?", re.ASCII
)
USAGE = 2  # the exit status that Typer has for a wrong command line


def parse_hosts(text: str, name: str | None = None) -> list[MachineEntry]:
    """The machines that one argument means, called by the host's name where no other is given. Raises Refused."""
    return [_entry(host, name) for host in _expanded(text)]


def _expanded(text: str) -> list[str]:
    if HOST.fullmatch(text):
        return [text]
    try:
        hosts = expand(text)
    except ValueError:
        hosts = []
    return hosts or [text]


def _entry(text: str, name: str | None) -> MachineEntry:
    found = HOST.fullmatch(text)
    if not found or int(found["port"] or 22) not in range(1, 65536):
        raise Refused(f"not a host: {text}", hint="write [USER@]HOST[:PORT], or a hostlist", exit_code=USAGE)
    host = found["host"].strip("[]")
    if not NAME.fullmatch(name or host):
        raise Refused(f"{name or host} cannot be a node's name", hint="give it one: --name node1", exit_code=USAGE)
    return MachineEntry(name or host, host, int(found["port"]) if found["port"] else None, found["user"])
