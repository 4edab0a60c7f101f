"""srun --bcast: the program is copied to all machines of the job before its step begins."""

from __future__ import annotations

import os

from mini_slurm.errors import Fatal, Refused
from mini_slurm.steps import launch, sbcast

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def deliver(program: str, given: Mapping[str, str], words: list[str], job: sbcast.Target) -> list[str]:
    """Copy the program that the words begin with; the words for its copy. Raises Refused."""
    if "bcast" not in given or not words:
        return words
    if "multi-prog" in given:
        raise Refused("--bcast copies one program, and --multi-prog names several")
    source = _find(words[0], job.environment.get("PATH", ""))
    folder, name = os.path.split(given["bcast"])
    place = os.path.join(given.get("chdir") or launch.folder(job.environment), folder)
    # Slurm's name has the step's number, which is not known yet
    path = os.path.join(place, name or f"slurm_bcast_{job.job_id}.{os.urandom(4).hex()}")
    if sbcast.send(program, source, path, {"force": ""}, job):
        raise Fatal(f"Failed to broadcast '{source}'. Step launch aborted.")
    return [path, *words[1:]]


def _find(name: str, path: str) -> str:
    """Where the program is here. Raises Refused."""
    places = [name] if "/" in name else [os.path.join(folder, name) for folder in path.split(":") if folder]
    for place in places:
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return place
    raise Refused(f"{name}: no such program here, so it cannot be copied")
