"""Calls for the login nodes of clusters: each has one connection, kept while the controller lives."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from typing import Any

from mini_slurm.agent.archive import CHECK
from mini_slurm.clusters import there
from mini_slurm.errors import Unreachable
from mini_slurm.links import make_talker
from mini_slurm.links.base import Broken, Talker
from mini_slurm.links.ssh_errors import one_line
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.store import database, foreign

AT_ONCE = 8  # calls under way on one connection: sshd's MaxSessions is 10
OLD = 3600.0  # seconds after which nobody waits for a call any more
TRIES = 3  # when the connection breaks meanwhile

log = logging.getLogger(__name__)


class Couriers:
    """Answers the calls in the store. `alone`: held by who has a transaction of this connection open."""

    def __init__(
        self,
        db: sqlite3.Connection,
        alone: asyncio.Lock,
        entries: Callable[[], Mapping[str, ClusterEntry]],
        ssh_config: Callable[[], str | None],
    ) -> None:
        self._db = db
        self._alone = alone
        self._entries = entries
        self._ssh_config = ssh_config
        self._lines: dict[str, Line] = {}
        self._under_way: dict[int, asyncio.Task[None]] = {}

    def look(self) -> None:
        """Begin with the calls that are new."""
        found = foreign.unanswered(self._db, time.time() - OLD)
        new = [call for call in found if call.number not in self._under_way]
        if not all(call.begun for call in new):
            with database.transaction(self._db):
                foreign.begin(self._db, (call.number for call in new))
        for call in new:
            self._under_way[call.number] = asyncio.get_running_loop().create_task(self._answer(call))

    @property
    def is_busy(self) -> bool:
        """Is there a call without an answer?"""
        return bool(self._under_way) or bool(foreign.unanswered(self._db, 0.0))

    async def close(self) -> None:
        """End all connections; what was started goes on, and is asked for again by the next controller."""
        for task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)
        await asyncio.gather(*(line.close() for line in self._lines.values()), return_exceptions=True)

    async def _answer(self, call: foreign.Asked) -> None:
        answer = await self._ask(call.cluster, call.body)
        if call.begun:
            answer = unsure(answer)  # the controller before this one may have got through
        async with self._alone:
            self._store(call, answer)

    def _store(self, call: foreign.Asked, answer: Mapping[str, Any]) -> None:
        with database.transaction(self._db):
            foreign.answer(self._db, call.number, json.dumps(answer))
        del self._under_way[call.number]

    async def _ask(self, cluster: str, body: str) -> Mapping[str, Any]:
        entry = self._entries().get(cluster)
        if entry is None or entry.host is None:
            return {"fault": "the fleet file that is in use has no host for it", "clear": True}
        line = self._lines.get(cluster)
        if line is None or line.entry != entry:
            if line is not None:
                await line.close()
            line = self._lines[cluster] = Line(entry, self._ssh_config())
        try:
            return await line.ask(body)
        except Unreachable as error:
            clear = not isinstance(error, Broken)
            hint = error.hint.replace(f"mini-slurm add {cluster}", f"ssh {entry.host}, which asks whether to trust it")
            return {"fault": error.lines[0].removeprefix(f"{cluster}: "), "hint": hint, "clear": clear}


class Line:
    """The way to one login node."""

    def __init__(self, entry: ClusterEntry, ssh_config: str | None) -> None:
        self.entry = entry
        self._talker: Talker = make_talker(entry.login, ssh_config=ssh_config)
        self._room = asyncio.Semaphore(AT_ONCE)

    async def ask(self, body: str) -> dict[str, Any]:
        """What came of a call. Raises Unreachable, and Broken where it may have had its effect."""
        broken: Broken | None = None
        async with self._room:
            for _ in range(TRIES):
                try:
                    answer = self._said(await self._talker.talk(greeting(body)))
                    return answer if broken is None else unsure(answer)
                except Broken as error:
                    broken = error  # a call that changes anything is started once under its name
                except Unreachable as error:
                    if broken is None:
                        raise
                    raise Broken(*error.lines, hint=error.hint) from None
        assert broken is not None
        raise broken

    def _said(self, output: bytes) -> dict[str, Any]:
        """The answer, on the last line; a login shell may print before it. Raises Unreachable where there is none."""
        last = output.strip().rpartition(b"\n")[2]
        try:
            answer: dict[str, Any] = json.loads(last)
        except ValueError:
            host, said = self.entry.host, one_line(last.decode(errors="replace"))
            raise Unreachable(
                f"the login shell of {host} ran no python3{f', but said: {said}' if said else ''}",
                hint=f"have its start-up files, as ~/.bashrc there, end nothing: does `ssh {host} python3 -V` work?",
            ) from None
        return answer

    async def close(self) -> None:
        """End the connection."""
        await self._talker.close()


def unsure(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An answer, where an earlier try may have had its effect: a fault does not say that nothing was done."""
    if "fault" not in answer:
        return {**answer}
    return {"fault": answer["fault"], "hint": answer.get("hint", ""), "clear": False}


def greeting(body: str) -> bytes:
    """What is sent to the far Python: the version check, the program, its order."""
    with open(os.path.abspath(there.__file__), "rb") as file:
        source = file.read() + b"\n\nmain(s)\n"
    return b"%d\n%s%d\n%s%s\n" % (len(CHECK), CHECK, len(source), source, body.encode())
