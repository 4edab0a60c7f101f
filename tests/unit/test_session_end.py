"""Tasks of the controller that do not end at the first word."""

from __future__ import annotations

import asyncio

import pytest

from mini_slurm.controller.session import end_all


async def deaf(times: int) -> None:
    """Take so many cancellations for somebody else's."""
    while times:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            times -= 1


@pytest.mark.parametrize("times", [0, 1, 2])
def test_tasks_end_that_take_a_cancellation_for_their_own(times: int) -> None:
    async def run() -> bool:
        task = asyncio.create_task(deaf(times))
        await asyncio.sleep(0)
        await end_all([task], patience=0.01)
        return task.done()

    assert asyncio.run(run())


def test_a_task_that_never_ends_keeps_nobody_waiting() -> None:
    async def run() -> bool:
        task = asyncio.create_task(deaf(4))
        await asyncio.sleep(0)
        await end_all([task], patience=0.01)
        return task.done()

    assert not asyncio.run(run())


def test_a_task_that_failed_is_passed_over() -> None:
    async def fail() -> None:
        raise ValueError("it happens")

    async def run() -> None:
        task = asyncio.create_task(fail())
        await asyncio.sleep(0)
        await end_all([task])

    asyncio.run(run())
