"""The agent's process: `serve FOLDER FD` is started by the bootstrap, detached, and says through FD how that went."""

import gc
import os
import signal
import sys
from typing import List, Optional

from mini_slurm.agent import cgroup, limits, spool
from mini_slurm.agent.commands import Commands
from mini_slurm.agent.jobs import Jobs
from mini_slurm.agent.log import log
from mini_slurm.agent.loop import Loop
from mini_slurm.agent.machine import Machine
from mini_slurm.agent.server import Server


def main(arguments: List[str]) -> int:
    """Serve until there is nothing to do, or another agent is to take over."""
    _, folder, word = arguments
    ready = int(word)
    os.umask(0o077)
    lock = spool.lock(folder)
    if lock is None:
        os.write(ready, b"another")
        return 0
    try:
        server = _prepare(folder, lock)
    except Exception as error:
        os.write(ready, f"{type(error).__name__}: {error}".encode())
        raise
    gc.collect()
    gc.freeze()  # what is here stays, and need not be copied after each fork
    os.write(ready, b"ready")
    os.close(ready)
    log(f"agent {os.getpid()} serves {folder}")
    server.serve()
    log(f"agent {os.getpid()} ends")
    return 0


def _prepare(folder: str, lock: int) -> Server:
    limits.raise_open_files()
    limits.keep_memory()
    limits.become_subreaper()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    loop = Loop()
    machine = Machine(loop, folder)
    commands = Commands(folder, sys.argv[0])
    jobs = Jobs(os.path.join(folder, "attempts"), loop, machine, commands)
    server = Server(folder, lock, loop, machine, jobs, _idle_limit(os.environ.get("MINI_SLURM_AGENT_IDLE")))
    jobs.recover()
    cgroup.tidy(machine.cgroups, [name for name, attempt in jobs.attempts.items() if attempt.ended is None])
    commands.install()
    if not jobs.busy:
        commands.tidy()
    return server


def _idle_limit(text: Optional[str]) -> float:
    return float(text) if text else 600.0
