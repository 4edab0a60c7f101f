"""How long from `msbatch` to the output on disk, for `hostname` on an idle, connected fleet?"""

from __future__ import annotations

import statistics
import subprocess
import time

from benchmarks.measure import fleet, submit, wait_until_over

LIMIT = 0.150  # seconds
RUNS = 30


def main() -> list[dict[str, object]]:
    """The median over SSH to this host, the submitting command's own time included."""
    seconds = []
    with fleet(node1={"cpus": 4, "memory": "4000M"}) as made:
        submit(made, "--wrap", "true")
        wait_until_over(made, 1)
        for number in range(RUNS):
            target = made.work / f"out-{number}"
            begin = time.perf_counter()
            words = ["msbatch", "-Q", "-o", str(target), "--wrap", "hostname"]
            subprocess.run(words, env=made.environment, cwd=made.work, stdin=subprocess.DEVNULL, check=True)
            while not target.exists() or not target.stat().st_size:
                time.sleep(0.0005)
            seconds.append(time.perf_counter() - begin)
    median = statistics.median(seconds)
    return [
        {"what": "submit to output on disk, `hostname`", "measured": f"median {median * 1000:.0f} ms", "value": median,
         "limit": f"at most {LIMIT * 1000:.0f} ms", "good": median <= LIMIT}
    ]  # fmt: skip
