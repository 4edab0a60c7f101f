"""Did an array end as a job that waited for it wants? The notes of its tasks tell, else PBS. Runs in that job, first.

Where nodes have no home in common a note is not seen everywhere: one that is missing tells of no end.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import Any

CALLS = os.path.join(".cache", "mini_slurm", "calls")  # at home: a submission over SSH leaves a folder there
CONFIGURATION = "/etc/pbs.conf"
PATIENCE = 60  # seconds that qstat may take
TASK = re.compile(r"Job Id: \d+\[(\d+)\]")
OVER = re.compile(r"^    job_state = [XF]$", re.MULTILINE)
STATUS = re.compile(r"^    Exit_status = (-?\d+)$", re.MULTILINE)


def is_met(order: dict[str, Any], notes: str, kind: str, tag: str, name: str, tasks: list[int]) -> bool:
    """Did all tasks of the array go well, or, for `afternotok`, not all? What nobody knows, PBS decides."""
    known = {task: _noted(os.path.join(notes, f"{tag}.{task}")) for task in tasks}
    if None in known.values():
        told = _told(order, name)
        known = {task: told.get(task) if well is None else well for task, well in known.items()}
    if None in known.values() and _is_at_home(order):
        known = {task: bool(well) for task, well in known.items()}  # it never began, or was killed: it would be here
    return False not in known.values() if kind == "afterok" else not all(known.values())


def _noted(path: str) -> bool | None:
    """Did the task go well? None: its end is not told here."""
    try:
        with open(path) as file:
            told = json.load(file)
    except (OSError, ValueError):
        return None
    return not (told["code"] or told["signal"] or told["ended"]) if "id" in told else None


def _told(order: dict[str, Any], name: str) -> dict[int, bool]:
    """Which tasks went well, as the job history has it; nothing where there is none."""
    path = shutil.which("qstat", path=_programs(order))
    if path is None or not order["history"]:
        return {}
    try:
        done = subprocess.run(
            [path, *order["history"], name], capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return ended(done.stdout.decode("utf-8", "backslashreplace"))


def ended(output: str) -> dict[int, bool]:
    """The tasks that are over in what qstat -f printed: did they go well? One without a status never ran."""
    found = {}
    for record in re.split(r"^(?=Job Id: )", output, flags=re.MULTILINE):
        task, status = TASK.match(record), STATUS.search(record)
        if task and OVER.search(record):
            found[int(task[1])] = status is not None and status[1] == "0"
    return found


def _programs(order: dict[str, Any]) -> str:
    """Where PBS's commands may be: a node's PATH seldom has them."""
    try:
        with open(os.environ.get("PBS_CONF_FILE", CONFIGURATION)) as file:
            found = re.findall(r"^PBS_EXEC=(.+)$", file.read(), re.MULTILINE)
    except OSError:
        found = []
    folders = [order["programs"], *(os.path.join(folder.strip(), "bin") for folder in found), os.environ.get("PATH")]
    return ":".join(filter(None, folders))


def _is_at_home(order: dict[str, Any]) -> bool:
    """Is the home folder the one of where the job was submitted?"""
    home = os.path.expanduser("~")
    if order["home"] is None:  # submitted over SSH
        return os.path.isdir(os.path.join(home, CALLS, order["tag"]))
    return os.path.isdir(home) and os.stat(home).st_ino == order["home"]
