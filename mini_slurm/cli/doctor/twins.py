"""Names of the fleet file that lead to the same machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mini_slurm.cli.doctor.findings import ERROR, Finding
from mini_slurm.links.checkup import Checkup
from mini_slurm.model.hostlist import compress, natural


def findings(checkups: Mapping[str, Checkup]) -> list[Finding]:
    """One for each machine that has several names, and so one agent for all of them."""
    places: dict[tuple[str, ...], list[str]] = {}
    for name, found in checkups.items():
        place = _place(found.facts)
        if place is not None:
            places.setdefault(place, []).append(name)
    return [_told(sorted(names, key=natural)) for names in places.values() if len(names) > 1]


def _place(facts: Mapping[str, Any]) -> tuple[str, ...] | None:
    """What tells an agent's place from all others: containers of one kernel have mounts of their own."""
    if not {"place", "system", "folders"} <= facts.keys():
        return None
    return *facts["place"], str(facts["system"]["uid"]), facts["folders"]["spool"]["path"]


def _told(names: list[str]) -> Finding:
    text = f"{compress(names)} are one machine: its CPUs are counted {len(names)} times, and its jobs may get lost"
    return Finding(ERROR, compress(names), "machines", text, "leave one of them in the fleet file, or correct `host`")
