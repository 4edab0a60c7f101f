"""How long does a person or a cron loop wait for a command, against the interpreter's own start?"""

from __future__ import annotations

import sys

from benchmarks.measure import fleet, medians, run, submit, wait_until_over

LIMIT = 4.0


def main() -> list[dict[str, object]]:
    """Ratios to `python -c pass`, each command on its ordinary path with a warm controller."""
    with fleet(node1={"cpus": 4, "memory": "4000M"}) as made:
        for _ in range(10):
            submit(made, "--wrap", "true")
        wait_until_over(made, 10)
        actions = {
            "python -c pass": run(made, sys.executable, "-c", "pass"),
            "msqueue": run(made, "msqueue"),
            "msinfo": run(made, "msinfo"),
            "msacct": run(made, "msacct"),
            "msbatch": run(made, "msbatch", "-o", "/dev/null", "--wrap", "true"),
        }
        found = medians(actions)
    base = found.pop("python -c pass")
    return [
        {"what": name, "measured": f"{seconds / base:.2f} x python -c pass ({seconds * 1000:.0f} ms)",
         "value": seconds / base, "limit": f"at most {LIMIT:g} x", "good": seconds / base <= LIMIT}
        for name, seconds in found.items()
    ]  # fmt: skip
