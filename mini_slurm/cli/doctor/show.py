"""Findings as a table for people, and as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mini_slurm.cli.doctor.findings import ERROR, NOTE, OK, WARNING, Finding
from mini_slurm.errors import visible
from mini_slurm.model.hostlist import compress

STYLES = {ERROR: "bold red", WARNING: "yellow", NOTE: "cyan", OK: "green"}
HERE = "login node"
NARROWEST = 100  # columns of a table that goes into a file


def table(findings: Sequence[Finding], everything: bool) -> None:
    """What is wrong first; what is well only with `everything`; and a line that counts."""
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console.width = max(console.width, NARROWEST)
    shown = _joined([one for one in findings if everything or one.level != OK])
    if shown:
        console.print(_table(shown))
    counts = Counter(one.level for one in findings)
    console.print(", ".join(_count(counts[level], level) for level in (ERROR, WARNING, NOTE)) + f"; {counts[OK]} ok")


def _joined(findings: Sequence[Finding]) -> list[Finding]:
    """What was found of several machines in the same words, as one."""
    places: dict[Finding, list[str]] = {}
    for one in findings:
        places.setdefault(one._replace(where=""), []).append(one.where)
    return [
        one._replace(where=compress(names) if all(names) else ", ".join(name or HERE for name in names))
        for one, names in places.items()
    ]


def _table(findings: Sequence[Finding]) -> Table:
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for head in ("", "where", "what", "finding"):
        made.add_column(head, overflow="fold", no_wrap=head in ("", "what"))
    for one in findings:
        text = Text(visible(one.text))
        if one.fix:
            text.append(f"\n-> {visible(one.fix)}", style="bold")
        made.add_row(Text(one.level, style=STYLES[one.level]), Text(one.where), Text(one.check), text)
    return made


def _count(number: int, level: str) -> str:
    return f"{number} {level}{'' if number == 1 else 's'}"


def document(findings: Sequence[Finding], facts: Mapping[str, object]) -> None:
    """One object: the findings, how many there are of each level, and what each machine said."""
    counts = Counter(one.level for one in findings)
    whole = {
        "findings": [one._asdict() for one in findings],
        "counts": {level: counts[level] for level in STYLES},
        "machines": facts,
    }
    print(json.dumps(whole, indent=2))
