"""A large file that has changed, on its way to a machine that has an older content of it: rsync sends the difference.

The rsync of this side is told to reach the other by staging/relay.py, so both talk over the stager's own channel: no
login, no port and no name of the machine is needed.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

from mini_slurm.controller.stager import Talk, Trouble
from mini_slurm.protocol import flat
from mini_slurm.protocol.staging import Entry
from mini_slurm.staging import relay

log = logging.getLogger(__name__)

PATIENCE = 10.0  # seconds for rsync to say its first word, and to end
MOST_WORDS = 4096  # bytes of its words
KEPT = 1 << 20  # bytes read ahead


def is_possible() -> bool:
    """Is rsync here, and can it be told where the relay is?"""
    return shutil.which("rsync") is not None and '"' not in sys.executable + str(Path(relay.__file__))


async def send(talk: Talk, entry: Entry, basis: str) -> bool:
    """Has the content come, checked? `basis`: the content that the machine has. Raises Unreachable."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = await _start(entry, theirs.fileno())
    reader, writer = await asyncio.open_connection(sock=ours, limit=KEPT)
    try:
        words = await _words(reader)
        has_come = bool(words) and await _run(talk, [entry.digest, basis, *words], reader, writer)
    except Trouble as error:
        log.info("%s", error)
        has_come = False
    finally:
        writer.close()
        await _end(process)
    log.info("%s came as a difference: %s", os.fsdecode(entry.source), has_come)
    return has_come


async def _start(entry: Entry, descriptor: int) -> asyncio.subprocess.Process:
    reach = f'"{sys.executable}" -I -S "{relay.__file__}" {descriptor}'
    words = ["-I", "--no-whole-file", "-e", reach, "--", os.fsdecode(entry.source), "there:file"]
    nothing = asyncio.subprocess.DEVNULL
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}  # no options by variables or files
    return await asyncio.create_subprocess_exec(
        "rsync", *words, env=environment, stdin=nothing, stdout=nothing, stderr=nothing, pass_fds=(descriptor,),
        start_new_session=True,
    )  # fmt: skip


async def _words(reader: asyncio.StreamReader) -> list[str]:
    """How rsync would call the other one; nothing if it does not get as far as that."""
    try:
        async with asyncio.timeout(PATIENCE):
            size = int(await reader.readline() or b"0")
            said = await reader.readexactly(min(size, MOST_WORDS))
    except (TimeoutError, ValueError, asyncio.IncompleteReadError, ConnectionError):
        return []
    return [flat.text(word) for word in said.split(b"\0")[:-1]]


async def _run(talk: Talk, words: list[str], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    await talk.send("delta", *words)
    up = asyncio.get_running_loop().create_task(_pass_up(talk, reader))
    try:
        while (said := await talk.next())[0] == "piped":
            writer.writelines(said[1])
            with suppress(ConnectionError):
                await writer.drain()
        if said[0] != "delta":
            raise flat.BadFrame(f"{said[0][:40]!r} while rsync runs")
        return said[1] == [b"1"]
    finally:
        up.cancel()
        with suppress(asyncio.CancelledError):
            await up


async def _pass_up(talk: Talk, reader: asyncio.StreamReader) -> None:
    """What rsync says, to its end."""
    data = b"-"
    while data:
        try:
            data = await reader.read(KEPT)
        except ConnectionError:
            data = b""
        await talk.send("pipe", data)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Its relay has nobody to talk to any more."""
    try:
        async with asyncio.timeout(PATIENCE):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
