"""Pages of docs/examples, followed as a reader would, on a fleet of two machines."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import tomli_w

from tests.clients import guides
from tests.fleet.machines import Machines

PAGES = Path(__file__).parents[2] / "docs" / "examples"
MACHINE = {"cpus": 8, "memory": "256G", "gpus": 4}
LIMIT = 60  # seconds for a command


def make_fleet(folder: Path, **settings: Any) -> Machines:
    """Two machines with GPUs, a partition for them, an account and a QOS; `settings` of the fleet as a whole."""
    fleet = Machines(folder)
    for name in ("node1", "node2"):
        fleet.add(name, **MACHINE)
    machines = {"machines": "node[1-2]"}
    tables = {
        "fleet": {"name": "test", **settings},
        "machines": fleet.tables,
        "partitions": {"compute": {**machines, "default": True}, "gpu": machines},
        "qos": {"high": {"priority": 100}},
        "accounts": {"proj123": {"users": {fleet.environment["USER"]: {"qos": ["normal", "high"], "default": True}}}},
    }
    fleet.fleet_file.write_text(tomli_w.dumps(tables))
    return fleet


def follow(fleet: Machines, name: str, folder: Path, **environment: str) -> int:
    """Write the page's files into the folder, and type its commands there; how many these were."""
    page = (PAGES / f"{name}.md").read_text()
    folder.mkdir(exist_ok=True)
    for path, text in guides.files(page).items():
        (folder / path).write_text(text)
    typed = guides.steps(page)
    for step in typed:
        done = fleet.run(
            "bash", "-c", step.command, cwd=folder, seconds=LIMIT, env={**fleet.environment, **environment}
        )
        assert done.returncode == 0, f"{step.command}: {done.stdout}{done.stderr}"
        pattern = ".*".join(map(re.escape, step.printed.split(guides.ANY)))
        assert re.fullmatch(pattern, done.stdout, re.DOTALL), f"{step.command} prints\n{done.stdout}{done.stderr}"
    return len(typed)
