"""How many attempts a second one agent starts and ends, and what that costs: no SSH, no controller.

`python -m benchmarks.agent_rate [ATTEMPTS [AT_ONCE]]` prints JSON; CPU times are milliseconds an attempt.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mini_slurm.agent import processes
from mini_slurm.protocol.messages import Ended, Forget
from tests.fleet.agent_client import Client, agent_pid, attempt_of, end_everything, wanted

TICK = os.sysconf("SC_CLK_TCK")
SCRIPT = "bash -c true"


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, without its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def run(client: Client, attempts: int, at_once: int) -> float:
    """Seconds for all of them, ended and forgotten."""
    begin = time.perf_counter()
    sent = ended = 0
    while ended < attempts:
        for number in range(sent, min(attempts, ended + at_once)):
            client.send(wanted(attempt_of(number), SCRIPT, total_cpus=at_once))
            sent = number + 1
        client.receive()
        over = [message for message in client.inbox if isinstance(message, Ended)]
        client.send(*(Forget(message.attempt) for message in over))
        ended += len(over)
        client.inbox.clear()
    return time.perf_counter() - begin


def xargs_rate(attempts: int) -> float:
    """The same scripts a second by `xargs -P2`, without any of us: what this machine can do now."""
    begin = time.perf_counter()
    words = ["xargs", f"-P{os.cpu_count()}", "-I{}", "bash", "-c", f"{SCRIPT}; true"]
    subprocess.run(words, input="\n".join(map(str, range(attempts))), text=True, check=True)
    return attempts / (time.perf_counter() - begin)


def main(attempts: int = 500, at_once: int = 8) -> None:
    """Measure, and print JSON."""
    with tempfile.TemporaryDirectory(prefix="mini_slurm-bench-") as folder:
        spool = Path(folder) / "spool"
        client = Client(spool)
        agent = agent_pid(spool)
        client.run("true", attempts + 1)
        before = cpu_seconds(agent)
        seconds = run(client, attempts, at_once)
        stepds = sum(map(cpu_seconds, processes.descendants([agent])))
        resident = next(line for line in Path(f"/proc/{agent}/status").read_text().splitlines() if "VmHWM" in line)
        result = {
            "python": platform.python_version(),
            "attempts_a_second": round(attempts / seconds),
            "xargs_a_second": round(xargs_rate(attempts)),
            "agent_cpu_ms": round((cpu_seconds(agent) - before) / attempts * 1000, 2),
            "stepd_cpu_ms": round(stepds / attempts * 1000, 2),
            "agent_peak_mib": round(int(resident.split()[1]) / 1024, 1),
        }
        client.close()
        end_everything(spool)
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
