"""Hearing of jobs that change, within an event loop: one connection for all who wait there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from mini_slurm.api.store import Store
from mini_slurm.desk.changes import FIRST_PAUSE, LONGEST_PAUSE, SAFETY, Changes


class Listener:
    """One who waits: what has changed since it looked last."""

    def __init__(self) -> None:
        self.event = asyncio.Event()
        self._changed: set[int] | None = set()

    def note(self, changed: set[int] | None) -> None:
        """These jobs have changed; None: any of them may have."""
        self._changed = None if changed is None or self._changed is None else self._changed | changed
        self.event.set()

    def take(self) -> set[int] | None:
        """What was noted since the last time."""
        changed, self._changed = self._changed, set()
        self.event.clear()
        return changed


class Hub:
    """The connection; it is there as long as somebody listens."""

    def __init__(self, store: Store) -> None:
        self.loop = asyncio.get_running_loop()
        self._store = store
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def listening(self) -> Iterator[Listener]:
        """Hear of what changes; all may have changed before."""
        listener = Listener()
        self._listeners.add(listener)
        if self._task is None or self._task.done():
            self._task = self.loop.create_task(self._run())
        listener.note(None)  # what was told before nobody will tell again
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                self._task.cancel()
                self._task = None

    async def _run(self) -> None:
        changes, pause = Changes(self._store.state, self._store.revive), FIRST_PAUSE
        try:
            while True:
                if changes.fileno() < 0 and not await self._connect(changes):
                    await asyncio.sleep(pause)
                    pause = min(pause * 1.5, LONGEST_PAUSE)
                    continue
                pause = FIRST_PAUSE
                await self._readable(changes.fileno())
                heard = changes.hear()
                for listener in list(self._listeners):
                    if heard != set():
                        listener.note(heard)
        finally:
            changes.close()

    async def _connect(self, changes: Changes) -> bool:
        """Try to connect, in a thread: a busy controller may take a moment to answer."""
        connecting = self.loop.run_in_executor(None, changes.connect)
        try:
            return await asyncio.shield(connecting)
        except asyncio.CancelledError:
            connecting.add_done_callback(lambda done: changes.close())
            raise

    async def _readable(self, fd: int) -> None:
        """Wait until there is something to read, at most for a while."""
        come = asyncio.Event()
        self.loop.add_reader(fd, come.set)
        try:
            await asyncio.wait_for(come.wait(), SAFETY)
        except TimeoutError:
            for listener in list(self._listeners):
                listener.note(None)  # in case that something was missed
        finally:
            self.loop.remove_reader(fd)
