"""Which of the systems that there are a scheduler stands for, and which one is taken where nothing is said."""

from __future__ import annotations

import os

from mini_slurm.config.paths import fleet_file
from mini_slurm.desk import places
from mini_slurm.errors import Refused

SLURM, PBS, LSF, LOCAL = "slurm", "pbs", "lsf", "local"
KINDS = {SLURM: ("slurm",), PBS: ("pbs", "torque"), LSF: ("lsf",)}  # types of clusters in a fleet file
SIGNS = {SLURM: "sbatch", PBS: "qsub", LSF: "bsub"}


def detect() -> str:
    """The system that a submission from here reaches: a fleet speaks Slurm; without one it is what PATH leads to."""
    there = places.survey(None)
    if there.fleet and (fleet_file() is not None or there.clusters):
        return SLURM
    for entry in there.clusters.values():
        return next((name for name, kinds in KINDS.items() if entry.type in kinds), LOCAL)
    return LOCAL


def place_of(system: str) -> str | None:
    """The cluster by which this system is reached, as the client takes it. Raises Refused where there is none."""
    there = places.survey(None)
    if system == SLURM and there.fleet and not os.environ.get(places.VARIABLE):
        return None
    chosen = os.environ.get(places.VARIABLE, "")
    names = [name for name, entry in there.clusters.items() if entry.type in KINDS[system]]
    if system == SLURM and there.fleet:
        names.append(there.fleet)
    if not names:
        raise Refused(
            f"there is no {system.upper()} here",
            hint=f"put {SIGNS[system]} on PATH, or a cluster of this type into the fleet file",
        )
    return chosen if chosen in names else names[0]
