"""A machine that is looked at by `mini-slurm doctor`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from mini_slurm.links.checkup import Checkup
from mini_slurm.model.fleet import MachineEntry


class Subject(NamedTuple):
    """A machine and what is known of it; `is_login`: it is the login node, on which the controller runs."""

    entry: MachineEntry
    found: Checkup
    is_login: bool = False
    runs_jobs: bool = True
    through: int = 0  # machines that are reached through the same jump host

    @property
    def ssh(self) -> str:
        """What reaches it by hand."""
        return "" if self.entry.local or self.is_login else f"ssh {self.entry.host} "

    @property
    def ssh_as_root(self) -> str:
        """The same with a terminal, on which sudo asks for a password."""
        return self.ssh.replace("ssh ", "ssh -t ", 1)


Facts = Mapping[str, Any]  # as agent/checkup.py gathers them
