"""The client for asyncio, with a real controller and a real machine."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mini_slurm import AsyncClient, JobFailed, JobState, UnknownJob, WaitTimeout
from tests.fleet import processes
from tests.fleet.login import login_node
from tests.fleet.machines import Machines
from tests.waiting import until

QUICK = {"output": "/dev/null"}


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """A machine of four CPUs; this process is a program on the login node."""
    tables: dict[str, dict[str, object]] = {"node1": {"cpus": 4, "memory": "2000M"}}
    with login_node(tmp_path_factory.mktemp("client"), **tables) as made:
        yield made


def test_jobs_are_awaited(login: Machines) -> None:
    async def program() -> None:
        async with AsyncClient() as client:
            good, bad = await asyncio.gather(
                client.submit(wrap="echo hello"), client.submit(script="#!/bin/sh\nexit 3\n", array=[1, 4], **QUICK)
            )
            assert [task.id for task in await bad.tasks()] == [f"{bad.id}_1", f"{bad.id}_4"]
            info, failed = await asyncio.gather(good.check(20), bad.wait(20))
            assert info.state is await good.state() is JobState.COMPLETED
            assert await good.output() == "hello\n"
            assert [task.exit_code for task in failed.tasks] == [3, 3]
            with pytest.raises(JobFailed):
                await bad.check()
            with pytest.raises(UnknownJob):
                await client.job(999999)
            assert await client.job(good.id) == good
            assert {one.id for one in await client.jobs(ids=[good], ended=True)} == {good.id}
            assert [node.name for node in await client.nodes()] == ["node1"]

    asyncio.run(program())


def test_a_thousand_wait_on_one_connection_and_hear_of_their_ends_at_once(login: Machines) -> None:
    async def program() -> float:
        client = AsyncClient()
        job = await client.submit(wrap="true", hold=True, array="0-499", **QUICK)
        tasks = await job.tasks()
        waits = [asyncio.create_task(task.wait(60)) for task in tasks]
        await asyncio.sleep(0)
        before = len(os.listdir("/proc/self/fd"))
        await job.cancel()
        infos = await asyncio.gather(*waits)
        assert len(os.listdir("/proc/self/fd")) < before + 10
        assert {info.state for info in infos} == {JobState.CANCELLED}
        one = await client.submit(wrap="true", **QUICK)
        info = await one.wait(20)
        assert info.end_time is not None
        return time.time() - info.end_time.timestamp()

    assert asyncio.run(program()) < 0.5


def test_the_loop_goes_on_while_one_waits(login: Machines) -> None:
    async def program() -> None:
        client = AsyncClient()
        job = await client.submit(wrap="true", hold=True, **QUICK)
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        with pytest.raises(WaitTimeout, match=rf"not ended: {job.id}"):
            await job.wait(0.4)
        ticking.cancel()
        assert ticks > 10
        waiting = asyncio.create_task(job.wait())
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await job.cancel()
        assert (await job.wait(20)).state is JobState.CANCELLED

    asyncio.run(program())


def test_lines_come_and_the_controller_may_go(login: Machines) -> None:
    gate = Path(login.work, "gate")
    script = f"#!/bin/sh\necho one\nuntil [ -e {gate} ]; do sleep 0.02; done\necho two\n"

    async def program() -> None:
        client = AsyncClient()
        job = await client.submit(script=script)
        lines = job.follow()
        assert await anext(lines) == "one\n"
        waiting = asyncio.create_task(job.wait(40))
        await until(lambda: login.controllers(), "the controller")
        processes.kill(login.controllers(), signal.SIGKILL)
        gate.touch()
        assert [line async for line in lines] == ["two\n"]
        assert (await waiting).has_succeeded
        assert [info.id async for info in client.as_completed([job, job.id], 20)] == [job.id]
        await client.close()

    asyncio.run(program())
