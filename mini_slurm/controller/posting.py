"""Sending notices in a process of its own, which is ended when it takes too long."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress
from typing import NamedTuple

from mini_slurm.model.fleet import Fleet
from mini_slurm.store.notices import Notice

START_PATIENCE = 15.0  # seconds for the process to begin
WORDS = ("sent", "again", "never")


class Outcome(NamedTuple):
    """What came of a notice: `sent`, `again` (it may be tried again) or `never`; and why."""

    word: str
    why: str = ""


async def post(fleet: Fleet, state_id: str, notices: list[Notice]) -> dict[int, Outcome]:
    """Send these, which all go the same way; what came of each, by number. One that is missing took too long."""
    settings = {"mail": fleet.mail._asdict(), "notices": fleet.notices._asdict(), "state_id": state_id}
    order = json.dumps({**settings, "items": [notice._asdict() for notice in notices]}).encode()
    one = fleet.mail.timeout if notices[0].way == "mail" else fleet.notices.timeout
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "mini_slurm.controller.poster"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    found: dict[int, Outcome] = {}
    try:
        with suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
            async with asyncio.timeout(START_PATIENCE + one * len(notices)):
                process.stdin.write(order)
                process.stdin.close()
                async for line in process.stdout:
                    number, word, why = json.loads(line)
                    found[number] = Outcome(word, why)
    finally:
        await _end(process)
    return found


async def _end(process: asyncio.subprocess.Process) -> None:
    """Its programs, too: it leads a session."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    await process.wait()


def _environment() -> dict[str, str]:
    """Nothing that the controller happens to have been started with, save what leads to home and to this Python."""
    kept = ("HOME", "USER", "LOGNAME", "PATH", "LANG", "TZ", "VIRTUAL_ENV", "PYTHONPATH")
    return {name: os.environ[name] for name in kept if name in os.environ}
