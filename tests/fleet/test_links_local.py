"""The way to this machine's own agent, without SSH."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mini_slurm.errors import Unreachable
from mini_slurm.links import make_link
from mini_slurm.links.base import Channel, Link
from mini_slurm.model.fleet import MachineEntry
from mini_slurm.protocol.messages import VERSION
from tests.fleet.agents import MEGABYTES, echoed, greet, no_handshake
from tests.fleet.machines import LoginNode

ENTRY = MachineEntry("here", "localhost", local=True)


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A spool of this test's own; its agent is ended with the test."""
    monkeypatch.setenv("MINI_SLURM_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setenv("MINI_SLURM_CLAIMS", str(tmp_path / "claims"))
    login_node = LoginNode(tmp_path)
    yield tmp_path / "spool"
    login_node.close()


def with_link(use: Callable[[Link], Awaitable[Any]]) -> Any:
    """Run something with a link to this machine, and close the link."""

    async def scenario() -> Any:
        link = make_link(ENTRY, ssh_config=None)
        try:
            return await use(link)
        finally:
            await link.close()

    return asyncio.run(scenario())


def test_the_agent_of_this_machine_welcomes_us(spool: Path) -> None:
    async def use(link: Link) -> Any:
        return await greet(await link.open())

    welcome = with_link(use)
    assert welcome.version == VERSION
    assert 0 < welcome.cpus <= (os.cpu_count() or 1)
    assert spool.is_dir()


def test_a_channel_that_was_closed_can_be_opened_again(spool: Path) -> None:
    async def use(link: Link) -> Any:
        for _ in range(3):
            channel = await link.open()
            await greet(channel)
            await channel.close()
        return await greet(await link.open())

    assert with_link(use).version == VERSION


def test_an_agent_that_says_no_is_one_clear_line(spool: Path, tmp_path: Path) -> None:
    spool.symlink_to(tmp_path / "elsewhere")

    async def use(link: Link) -> Unreachable:
        with pytest.raises(Unreachable) as caught:
            await link.open()
        return caught.value

    error = with_link(use)
    assert len(error.lines) == 1
    assert error.lines[0].startswith("here: ")
    assert str(spool) in error.lines[0]


def test_a_python_that_cannot_be_started_is_named(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python3")

    async def use(link: Link) -> Unreachable:
        with pytest.raises(Unreachable) as caught:
            await link.open()
        return caught.value

    assert with_link(use).lines[0] == "here: cannot start /no/such/python3: No such file or directory"


def test_writing_to_an_ended_channel_does_nothing(spool: Path) -> None:
    async def use(link: Link) -> bytes:
        channel: Channel = await link.open()
        await channel.close()
        channel.write(b"into the void")
        await channel.drain()
        return await channel.read()

    assert with_link(use) == b""


def test_megabytes_arrive_whole_in_both_directions(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mini_slurm.links.local.local_words", lambda: ["cat"])
    monkeypatch.setattr("mini_slurm.links.local.shake_hands", no_handshake)

    async def use(link: Link) -> tuple[int, str, str]:
        return await echoed(await link.open())

    size, sent, received = with_link(use)
    assert size == MEGABYTES << 20
    assert sent == received


def test_a_local_fleet_never_loads_asyncssh() -> None:
    code = (
        "import sys; from mini_slurm.links import make_link; from mini_slurm.model.fleet import MachineEntry;"
        "make_link(MachineEntry('here', 'localhost', local=True), ssh_config=None); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "mini_slurm.links.local" in loaded
    assert "asyncssh" not in loaded
