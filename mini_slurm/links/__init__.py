"""How the agent of a machine is reached: over SSH, or on this machine itself."""

from __future__ import annotations

from mini_slurm.links.base import Link, Talker
from mini_slurm.model.fleet import MachineEntry


def make_link(entry: MachineEntry, *, ssh_config: str | None) -> Link:
    """The link to a machine; `ssh_config` is read instead of ~/.ssh/config. Nothing is connected yet."""
    if entry.local:
        from mini_slurm.links.local import LocalLink

        return LocalLink(entry)
    from mini_slurm.links.ssh import SshLink  # asyncssh: half a second and 20 MB that a local fleet does not pay

    return SshLink(entry, ssh_config=ssh_config)


def make_talker(entry: MachineEntry, *, ssh_config: str | None) -> Talker:
    """The way to a login node. Nothing is connected yet."""
    from mini_slurm.links.ssh import SshLink

    return SshLink(entry, ssh_config=ssh_config)
