"""Links over real network cables: machines in namespaces, which can be cut off, crash and boot."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from mini_slurm.errors import Unreachable
from mini_slurm.links.base import Channel
from mini_slurm.links.ssh import SshLink
from tests.fleet.agents import greet
from tests.fleet.machines import Testbed

Make = Callable[..., Testbed]


@asynccontextmanager
async def linked(fleet: Testbed, name: str) -> AsyncIterator[SshLink]:
    """A link that is closed at the end."""
    link = SshLink(fleet.entry(name), ssh_config=str(fleet.ssh_config))
    try:
        yield link
    finally:
        await link.close()


async def end_of(link: SshLink, happening: Callable[[str], None]) -> float:
    """Seconds from something that happens to node1 until its channel has ended."""
    channel = await link.open()
    await greet(channel)
    happening("node1")
    begin = time.monotonic()
    async with asyncio.timeout(30):
        while await channel.read():
            pass
    await channel.close()
    return time.monotonic() - begin


async def opened(link: SshLink) -> Channel:
    """Try as often as the controller would: a network needs a moment to find a machine again."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await link.open()
            except Unreachable as error:
                assert error.again


async def trouble(link: SshLink) -> Unreachable:
    """Why the link cannot be opened now."""
    with pytest.raises(Unreachable) as caught:
        await link.open()
    return caught.value


def test_a_cut_cable_ends_the_channel_and_a_healed_one_opens_again(
    testbed: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINI_SLURM_SSH_KEEPALIVE", "0.3")
    monkeypatch.setattr("mini_slurm.links.ssh_route.CONNECT_TIMEOUT", 1)
    fleet = testbed(node1={"cpus": 1}, node2={"cpus": 1})

    async def scenario() -> None:
        async with linked(fleet, "node1") as link, linked(fleet, "node2") as other:
            assert await end_of(link, fleet.bed.cut) < 15
            error = await trouble(link)
            assert error.again
            assert error.lines[0].startswith("node1: no answer from")
            await greet(await other.open(), "node2")
            fleet.bed.heal("node1")
            await greet(await opened(link))

    asyncio.run(scenario())


def test_a_boot_gives_another_boot_id_and_keeps_the_disk(testbed: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINI_SLURM_SSH_KEEPALIVE", "1")
    fleet = testbed(node1={"cpus": 1})

    async def scenario() -> tuple[str, str]:
        async with linked(fleet, "node1") as link:
            before = await greet(await link.open())
            fleet.bed.crash("node1")
            await asyncio.to_thread(fleet.bed.boot, "node1")
            after = await greet(await link.open())
        return before.boot_id, after.boot_id

    before, after = asyncio.run(scenario())
    assert before != after
    assert fleet.bed.enter("node1", "ls", "/var/tmp/mini_slurm-0", capture_output=True, text=True).stdout


def test_a_full_disk_is_one_clear_line_until_there_is_room_again(testbed: Make) -> None:
    fleet = testbed(node1={"cpus": 1})
    fleet.bed.fill("node1")

    async def scenario() -> Unreachable:
        async with linked(fleet, "node1") as link:
            error = await trouble(link)
            fleet.bed.empty("node1")
            await greet(await link.open())
        return error

    error = asyncio.run(scenario())
    assert "no space left for the spool folder /var/tmp/mini_slurm-0" in error.lines[0]


def test_fake_gpus_are_found_on_their_machine_only(testbed: Make) -> None:
    fleet = testbed(node1={"cpus": 1}, node2={"gpus": 2})

    async def gpus(name: str) -> int:
        async with linked(fleet, name) as link:
            welcome = await greet(await link.open(), name)
        return len(welcome.gpus)

    assert [asyncio.run(gpus(name)) for name in ("node1", "node2")] == [0, 2]
