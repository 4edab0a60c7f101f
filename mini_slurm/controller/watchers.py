"""Those who wait for jobs: they connect to the controller's socket, and hear of every job that changes.

What they hear is a frame `changed` with the numbers under which such a job may be waited for. It is sent when the
change is on disk, where they look for what became of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from mini_slurm.model.job import Job
from mini_slurm.protocol import flat

READ = 4096  # bytes: they say no more, this only tells when they go
MOST_UNREAD = 1 << 20  # bytes that wait for one of them until it has to connect again and look at everything


class Watchers:
    """All that are connected."""

    def __init__(self) -> None:
        self._writers: set[asyncio.StreamWriter] = set()

    async def attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Let one of them hear of what changes from now on, until it goes."""
        self._writers.add(writer)
        try:
            writer.write(flat.pack("ready"))
            while await reader.read(READ):
                continue
        finally:
            self._writers.discard(writer)

    def tell(self, jobs: Iterable[Job]) -> None:
        """These jobs are on disk as they are now."""
        if not self._writers:
            return
        numbers = {number for job in jobs for number in (job.job_id, job.array_job_id, job.het_job_id) if number}
        if not numbers:
            return
        frame = flat.pack("changed", *sorted(numbers))
        for writer in list(self._writers):
            if writer.transport.get_write_buffer_size() > MOST_UNREAD:
                self._writers.discard(writer)
                writer.close()
            else:
                writer.write(frame)

    def close(self) -> None:
        """The controller ends: they connect to the next one."""
        for writer in list(self._writers):
            writer.close()
