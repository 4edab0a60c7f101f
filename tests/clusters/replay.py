"""Recordings of an OpenPBS, played against the stand-in: what differs each time (names, moments) is made alike."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.fleet import processes
from tests.waiting import wait_until

HERE = Path(__file__).parent
RECORDED = HERE / "openpbs.jsonl"
AGREED = HERE / "openpbs-agreed.txt"
COMMANDS = ("qsub", "qstat", "qdel", "qhold", "qrls", "qalter", "qsig", "pbs_tmrsh")
# what the recordings were made with: wait for a state, or for the end
HELPERS = """
wst() { for i in $(seq 100); do qstat -f "$1" 2> /dev/null | grep -q "job_state = $2" && return; sleep 0.1; done; }
wend() { for i in $(seq 100); do qstat "$1" > /dev/null 2>&1 || return; sleep 0.1; done; }
"""
MOMENT = re.compile(r"\w{3} \w{3} [ \d]\d(?: at)? \d\d:\d\d(?::\d\d \d{4})?")
LIMIT = 30  # seconds for a case


def cases() -> dict[str, dict[str, object]]:
    """Every recording by its id."""
    found = map(json.loads, RECORDED.read_text().splitlines())
    return {str(case["id"]): case for case in found}


def install(folder: Path) -> Path:
    """The stand-in under the names of PBS's commands."""
    text = (HERE / "openpbs.py").read_text().partition("\n")[2]
    folder.mkdir()
    for command in COMMANDS:
        (folder / command).write_text(f"#!{sys.executable}\n{text}")
        (folder / command).chmod(0o755)
    return folder


def play(case: dict[str, object], folder: Path) -> tuple[str, str, int]:
    """What the case prints on both streams, and its exit status, as it was recorded for bob."""
    work, state = folder / "work", folder / "state"
    work.mkdir()
    state.mkdir()
    bin = install(folder / "bin")
    numbers = re.findall(r"\b(\d+)(?:\[\d*\])?\.pbsn1", f"{json.dumps(case.get('vars', {}))} {case['stdout']}")
    environment = {
        "PATH": f"{bin}:/usr/bin:/bin", "HOME": str(folder), "STAND_IN_PBS": str(state), "LANG": "C.UTF-8",
        "STAND_IN_USER": "bob", "STAND_IN_FIRST": min(numbers, key=int, default="1"),
    }  # fmt: skip
    setup = case.get("setup") or []
    assert isinstance(setup, list)
    parts = [f"{{ {part}; }} > /dev/null" if "$(" not in part else f"{part} > /dev/null" for part in map(str, setup)]
    script = "\n".join(
        [HELPERS, *(f"eval {shlex.quote(part)}" for part in parts), "echo ---- | tee /dev/stderr", str(case["cmd"])]
    )
    done = subprocess.run(
        ["bash", "-c", script], cwd=work, env=environment, capture_output=True, text=True, timeout=LIMIT
    )
    out, err = (alike(text.partition("----\n")[2], work) for text in (done.stdout, done.stderr))
    return out, err, done.returncode


def end_jobs(folder: Path) -> None:
    """End what runs for a stand-in there; a job that is just starting is met by a further look."""
    wait_until(lambda: not processes.mentioning(folder) or processes.kill(processes.mentioning(folder)), "jobs to end")


def alike(text: str, work: Path | None = None) -> str:
    """Without what is another each time."""
    if work is not None:
        text = text.replace(str(work), "/home/bob/work")
    return MOMENT.sub("MOMENT", text)
