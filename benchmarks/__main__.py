"""Run all measurements, print them as JSON, and write the table of docs/performance.md."""

from __future__ import annotations

import json
import os
import platform
import sys
from datetime import date
from pathlib import Path

from benchmarks import commands, latency, throughput

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- measured -->\n", "<!-- end -->\n"


def main() -> int:
    """Exit status 1 when a limit is not kept."""
    rows = [row for module in (commands, latency, throughput) for row in module.main()]
    machine = f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {date.today()}"
    print(json.dumps({"machine": machine, "rows": rows}, indent=1))
    table = ["| what | measured | limit | kept |", "| --- | --- | --- | --- |"]
    table += [
        f"| {row['what']} | {row['measured']} | {row['limit']} | {'yes' if row['good'] else '**no**'} |" for row in rows
    ]
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}{machine}; all of it in one run.\n\n" + "\n".join(table) + f"\n{END}{after}")
    return 0 if all(row["good"] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
