"""The client for asyncio: the same names, to be awaited. Nothing blocks the event loop; waiting costs no thread."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from os import PathLike
from types import TracebackType
from typing import Any, Self

from mini_slurm.api import outputs, records
from mini_slurm.api.client import LOOK, AnyState, Client
from mini_slurm.api.faults import spoken
from mini_slurm.api.hub import Hub
from mini_slurm.api.info import JobInfo, NodeInfo, PartitionInfo
from mini_slurm.api.job import Job, checked, number_of
from mini_slurm.api.places import FIRST_PAUSE, LONGEST_PAUSE
from mini_slurm.api.records import Target
from mini_slurm.api.waiting import Wait, late
from mini_slurm.model.states import JobState


class AsyncJob:
    """A job as Job is; everything that looks or acts is to be awaited."""

    def __init__(self, client: AsyncClient, job: Job) -> None:
        self._client = client
        self._job = job

    def __repr__(self) -> str:
        return repr(self._job).replace("mini_slurm.Job", "mini_slurm.AsyncJob")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AsyncJob) and other._job == self._job

    def __hash__(self) -> int:
        return hash(self._job)

    @property
    def id(self) -> str:
        """As Job.id."""
        return self._job.id

    @property
    def number(self) -> int:
        """As Job.number."""
        return self._job.number

    @property
    def cluster(self) -> str:
        """As Job.cluster."""
        return self._job.cluster

    @property
    def target(self) -> Target:
        """What it names."""
        return self._job.target

    async def tasks(self) -> Sequence[AsyncJob]:
        """As Job.tasks."""
        found = await asyncio.to_thread(lambda: self._job.tasks)
        return [AsyncJob(self._client, one) for one in found]

    async def state(self) -> JobState:
        """As Job.state."""
        return await asyncio.to_thread(lambda: self._job.state)

    async def info(self) -> JobInfo:
        """As Job.info."""
        return await asyncio.to_thread(self._job.info)

    async def wait(self, timeout: float | None = None) -> JobInfo:
        """As Job.wait."""
        return (await self._client.wait([self], timeout))[self.id]

    async def check(self, timeout: float | None = None) -> JobInfo:
        """As Job.check."""
        return checked(await self.wait(timeout))

    async def output(self, error: bool = False) -> str:
        """As Job.output."""
        return await asyncio.to_thread(self._job.output, error)

    async def follow(self, error: bool = False) -> AsyncIterator[str]:
        """As Job.follow."""
        async for line in self._client.follow(self, error):
            yield line

    async def cancel(self, signal: str | int | None = None) -> None:
        """As Job.cancel."""
        await asyncio.to_thread(self._job.cancel, signal)

    async def hold(self) -> None:
        """As Job.hold."""
        await asyncio.to_thread(self._job.hold)

    async def release(self) -> None:
        """As Job.release."""
        await asyncio.to_thread(self._job.release)

    async def requeue(self) -> None:
        """As Job.requeue."""
        await asyncio.to_thread(self._job.requeue)

    async def suspend(self) -> None:
        """As Job.suspend."""
        await asyncio.to_thread(self._job.suspend)

    async def resume(self) -> None:
        """As Job.resume."""
        await asyncio.to_thread(self._job.resume)

    async def update(self, **changes: Any) -> None:
        """As Job.update."""
        await asyncio.to_thread(lambda: self._job.update(**changes))


AnyAsyncJob = AsyncJob | str | int


class AsyncClient:
    """The client as Client is, for programs that run an event loop; it takes and raises what Client does."""

    def __init__(self, cluster: str | None = None) -> None:
        self._client = Client(cluster)
        self._hub: Hub | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """As Client.close."""
        await asyncio.to_thread(self._client.close)

    @property
    def state(self) -> str:
        """The path of the state folder."""
        return self._client.state

    async def submit(
        self, *arguments: str | int | float | PathLike[str], script: str | bytes | None = None, **options: Any
    ) -> AsyncJob:
        """As Client.submit. One that is cancelled meanwhile may still submit the job."""
        job = await asyncio.to_thread(lambda: self._client.submit(*arguments, script=script, **options))
        return AsyncJob(self, job)

    async def job(self, id: AnyAsyncJob) -> AsyncJob:
        """As Client.job."""
        return AsyncJob(self, await asyncio.to_thread(self._client.job, _plain(id)))

    async def jobs(
        self,
        *,
        user: str | int | bool | Iterable[str] | None = None,
        states: AnyState | Iterable[AnyState] | None = None,
        ids: Iterable[AnyAsyncJob] | None = None,
        name: str | Iterable[str] | None = None,
        partition: str | Iterable[str] | None = None,
        ended: bool = False,
    ) -> list[JobInfo]:
        """As Client.jobs."""
        numbers = None if ids is None else [_plain(one) for one in ids]
        return await asyncio.to_thread(
            lambda: self._client.jobs(
                user=user, states=states, ids=numbers, name=name, partition=partition, ended=ended
            )
        )

    async def nodes(self) -> list[NodeInfo]:
        """As Client.nodes."""
        return await asyncio.to_thread(self._client.nodes)

    async def partitions(self) -> list[PartitionInfo]:
        """As Client.partitions."""
        return await asyncio.to_thread(self._client.partitions)

    async def cancel(self, jobs: Iterable[AnyAsyncJob], signal: str | int | None = None) -> None:
        """As Client.cancel."""
        await asyncio.to_thread(self._client.cancel, [_plain(one) for one in jobs], signal)

    async def wait(self, jobs: Iterable[AnyAsyncJob], timeout: float | None = None) -> dict[str, JobInfo]:
        """As Client.wait."""
        plain = [_plain(one) for one in jobs]
        found = {one.id: info async for one, info in self._ends(plain, timeout)}
        return {records.target(number_of(one)).id: found[records.target(number_of(one)).id] for one in plain}

    async def as_completed(self, jobs: Iterable[AnyAsyncJob], timeout: float | None = None) -> AsyncIterator[JobInfo]:
        """As Client.as_completed."""
        async for _, info in self._ends([_plain(one) for one in jobs], timeout):
            yield info

    async def follow(self, job: AsyncJob, error: bool = False) -> AsyncIterator[str]:
        """As Job.follow."""
        target, found = job.target, await asyncio.to_thread(self._client.file_of, job.target, error)
        waited, file = Wait(self._client.places, [target]), outputs.Growing(*found)
        try:
            with spoken(), self._listen().listening() as listener:
                while waited.left:
                    if not target.cluster:
                        await _heard(listener, LOOK)
                    changed = None if target.cluster else listener.take()
                    if changed != set():
                        await asyncio.to_thread(waited.look, changed)
                        file.move(*await asyncio.to_thread(self._client.file_of, target, error))
                    for line in await asyncio.to_thread(list, file.lines()):
                        yield line
                    if target.cluster:
                        await self._refreshed([target], LONGEST_PAUSE)
                for line in await asyncio.to_thread(list, file.last()):
                    yield line
        finally:
            file.close()

    def _listen(self) -> Hub:
        if self._hub is None or self._hub.loop is not asyncio.get_running_loop():
            self._hub = Hub(self._client.store)
        return self._hub

    async def _ends(self, jobs: list[Job | str | int], timeout: float | None) -> AsyncIterator[tuple[Target, JobInfo]]:
        """Each of the jobs as it ends."""
        deadline = None if timeout is None else time.monotonic() + timeout
        with spoken():
            waited = Wait(self._client.places, await asyncio.to_thread(self._client.targets, jobs))
            pause = FIRST_PAUSE
            with self._listen().listening() as listener:
                while True:
                    changed = listener.take()
                    clusters = any(one.cluster for one in waited.left)
                    if clusters or changed is None or any(one.number in changed for one in waited.left):
                        for one, info in await asyncio.to_thread(waited.look, None if clusters else changed):
                            yield one, info
                    if not waited.left:
                        return
                    left = None if deadline is None else deadline - time.monotonic()
                    if left is not None and left <= 0:
                        raise late(waited.left, timeout)
                    if clusters:
                        await _heard(listener, pause if left is None else min(pause, left))
                        await self._refreshed(waited.left, 0.0)
                        pause = min(pause * 1.5, LONGEST_PAUSE)
                    else:
                        await _heard(listener, left)

    async def _refreshed(self, targets: Iterable[Target], pause: float) -> None:
        """Ask the clusters of these jobs how they are, after so many seconds."""
        clusters = {one.cluster for one in targets}
        await asyncio.sleep(pause)
        await asyncio.to_thread(self._client.places.refresh, clusters)


async def _heard(listener: Any, timeout: float | None) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(listener.event.wait(), timeout)


def _plain(job: AnyAsyncJob) -> Job | str | int:
    return job._job if isinstance(job, AsyncJob) else job


def _tell(*kinds: type) -> None:
    """Let help() say of each method all that is said of the one that it is the twin of."""
    for member in (member for kind in kinds for member in vars(kind).values()):
        twin = re.match(r"As (Client|Job)\.(\w+)\.", getattr(member, "__doc__", None) or "")
        if twin:
            told = getattr({"Client": Client, "Job": Job}[twin[1]], twin[2]).__doc__
            member.__doc__ = f"{member.__doc__}\n\n{told}"


_tell(AsyncJob, AsyncClient)
