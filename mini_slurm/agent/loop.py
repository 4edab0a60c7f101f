"""The agent's event loop: files that become ready, timers, and ends of children."""

import heapq
import os
import selectors
import signal
import time
from contextlib import suppress
from typing import Any, Callable, List, Tuple

from mini_slurm.agent.log import log_trouble

Handler = Callable[[int], None]
Work = Callable[[], None]


class Loop:
    """Calls what is due. One thread; nothing it calls may wait."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: List[Tuple[float, int, Work]] = []
        self._count = 0
        self._running = True
        self._on_child: List[Work] = []
        reader, writer = os.pipe()
        for descriptor in (reader, writer):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGTERM, lambda number, frame: self.stop())
        self.add(reader, selectors.EVENT_READ, lambda events: self._woken(reader))

    def add(self, file: Any, events: int, handler: Handler) -> None:
        """Call `handler` with what has become possible, whenever that is so."""
        self._selector.register(file, events, handler)

    def change(self, file: Any, events: int, handler: Handler) -> None:
        """Wait for something else."""
        self._selector.modify(file, events, handler)

    def remove(self, file: Any) -> None:
        """Forget a file, before it is closed."""
        self._selector.unregister(file)

    def later(self, seconds: float, work: Work) -> None:
        """Call once, after so many seconds."""
        self._count += 1
        heapq.heappush(self._timers, (time.monotonic() + seconds, self._count, work))

    def on_child(self, work: Work) -> None:
        """Call whenever a child has ended."""
        self._on_child.append(work)

    def run(self) -> None:
        """Until stop()."""
        while self._running:
            for key, events in self._selector.select(self._timeout()):
                _guard(key.data, events)
            while self._timers and self._timers[0][0] <= time.monotonic():
                _guard(heapq.heappop(self._timers)[2])

    def stop(self) -> None:
        """End run() when what is being handled is done."""
        self._running = False

    def _timeout(self) -> float:
        return max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else 3600.0

    def _woken(self, reader: int) -> None:
        with suppress(BlockingIOError):
            os.read(reader, 4096)
        for work in self._on_child:
            work()


def _guard(work: Callable[..., None], *arguments: int) -> None:
    """A fault in one matter must not end the agent, on which all others depend."""
    try:
        work(*arguments)
    except Exception:
        log_trouble()
