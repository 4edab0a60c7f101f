"""How jobs on a PBS ended: what their wrappers noted, and what the job history says of the others. One call for all.

The same notes tell of submissions whose answer was lost, when their jobs are over before anybody looks for them.

Stands alone; runs where the commands are. It gets a line of JSON and answers with one. `listing` and `history` are
qstat's options, and `noted` is what it prints of a job that is over.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from typing import Any

NOTES = os.path.join(".cache", "mini_slurm", "pbs")  # at home
KILLED = 256  # Exit_status of what a signal ended: this and the signal
ENDED, DELETED = 92, 91  # substates


def main() -> None:
    """Answer."""
    order = json.loads(sys.stdin.readline())
    if "tags" in order:
        sys.exit(_find(order))
    told = [note for note in map(_note, order["jobs"].values()) if note]
    # why PBS asked for an end, it alone knows
    known = {note["id"] for note in told if not note["ended"]}
    # an array's tasks are told when the array is asked for
    left = list(dict.fromkeys(re.sub(r"\[\d+\]", "[]", name) for name in order["jobs"] if name not in known))
    answer: dict[str, Any] = {"notes": told, "code": 0, "out": "", "err": ""}
    if left and order["history"]:
        answer.update(_history(order, left))
    print(json.dumps(answer))


def _find(order: dict[str, Any]) -> int:
    """Print what qstat says of all jobs, and of those with these tags, should they be over already."""
    path = shutil.which("qstat", path=order["programs"] or None)
    if path is None:
        sys.stderr.write("there is no qstat\n")
        return 127
    done = subprocess.run([path, *order["listing"]], stdin=subprocess.DEVNULL, capture_output=True)
    sys.stderr.buffer.write(done.stderr)
    sys.stdout.buffer.write(done.stdout)
    if done.returncode:
        return done.returncode
    left = []
    for tag in order["tags"]:
        noted = [note for note in map(_note, _keys(tag)) if note and not _is_listed(note, done.stdout)]
        for note in noted:  # no job history is needed
            sys.stdout.buffer.write(_as_listed(order, tag, note).encode() + b"\n")
        mark = b"MINI_SLURM_TAG=" + tag.encode()
        left += [mark] if not noted and mark not in done.stdout else []
    if left and order["history"]:
        words = [word for word in order["history"] if word != "-t"]  # the job is enough, without its tasks
        told = subprocess.run([path, *words], stdin=subprocess.DEVNULL, capture_output=True)
        sys.stdout.buffer.write(told.stdout if any(mark in told.stdout for mark in left) else b"")
    return 0


def _is_listed(note: dict[str, Any], listing: bytes) -> bool:
    """Has the job a record of its own? Its name alone may be a part of another's, or of a dependency."""
    return re.search(b"(Job Id: |<Job_Id>)" + re.escape(note["id"].encode()) + rb"\s*(<|$)", listing, re.M) is not None


def _as_listed(order: dict[str, Any], tag: str, note: dict[str, Any]) -> str:
    """The note of an end in the words of that qstat."""
    code = KILLED + (note["signal"] or signal.SIGTERM) if note["signal"] or note["ended"] else note["code"]
    substate = DELETED if note["ended"] else ENDED
    text: str = order["noted"]
    return text.format(id=note["id"], tag=tag, code=code, substate=substate, end=int(note["end"]))


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


def _history(order: dict[str, Any], names: list[str]) -> dict[str, Any]:
    path = shutil.which("qstat", path=order["programs"] or None)
    if path is None:
        return {"code": 127, "err": "there is no qstat"}
    done = subprocess.run([path, *order["history"], *names], stdin=subprocess.DEVNULL, capture_output=True)
    return {"code": done.returncode, "out": done.stdout.decode("latin-1"), "err": done.stderr.decode("latin-1")}


if __name__ == "__main__":
    main()
