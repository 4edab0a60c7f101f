"""How many tasks a second run over four SSH machines, and how much memory do controller and agents take?

The same scripts by `xargs -P2`, without any of us, tell what the machine can do at most. The figure also depends on the
disk's recent past: for minutes after thousands of files were removed ext4 makes new ones slowly (TMPDIR=/dev/shm).
"""

from __future__ import annotations

import os
import subprocess
import time

from benchmarks import hyperqueue_rate
from benchmarks.measure import fleet, resident, submit, wait_until_over

TASKS = 1000
LEAST = 250  # tasks a second
FINISHED = 10_000
AGENT_LIMIT, CONTROLLER_LIMIT = 20, 80  # MiB
WRAPPED = "#!/bin/sh\n# what --wrap makes of it\n\nbash -c true\n"


def plain_rate(script: str) -> float:
    """Such scripts a second by xargs, as many at once as there are CPUs."""
    begin = time.perf_counter()
    numbers = "".join(f"{number}\n" for number in range(TASKS))
    subprocess.run(["xargs", f"-P{os.cpu_count()}", "-n1", script], input=numbers, text=True, check=True)
    return TASKS / (time.perf_counter() - begin)


def main() -> list[dict[str, object]]:
    """1,000 tasks of `bash -c true`, then 9,000 more; accounting and output of all are kept and checked."""
    with fleet(**{f"node{number}": {"cpus": 8, "memory": "8000M"} for number in range(1, 5)}) as made:
        for _ in range(8):
            submit(made, "--wrap", "true")
        wait_until_over(made, 8)
        script = made.work / "script"
        script.write_text(WRAPPED)
        script.chmod(0o700)
        plain = plain_rate(str(script))
        other = hyperqueue_rate.rate(str(script), TASKS) if hyperqueue_rate.is_there() else 0.0
        rates = []
        for done in range(TASKS, FINISHED + TASKS, TASKS):
            begin = time.perf_counter()
            submit(made, f"--array=0-{TASKS - 1}", "--wrap", "bash -c true")
            wait_until_over(made, 8 + done)
            rates.append(TASKS / (time.perf_counter() - begin))
        outputs = len(list(made.work.glob("slurm-*_*.out")))
        controller = max(resident(process.pid) for process in made.controllers())
        agents = max(resident(process.pid) for process in made.agents())
    rows: list[dict[str, object]] = [
        {"what": "1,000 tasks of `bash -c true`, four SSH machines on one host", "value": rates[0],
         "measured": f"{rates[0]:.0f} a second; `xargs` alone runs {plain:.0f} ({outputs} outputs kept)",
         "limit": f"at least {LEAST} a second", "good": rates[0] >= LEAST and outputs == FINISHED},
        {"what": "an agent's memory after that", "value": agents, "measured": f"{agents:.1f} MiB",
         "limit": f"at most {AGENT_LIMIT} MiB", "good": agents <= AGENT_LIMIT},
        {"what": "the controller's memory with 10,000 finished jobs", "value": controller,
         "measured": f"{controller:.1f} MiB",
         "limit": f"at most {CONTROLLER_LIMIT} MiB", "good": controller <= CONTROLLER_LIMIT},
    ]  # fmt: skip
    if other:
        kept = {"measured": f"{other:.0f} a second", "limit": "at most ours", "good": rates[0] >= other}
        rows.insert(1, {"what": "the same by HyperQueue's four workers on this host", "value": other, **kept})
    return rows
