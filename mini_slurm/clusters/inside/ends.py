"""How jobs on a PBS ended: what their wrappers noted, and what the job history says of the others. One call for all.

Stands alone; runs where the commands are. It gets a line of JSON and answers with one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import Any

NOTES = os.path.join(".cache", "mini_slurm", "pbs")  # at home


def main() -> None:
    """Answer."""
    order = json.loads(sys.stdin.readline())
    told = [note for note in map(_note, order["jobs"].values()) if note]
    known = {note["id"] for note in told}
    left = [name for name in order["jobs"] if name not in known]
    answer: dict[str, Any] = {"notes": told, "code": 0, "out": "", "err": ""}
    if left:
        answer.update(_history(order["programs"], left))
    print(json.dumps(answer))


def _note(key: str) -> dict[str, Any]:
    try:
        with open(os.path.join(os.path.expanduser("~"), NOTES, key)) as file:
            note: dict[str, Any] = json.load(file)
            return note
    except (OSError, ValueError):
        return {}


def _history(programs: str, names: list[str]) -> dict[str, Any]:
    path = shutil.which("qstat", path=programs or None)
    if path is None:
        return {"code": 127, "err": "there is no qstat"}
    done = subprocess.run([path, "-x", "-t", "-f", *names], stdin=subprocess.DEVNULL, capture_output=True)
    return {"code": done.returncode, "out": done.stdout.decode("latin-1"), "err": done.stderr.decode("latin-1")}


if __name__ == "__main__":
    main()
