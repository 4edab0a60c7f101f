"""How jobs on a PBS ended: what their wrappers noted, and what the job history says of the others. One call for all.

The same notes tell of a submission whose answer was lost, when its job is over before anybody looks for it.

Stands alone; runs where the commands are. It gets a line of JSON and answers with one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import Any

NOTES = os.path.join(".cache", "mini_slurm", "pbs")  # at home


def main() -> None:
    """Answer."""
    order = json.loads(sys.stdin.readline())
    if "tag" in order:
        sys.exit(_find(order["programs"], order["tag"]))
    told = [note for note in map(_note, order["jobs"].values()) if note]
    # why PBS asked for an end, it alone knows
    known = {note["id"] for note in told if not note["ended"]}
    # an array's tasks are told when the array is asked for
    left = list(dict.fromkeys(re.sub(r"\[\d+\]", "[]", name) for name in order["jobs"] if name not in known))
    answer: dict[str, Any] = {"notes": told, "code": 0, "out": "", "err": ""}
    if left:
        answer.update(_history(order["programs"], left))
    print(json.dumps(answer))


def _find(programs: str, tag: str) -> int:
    """Print what qstat says of all jobs, and of the one with this tag, should it be over already."""
    path = shutil.which("qstat", path=programs or None)
    if path is None:
        sys.stderr.write("there is no qstat\n")
        return 127
    done = subprocess.run([path, "-t", "-f", "-w"], stdin=subprocess.DEVNULL, capture_output=True)
    sys.stderr.buffer.write(done.stderr)
    sys.stdout.buffer.write(done.stdout)
    mark = b"MINI_SLURM_TAG=" + tag.encode()
    if done.returncode == 0 and mark not in done.stdout:
        note = next(filter(None, map(_note, _keys(tag))), None)
        if note:  # no job history is needed
            print(f"Job Id: {note['id']}\n    job_state = F\n    Variable_List = MINI_SLURM_TAG={tag}\n")
        else:
            history = [path, "-x", "-f", "-w"]
            told = subprocess.run(history, stdin=subprocess.DEVNULL, capture_output=True)
            sys.stdout.buffer.write(told.stdout if mark in told.stdout else b"")
    return done.returncode


def _keys(tag: str) -> list[str]:
    """The notes of this submission: the job's, or those of an array's tasks."""
    try:
        names = os.listdir(os.path.join(os.path.expanduser("~"), NOTES))
    except OSError:
        return []
    return [name for name in names if name == tag or name.startswith(tag + ".")]


def _note(key: str) -> dict[str, Any]:
    """The note of an end; nothing of a job that runs."""
    try:
        with open(os.path.join(os.path.expanduser("~"), NOTES, key)) as file:
            note: dict[str, Any] = json.load(file)
            return note if "id" in note else {}
    except (OSError, ValueError):
        return {}


def _history(programs: str, names: list[str]) -> dict[str, Any]:
    path = shutil.which("qstat", path=programs or None)
    if path is None:
        return {"code": 127, "err": "there is no qstat"}
    done = subprocess.run([path, "-x", "-t", "-f", "-w", *names], stdin=subprocess.DEVNULL, capture_output=True)
    return {"code": done.returncode, "out": done.stdout.decode("latin-1"), "err": done.stderr.decode("latin-1")}


if __name__ == "__main__":
    main()
