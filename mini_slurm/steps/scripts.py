"""A batch script, found and read where sbatch was called: on the login node, or in a job."""

from __future__ import annotations

import os

from mini_slurm.errors import BadOption, Refused
from mini_slurm.model.units import LARGEST_SCRIPT


def read(name: str, path: str) -> tuple[str, bytes]:
    """Where the script of this name is, and its bytes, or the first of them if they are too many. Raises Refused."""
    found = _find(name, path)
    try:
        with open(found, "rb") as file:
            data = file.read(LARGEST_SCRIPT + 1)
    except IsADirectoryError:
        data = b""  # as sbatch has it: there is nothing to read
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no file can have this name"
        raise Refused(f"Unable to open file {found}", hint=str(why)) from None
    here = "/" if found.startswith("/") else current_folder()
    return os.path.normpath(os.path.join(here, found)), data


def current_folder() -> str:
    """Where this process is. Raises BadOption when that folder is gone."""
    try:
        return os.getcwd()
    except OSError as error:
        raise BadOption(f"getcwd failed: {error.strerror}", hint="cd to another folder") from None


def _find(name: str, path: str) -> str:
    """A script is looked for here, then along PATH; one whose name begins with a dot or a slash is where it says."""
    if name.startswith((".", "/")):
        return name
    here = current_folder()
    for folder in (here, *path.split(":")):
        place = os.path.join(here, folder, name) if folder.startswith(".") else os.path.join(folder, name)
        if folder and os.path.exists(place) and not os.path.isdir(place):
            return place
    return name
