"""The fleet file that `mini-slurm` writes to."""

from __future__ import annotations

import os

from mini_slurm.config.fleet import read_fleet
from mini_slurm.config.paths import fleet_file, own_fleet_file
from mini_slurm.model.fleet import Fleet, MachineEntry


def fleet_file_to_write() -> str:
    """The file that counts; where there is none, the one that $MINI_SLURM_FLEET names, or the user's own."""
    named = os.environ.get("MINI_SLURM_FLEET")
    if named and not os.path.exists(named):
        return os.path.abspath(named)
    return fleet_file() or own_fleet_file()


def fleet_of(path: str) -> Fleet | None:
    """The fleet in a file, if the file is there. Raises FleetError."""
    return read_fleet(path) if os.path.exists(path) else None


def machines_of(path: str) -> dict[str, MachineEntry]:
    """The machines in a fleet file, if it is there. Raises FleetError."""
    fleet = fleet_of(path)
    return dict(fleet.machines) if fleet else {}
