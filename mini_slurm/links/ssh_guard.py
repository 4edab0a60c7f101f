"""Which host keys are accepted: those in the known_hosts files, and no others."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import asyncssh

from mini_slurm.errors import Unreachable
from mini_slurm.links import known_hosts, ssh_errors
from mini_slurm.links.known_hosts import HostKey
from mini_slurm.links.ssh_settings import Step


class Guard(asyncssh.SSHClient):
    """Decides on one host's key, and remembers why it said no."""

    def __init__(self, step: Step, *, accept: bool = True) -> None:
        self._step = step
        self._name = step.host_name
        self._accept = accept
        self.shown: HostKey | None = None
        self.refusal: Unreachable | None = None

    def known(self) -> Sequence[Any]:
        """What the known_hosts files say of the host: keys, CA keys, revoked keys and more, as asyncssh orders them."""
        paths = self._step.files.user + self._step.files.other
        return _load(known_hosts.stamp(paths)).match(self._name, "", None)

    def trusted(self, host: str, addr: str, port: int | None) -> Sequence[Any]:
        """asyncssh: which keys the host may have. Its address does not count: addresses change hands."""
        self._name = known_hosts.host_name(host, port or 22, self._step.alias)  # asyncssh may have made it canonical
        return self.known() if self._accept else ([], [], [])

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """asyncssh: a key that is not among the trusted ones. It is never accepted here."""
        same_kind = [other for other in self.known()[0] if other.algorithm == key.algorithm]
        state = "known" if key in same_kind else "changed" if same_kind else "new"
        kind, content = key.export_public_key("openssh").decode().split()[:2]
        line = f"{self._name} {kind} {content}"
        self.shown = HostKey(state, kind, key.get_fingerprint(), line, self._step.files.user[0])
        self.refusal = ssh_errors.key_refused(self._step.target, self.shown)
        return False


@functools.lru_cache(maxsize=8)
def _load(stamps: tuple[tuple[str, int, int], ...]) -> asyncssh.SSHKnownHosts:
    """The known hosts of some files; a line that does not parse is passed over, as ssh does."""
    lines = []
    for path, _, _ in stamps:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines += [line for line in file if _parses(line)]
    return asyncssh.import_known_hosts("".join(f"{line}\n" for line in lines))


def _parses(line: str) -> bool:
    try:
        asyncssh.import_known_hosts(line)
    except ValueError:
        return False
    return True
