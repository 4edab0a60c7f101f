"""One cluster that a fleet file names: all of the file that a command needs which only passes something on."""

from __future__ import annotations

from collections.abc import Mapping

from mini_slurm.model.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.fleet import MachineEntry


class ClusterEntry(NamedTuple):
    """One cluster of `[clusters.NAME]`: a system that others run, reached by its own commands."""

    name: str
    type: str  # one of CLUSTER_TYPES
    host: str | None = None  # of its login node; None: its commands are on this machine
    port: int | None = None
    user: str | None = None
    identity_file: str | None = None
    jump_host: str | None = None
    partitions: tuple[
        str, ...
    ] = ()  # those that a job may name to get there, and that msinfo shows; empty: all are shown
    options: tuple[str, ...] = ()  # words that every submission begins with
    folder: str | None = None  # where its commands are; None: along PATH
    environment: Mapping[str, str] = {}  # variables that its commands need

    @property
    def login(self) -> MachineEntry:
        """Its login node, as links know machines."""
        from mini_slurm.model.fleet import MachineEntry  # commands that only pass something on can do without

        host = self.host or self.name
        return MachineEntry(self.name, host, self.port, self.user, self.identity_file, self.jump_host)
