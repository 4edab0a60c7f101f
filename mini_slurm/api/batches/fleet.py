"""config/fleet_config.json: a fleet in the older JSON form, where no fleet file says otherwise."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mini_slurm.config import json_fleet
from mini_slurm.errors import Refused

VARIABLE = "MINI_SLURM_FLEET"
ABOUT = "# Made from {}, and made anew when that is changed. What you write here stays as long as that is not.\n"
PARTITIONS = {"compute": "7-00:00:00", "debug": "1-00:00:00", "long": "30-00:00:00"}  # and their longest time limits


def use(config: Path) -> None:
    """Take the machines of the file for the fleet of this program, unless $MINI_SLURM_FLEET names one.

    The same fleet, as a fleet file, is put beside it with the ending .toml: the commands can be told to use that.
    Raises Refused for a file that is wrong.
    """
    if os.environ.get(VARIABLE) or not config.exists():
        return
    made = config.with_suffix(".toml").absolute()
    try:
        if not made.exists() or made.stat().st_mtime_ns < config.stat().st_mtime_ns:
            _write(made, config)
    except OSError as error:
        raise Refused(f"{made}: {error.strerror}", hint="make that folder writable, or set MINI_SLURM_FLEET") from None
    os.environ[VARIABLE] = str(made)


def _write(made: Path, config: Path) -> None:
    import tomli_w

    machines = {name: json_fleet.entry(name, table) for name, table in json_fleet.read(str(config)).items()}
    partitions: dict[str, dict[str, Any]] = {
        name: {"machines": "ALL", "max_time": limit, "default": name == "compute"} for name, limit in PARTITIONS.items()
    }
    text = ABOUT.format(config.name) + tomli_w.dumps({"machines": machines, "partitions": partitions})
    fresh = made.with_suffix(f".toml.{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(made)
