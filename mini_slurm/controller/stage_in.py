"""Files of a job on their way to one machine: what it does not see itself, and does not have from an earlier job."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from typing import Any

from mini_slurm.controller import stage_delta
from mini_slurm.controller.stager import Talk, Trouble
from mini_slurm.errors import Refused
from mini_slurm.model.staging import Input, Plan, within
from mini_slurm.protocol import flat
from mini_slurm.protocol.staging import BLOCK, ENTRIES, FILE, Entry, pack_entries
from mini_slurm.staging.digests import LARGE, Digests, read_same
from mini_slurm.staging.snapshot import Snapshots
from mini_slurm.staging.tree import Changed, describe, merge, walk

log = logging.getLogger(__name__)

TRIES = 3  # while files are written to, or come damaged
Note = Callable[[int, int], None]  # bytes that are there, and bytes in all


class StageIn:
    """Brings one job's files to one machine.

    Raises Refused for what cannot be brought, Trouble for what the machine cannot take, Unreachable, OSError.
    """

    def __init__(self, plan: Plan, snapshots: Snapshots, threads: Executor, note: Note) -> None:
        self._plan = plan
        self._snapshots = snapshots
        self._digests = Digests(snapshots.folder)
        self._threads = threads
        self._note = note

    async def run(self, talk: Talk) -> bytes:
        """The job's folder on the machine, when all is in it."""
        if talk.is_built:
            return talk.place
        for _ in range(TRIES):
            try:
                return await self._bring(talk)
            except Changed as error:
                changed = str(error)
        raise Refused(f"{changed} is written to all the time, or was removed")

    async def _bring(self, talk: Talk) -> bytes:
        await talk.send("anew")
        trees = [await self._on_thread(self._snapshots.entries, self._plan.snapshot)] if self._plan.snapshot else []
        inputs = await self._on_thread(self._inputs)
        for one in inputs:
            tree = await self._on_thread(_walk, one)
            if _is_apart(one, inputs, trees) and await self._is_seen(talk, tree):
                await talk.send("see", tree[0].path, tree[0].source)
            else:
                trees.append(await self._on_thread(self._digests.fill, tree))
        await self._send(talk, merge(trees))
        await talk.send("build")
        return (await talk.hear("built", 1))[0]

    def _inputs(self) -> list[Input]:
        """What is wanted; of a folder that is to be all of the job's, what is in it."""
        found = []
        for one in self._plan.inputs:
            if one.place:
                found.append(one)
            else:
                found += [Input(os.path.join(one.path, name), name) for name in sorted(os.listdir(one.path))]
        return [one for one in found if _travels(one)]

    async def _is_seen(self, talk: Talk, tree: list[Entry]) -> bool:
        """Does the machine see all of it? A folder that it does not see itself need not be looked into."""
        batches = [tree[:1], *(tree[begin : begin + ENTRIES] for begin in range(1, len(tree), ENTRIES))]
        for batch in batches:
            await talk.send("look", *pack_entries(batch))
            if b"0" in (await talk.hear("seen", 1))[0]:
                return False
        return True

    async def _send(self, talk: Talk, entries: list[Entry]) -> None:
        for field in pack_entries(entry._replace(source=b"", stamp="") for entry in entries):
            await talk.send("entries", field)
        await talk.send("need")
        missing = flat.strings((await talk.hear("need", 1))[0])
        files = {entry.digest: entry for entry in entries if entry.kind == FILE}
        wanted = {}
        for digest, offset in zip(missing[::2], missing[1::2], strict=False):
            if digest not in files or not offset.isdecimal():
                raise flat.BadFrame(f"needs {digest[:80]!r}")
            wanted[digest] = min(int(offset), files[digest].size)
        await self._send_changes(talk, files, wanted)
        for _ in range(TRIES):
            if not wanted:
                return
            await self._send_contents(talk, [(files[digest], offset) for digest, offset in wanted.items()])
            await talk.send("stored")
            damaged = flat.strings((await talk.hear("stored", 1))[0])
            wanted = {digest: 0 for digest in damaged if digest in files}
        raise Trouble(False, f"{len(wanted)} files came damaged {TRIES} times")

    async def _send_changes(self, talk: Talk, files: Mapping[str, Entry], wanted: dict[str, int]) -> None:
        """Have rsync bring large files of which the machine has an older content; what came is wanted no more."""
        large = [digest for digest, offset in wanted.items() if not offset and files[digest].size >= LARGE]
        if not large or not stage_delta.is_possible():
            return
        older = {digest: found for digest in large if (found := await self._on_thread(self._digests.older, digest))}
        if not older:
            return
        await talk.send("basis", *(field for pair in older.items() for field in (pair[0], flat.nest(pair[1]))))
        bases = flat.strings((await talk.hear("basis", 1))[0])
        for digest, basis in zip(older, bases, strict=False):
            if basis in older[digest] and await stage_delta.send(talk, files[digest], basis):
                del wanted[digest]

    async def _send_contents(self, talk: Talk, wanted: list[tuple[Entry, int]]) -> None:
        total = sum(entry.size for entry, _ in wanted)
        done = sum(offset for _, offset in wanted)
        log.info("%s: %d bytes of %d to send", os.fsdecode(talk.place), total - done, total)
        frames = _frames(wanted)
        while (block := await self._on_thread(next, frames, None)) is not None:
            await talk.send_frame(block[0])
            done += block[1]
            self._note(done, total)

    async def _on_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)


def _walk(one: Input) -> list[Entry]:
    try:
        return walk(os.fsencode(one.path), os.fsencode(one.place))
    except OSError as error:
        raise Refused(f"{os.fsdecode(error.filename or one.path)}: {error.strerror}") from None


def _travels(one: Input) -> bool:
    """Is it a file, a folder or a link? Raises Refused where it is gone."""
    try:
        return describe(os.path.realpath(os.fsencode(one.path)), b"") is not None
    except OSError as error:
        raise Refused(f"{one.path}: {error.strerror}") from None


def _is_apart(one: Input, inputs: Iterable[Input], trees: Iterable[Iterable[Entry]]) -> bool:
    """Does nothing else lie at its place or below, nor it below something else? A link cannot be written into."""
    places = [other.place for other in inputs if other is not one]
    places += [os.fsdecode(entry.path) for tree in trees for entry in tree if entry.kind == FILE]
    return all(within(other, one.place) is None and within(one.place, other) is None for other in places)


def _frames(wanted: Iterable[tuple[Entry, int]]) -> Iterator[tuple[bytes, int]]:
    """Frames with pieces of contents, each of about BLOCK bytes, and how many bytes are in it. Raises Changed."""
    fields: list[bytes | str | int] = []
    size = 0
    for entry, offset in wanted:
        for data in read_same(entry, offset):
            fields += [entry.digest, offset, data]
            offset += len(data)
            size += len(data)
            if size >= BLOCK:
                yield flat.pack("data", *fields), size
                fields, size = [], 0
    if fields:
        yield flat.pack("data", *fields), size
