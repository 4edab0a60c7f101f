"""Run measurements, print them as JSON, and write the tables of docs/performance.md.

python -m benchmarks [fleet] [queue] [core] [steps] [clusters] [api] [staging]
"""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks import api, clusters, commands, latency, long_queue, policies, scheduler, staging, steps, throughput

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
GROUPS = {
    "fleet": (commands, latency, throughput),
    "queue": (long_queue,),
    "core": (scheduler, policies),
    "steps": (steps,),
    "clusters": (clusters,),
    "api": (api,),
    "staging": (staging,),
}


def main() -> int:
    """Exit status 1 when a limit is not kept."""
    is_good = True
    for group in sys.argv[1:] or GROUPS:
        rows: list[dict[str, Any]] = [row for module in GROUPS[group] for row in module.main()]
        machine = f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {date.today()}"
        print(json.dumps({"machine": machine, "rows": rows}, indent=1))
        write(group, machine, rows)
        is_good = is_good and all(row["good"] for row in rows)
    return 0 if is_good else 1


def write(group: str, machine: str, rows: list[dict[str, Any]]) -> None:
    """Put the table in its place on the page."""
    table = ["| what | measured | limit | kept |", "| --- | --- | --- | --- |"]
    table += [
        f"| {row['what']} | {row['measured']} | {row['limit']} | {'yes' if row['good'] else '**no**'} |" for row in rows
    ]
    before, begin, rest = PAGE.read_text().partition(f"<!-- measured {group} -->\n")
    _, end, after = rest.partition("<!-- end -->\n")
    PAGE.write_text(f"{before}{begin}{machine}; all of it in one run.\n\n" + "\n".join(table) + f"\n{end}{after}")


if __name__ == "__main__":
    sys.exit(main())
