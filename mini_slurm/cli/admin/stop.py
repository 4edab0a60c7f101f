"""`mini-slurm stop`: end the controller, and with --all the jobs and the agents, too."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sqlite3
import time
from collections.abc import Callable

from mini_slurm.cli import common
from mini_slurm.cli.admin import NAME, show_error
from mini_slurm.config.cache import load
from mini_slurm.config.paths import database_exists, state_folder
from mini_slurm.controller import autostart
from mini_slurm.errors import MiniSlurmError, Refused
from mini_slurm.links import make_link
from mini_slurm.links.probe import probe
from mini_slurm.model.fleet import MachineEntry
from mini_slurm.store import database

JOBS_PATIENCE = 120.0  # seconds for jobs to end: SIGTERM, kill_wait, SIGKILL, and their last output
CONTROLLER_PATIENCE = 30.0  # seconds
AGENT_PATIENCE = 2.0  # seconds


def stop_controller(everything: bool) -> int:
    """End the controller of the state folder. The exit status; raises Refused when it does not end."""
    state = state_folder(create=False)
    if not database_exists(state):
        print("nothing was ever submitted from here: there is no controller")
        return 0
    db = database.open_database(state)
    left = _cancel_all(state, db) if everything else 0
    pid = running_controller(state)
    if pid is None:
        print("no controller is running")
    else:
        os.kill(pid, signal.SIGTERM)
        if not _wait(lambda: running_controller(state) != pid, CONTROLLER_PATIENCE):
            raise Refused(f"the controller (pid {pid}) does not end", hint=f"its log: {state}/{autostart.LOG}")
        print(f"the controller (pid {pid}) has ended")
    status = _end_agents(db) if everything else 0
    db.close()
    return 1 if left else status


def running_controller(state: str) -> int | None:
    """The pid of the controller that holds the lock, None when nobody holds it."""
    try:
        lock = os.open(os.path.join(state, autostart.LOCK), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return int(os.read(lock, 32).strip() or b"0") or None
    finally:
        os.close(lock)
    return None


def _wait(condition: Callable[[], bool], patience: float) -> bool:
    """Wait until it holds; did it?"""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def _cancel_all(state: str, db: sqlite3.Connection) -> int:
    """Cancel every job that is not over, and wait for their end; how many are left."""
    jobs = database.load_jobs(db)
    if not jobs:
        return 0
    print(f"cancelling {len(jobs)} jobs")
    database.request(db, "cancel", [{"job_id": job.job_id, "task": None, "uid": os.getuid()} for job in jobs])
    autostart.wake(state)
    if _wait(lambda: not database.load_jobs(db), JOBS_PATIENCE):
        return 0
    for job in database.load_jobs(db):
        common.say(f"{NAME}: job {job.display_id} on {job.node or '(none)'} has not ended yet")
    return len(database.load_jobs(db))


def _end_agents(db: sqlite3.Connection) -> int:
    """Have the agents of all machines that were ever reached end. The exit status."""
    fleet = load(lambda key: database.get_setting(db, key), lambda key, value: None)
    reached = [fleet.machines[name] for name in database.load_machines(db) if name in fleet.machines]
    return max([_end_agent(entry, fleet.ssh_config) for entry in reached], default=0)


def _end_agent(entry: MachineEntry, ssh_config: str | None) -> int:
    """The agent may take a moment to see that the controller has gone. The exit status."""

    def ended() -> bool:
        return asyncio.run(probe(make_link(entry, ssh_config=ssh_config), entry.name)).agent_ended

    try:
        print(f"{entry.name}: the agent {'has ended' if _wait(ended, AGENT_PATIENCE) else 'stays: it has other work'}")
    except MiniSlurmError as error:
        show_error(error)
        print(f"{entry.name}: its agent ends by itself when it has had nothing to do for a while")
        return 1
    return 0
