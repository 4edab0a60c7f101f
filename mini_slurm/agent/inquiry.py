"""Programs that are asked aside: the agent's loop goes on, as their drivers can hang."""

import os
import selectors
import signal
from contextlib import suppress
from typing import Callable, Dict, List

from mini_slurm.agent import probes, processes
from mini_slurm.agent.loop import Loop

PATIENCE = 25.0  # seconds
LARGEST = 1 << 20  # bytes of an answer that are taken


class Inquiry:
    """Some commands at once. `done` gets what each printed; a command that could not be run printed nothing."""

    def __init__(self, loop: Loop, commands: List[List[str]], done: Callable[[List[str]], None]) -> None:
        self._loop = loop
        self._done = done
        self._outputs = [b""] * len(commands)
        self._running: Dict[int, int] = {}  # end of a pipe -> pid
        self._is_over = False
        for place, command in enumerate(commands):
            with suppress(OSError):
                self._ask(place, command)
        loop.later(PATIENCE, self._give_up)
        if not self._running:
            loop.later(0.0, self._finish)

    def _ask(self, place: int, command: List[str]) -> None:
        reader, writer = os.pipe()
        try:
            pid = probes.spawn(command, writer)
        except OSError:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        self._running[reader] = pid
        self._loop.add(reader, selectors.EVENT_READ, lambda events: self._read(place, reader))

    def _read(self, place: int, reader: int) -> None:
        data = os.read(reader, 1 << 16)
        self._outputs[place] += data[: LARGEST - len(self._outputs[place])]
        if not data:
            self._close(reader)
            if not self._running:
                self._finish()

    def _close(self, reader: int) -> None:
        self._loop.remove(reader)
        os.close(reader)
        del self._running[reader]

    def _finish(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._done([output.decode(errors="replace") for output in self._outputs])

    def _give_up(self) -> None:
        for reader, pid in list(self._running.items()):
            found = processes.look(pid)
            if found and found.parent == os.getpid():  # it has not ended, nor been reaped
                os.kill(pid, signal.SIGKILL)
            self._close(reader)
        self._finish()
