"""Jobs without a script live as long as the srun or the salloc that they are for, which holds the lock of a file.

A lock tells the truth whatever happened: it goes with its process, and outlives any number of controllers.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress

from mini_slurm.config.paths import FRONTS
from mini_slurm.model.job import Job
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.events import CancelRequested, Event

log = logging.getLogger(__name__)

PAUSE = 0.5  # seconds between two looks
REST = 2.0  # ... while there is nobody to look for
YOUNG = 60.0  # seconds: a file of this age may belong to a job that is just being submitted


async def watch(state: str, cluster: Cluster, post: Callable[[Event], None]) -> None:
    """Cancel what nobody waits for any more, and remove files that nobody holds."""
    folder = os.path.join(state, FRONTS)
    told: set[int] = set()
    pause = PAUSE
    while True:
        await asyncio.sleep(pause)  # first: what was asked for by those who have gone since counts
        known = [job for job in cluster.jobs.values() if job.attendant]
        attended = [job for job in known if job.outcome is None]
        _tidy(folder, {job.attendant for job in attended}, {job.attendant for job in known})
        pause = PAUSE if attended else REST
        for job in attended:
            if job.job_id not in told and not _is_attended(folder, job):
                log.info("job %d is cancelled: whoever waited for it is gone", job.job_id)
                told.add(job.job_id)
                post(CancelRequested(job.job_id, None, False, job.uid))


def _is_attended(folder: str, job: Job) -> bool:
    path = os.path.join(folder, os.path.basename(job.attendant or ""))
    if _is_held(path):
        return True
    with suppress(OSError):
        os.unlink(path)
    return False


def _is_held(path: str) -> bool:
    """Does a process hold the file's lock?"""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _tidy(folder: str, attended: set[str | None], known: set[str | None]) -> None:
    """Remove the files of those who could not do it at their end, as no controller had booked that yet."""
    with suppress(OSError):
        for name in os.listdir(folder):
            path = os.path.join(folder, name)
            is_old = name in known or os.stat(path).st_mtime < time.time() - YOUNG
            if name not in attended and is_old and not _is_held(path):
                os.unlink(path)
