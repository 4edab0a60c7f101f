"""Results of a job on their way home, from one of its machines after the other."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, NamedTuple

from mini_slurm.controller.stage_in import Note
from mini_slurm.controller.stager import Talk
from mini_slurm.model.job import Job
from mini_slurm.model.patterns import file_name
from mini_slurm.model.staging import Plan, Result, destination, matches
from mini_slurm.protocol import flat
from mini_slurm.protocol.staging import FILE, FOLDER, Entry, unpack_entries
from mini_slurm.staging.home import Arrival, Home

log = logging.getLogger(__name__)

BATCH = 200  # files that are asked for together


class Found(NamedTuple):
    """Something that a pattern matched on a machine, and where it goes."""

    entry: Entry
    folder: str
    below: str


class StageOut:
    """Brings one attempt's results home. Raises Unreachable, Trouble, OSError, Damaged: then it may be tried again."""

    def __init__(self, attempt: str, job: Job, plan: Plan, threads: Executor, note: Note) -> None:
        self._home = Home(attempt, job.umask)
        self._plan = plan
        self._dests = [file_name(result.dest, job) if result.dest else "" for result in plan.results]
        self._threads = threads
        self._note = note
        self._matched: set[int] = set()
        self._owners: dict[tuple[str, str], str] = {}  # the machine that each result came from
        self._left_out: dict[str, None] = {}

    @property
    def remarks(self) -> list[str]:
        """What the user should hear, a line each, when all machines were asked."""
        empty = [result.pattern for number, result in enumerate(self._plan.results) if number not in self._matched]
        lines = [f"stage-out: nothing matches {pattern}" for pattern in empty]
        return lines + [f"stage-out: {path} is left out: it leads out of the folder" for path in self._left_out]

    async def run(self, talk: Talk, machine: str, results: Collection[Result]) -> None:
        """All that one machine has of these results, which are all, or some, of the plan's."""
        numbers = [number for number, result in enumerate(self._plan.results) if result in results]
        found = [self._placed(number, entry, machine) for number, entry in await self._find(talk, numbers)]
        for one in found:
            if one.entry.kind == FOLDER:
                await self._on_thread(self._home.make_folder, one.folder, one.below)
        files = [one for one in found if one.entry.kind == FILE]
        missing = await self._on_thread(lambda: [one for one in files if not self._home.has(*one[1:], one[0])])
        await self._get_all(talk, missing)
        for one in found:
            if one.entry.kind not in (FILE, FOLDER) and not await self._on_thread(
                self._home.link, one.folder, one.below, one.entry
            ):
                self._left_out[os.fsdecode(one.entry.path)] = None
        if missing:
            await self._on_thread(os.sync)  # the machine forgets the job then

    async def _find(self, talk: Talk, numbers: Sequence[int]) -> list[tuple[int, Entry]]:
        """What the machine says that there is; nothing that was not asked for. Raises BadFrame."""
        results = [self._plan.results[number] for number in numbers]
        await talk.send("find", *(os.fsencode(result.pattern) for result in results))
        found = []
        async for kind, fields in talk.until("end"):
            if kind != "found" or len(fields) != 2 or flat.number(fields[0]) not in range(len(results)):
                raise flat.BadFrame(f"said {kind[:40]!r}")
            number = numbers[int(fields[0])]
            for entry in unpack_entries(fields[1]):
                if not matches(os.fsdecode(entry.path), self._plan.results[number].pattern):
                    raise flat.BadFrame(f"{entry.path!r} was not asked for")
                found.append((number, entry))
            self._matched.add(number)
        return found

    def _placed(self, number: int, entry: Entry, machine: str) -> Found:
        """Where it goes. What two machines have by one name has, from the second, the machine's behind it."""
        path = os.fsdecode(entry.path)
        folder, below = destination(path, self._plan.results[number], self._plan.root, self._dests[number])
        if entry.kind != FOLDER and self._owners.setdefault((folder, below), machine) != machine:
            below += f".{machine}"
        return Found(entry, folder, below)

    async def _get_all(self, talk: Talk, files: list[Found]) -> None:
        total, done = sum(one.entry.size for one in files), 0
        for begin in range(0, len(files), BATCH):
            batch = files[begin : begin + BATCH]
            arrivals: list[Arrival] = []
            try:
                for one in batch:
                    arrivals.append(await self._on_thread(self._home.begin, one.folder, one.below, one.entry))
                pairs = zip(batch, arrivals, strict=True)
                fields = [part for one, arrival in pairs for part in (one.entry.path, arrival.offset)]
                log.info("%s: has %d bytes of what is wanted", os.fsdecode(talk.place), sum(a.offset for a in arrivals))
                await talk.send("get", *fields)
                for one, arrival in zip(batch, arrivals, strict=True):
                    await self._get(talk, arrival, partial(self._note_from, done, total))
                    done += one.entry.size
            finally:
                for arrival in arrivals:
                    arrival.close()

    async def _get(self, talk: Talk, arrival: Arrival, note: Callable[[int], None]) -> None:
        while True:
            kind, fields = await talk.next()
            if kind not in ("bytes", "sum") or len(fields) != 1:
                raise flat.BadFrame(f"said {kind[:40]!r}")
            if kind == "sum":
                await self._on_thread(arrival.finish, fields[0])
                return
            await self._on_thread(arrival.write, fields[0])
            note(arrival.offset)

    def _note_from(self, before: int, total: int, size: int) -> None:
        self._note(before + size, total)

    async def _on_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)
