"""The recorded cases: what slurm.jsonl, queues.json, waived.txt, differences.md and agreed.txt say.

A case is one JSON object a line. It is played in one shell, in an emptied <home>/work (or "cwd"), in this order:
files, setup, cmd, after; then the files that match "globs" are read. cmd, those after-commands that have a recorded
answer, and "show" {file: text} are compared. J is the job that cmd submitted, "vars" are the one-letter shell variables
at the end; an after-command that mentions J is left out when there is no J. "queue" names a queue of jobs that several
cases look at: queues.json says how it is made; "spoils": the case leaves it unfit for the next. "@N@" in a command
stands for the job that had number N in the recording. "scrub": regular expressions replaced in our answers as they
were in the recorded ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
USER, HOST = "alice", "login"  # of the recording
UIDS = {"alice": "1001", "bob": "1002"}
COMMANDS = ("sbatch", "srun", "salloc", "scancel", "scontrol", "sacct", "sinfo", "squeue", "sstat", "sprio", "sshare")
COMMANDS += ("sacctmgr", "sdiag", "sbcast", "sattach", "strigger", "sreport")

Case = Mapping[str, Any]


class Agreed(NamedTuple):
    """A case that agreed when agreed.txt was written last."""

    id: str
    seconds: float


def load(path: Path = HERE / "slurm.jsonl") -> list[Case]:
    """All cases, in the order of the file."""
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def queues(folder: Path = HERE) -> dict[str, Case]:
    """How the queues are made that several cases look at."""
    return dict(json.loads((folder / "queues.json").read_text()))


def waived(folder: Path = HERE) -> set[str]:
    """The cases that a real Slurm does not answer twice alike."""
    return {line.split()[0] for line in (folder / "waived.txt").read_text().splitlines() if line and line[0] != "#"}


def differences(folder: Path = HERE) -> dict[str, str]:
    """The cases that cannot agree on a fleet, each with its reason: the rows of differences.md's table."""
    rows = re.findall(r"^\| (\w+-\d+) \| (.+) \|$", (folder / "differences.md").read_text(), re.M)
    return dict(rows)


def agreed(folder: Path = HERE) -> dict[str, Agreed]:
    """What agreed.txt says."""
    rows = [line.split() for line in (folder / "agreed.txt").read_text().splitlines() if line and line[0] != "#"]
    return {name: Agreed(name, float(seconds)) for name, seconds in rows}


def write_agreed(rows: Iterable[Agreed], folder: Path = HERE) -> None:
    """Write agreed.txt."""
    head = "# Cases that agree, and the seconds each took: written by scripts/test-conformance --update\n"
    lines = (f"{row.id} {row.seconds:.1f}\n" for row in sorted(rows))
    (folder / "agreed.txt").write_text(head + "".join(lines))


def command(case: Case) -> str:
    """The command that a case is about: the first of Slurm's that it names."""
    texts = [case.get("cmd", ""), *(after["cmd"] for after in case.get("after", [])), *case.get("setup", [])]
    found = re.search(rf"\b({'|'.join(COMMANDS)})\b", "\n".join(texts))
    return found[1] if found else "other"


def job_variables(case: Case, values: Mapping[str, str]) -> dict[str, int]:
    """{name: number} of those variables of a case that hold job numbers."""
    text = "\n".join([*case.get("setup", []), case.get("cmd", ""), *(after["cmd"] for after in case.get("after", []))])

    def holds_a_job(name: str) -> bool:
        if (name == "J" and "sbatch" in text) or (name == "F" and "fill" in text):
            return True
        return bool(re.search(rf"\b{name}=\$\([^)]*\b(sbatch|squeue)\b", text))

    return {
        name: int(value) for name, value in values.items() if value.isdigit() and len(value) < 7 and holds_a_job(name)
    }


def newest_before(all_cases: Iterable[Case]) -> dict[str, int]:
    """{id: the number of the newest job that its suite had made before it}."""
    before: dict[str, int] = {}
    newest: dict[str, int] = {}
    for case in sorted(all_cases, key=lambda case: str(case["id"])):
        suite = case["id"].rpartition("-")[0]
        made = job_variables(case, case.get("vars", {})).values()
        if suite == "probe" and made and max(made) < newest.get(suite, 0):
            newest[suite] = min(made) - 1  # these come from many clusters, and this one's numbers are lower
        before[case["id"]] = newest.get(suite, 0)
        newest[suite] = max([newest.get(suite, 0), *made])
    return before
