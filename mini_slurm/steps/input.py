"""Standard input on its way to the tasks: kept until they have taken it, as it may have to be sent again."""

from __future__ import annotations

import os

from mini_slurm.steps.outputs import is_of_task, of_tasks
from mini_slurm.steps.records import FED_ALL, FED_TASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.steps.outputs import Layout, Names
    from mini_slurm.steps.settings import NodeState, Settings
    from mini_slurm.steps.talk import Talk

WINDOW = 1 << 18  # bytes that may be under way
BLOCK = 1 << 16
ALL = -1  # in place of a task's number
FLAGS = os.O_RDONLY | os.O_CLOEXEC


class Input:
    """What was read from one file for a task, or for all, and what they have of it."""

    def __init__(self, talk: Talk, descriptor: int, task: int, window: int = WINDOW) -> None:
        self.descriptor = descriptor
        self._talk = talk
        self._task = task
        self._window = window
        self._unsent: list[tuple[int, bytes]] = []  # what may have been lost: offset, data
        self._taken = 0  # bytes that the tasks have
        self._read = 0
        self._ended = False

    @property
    def is_wanted(self) -> bool:
        """Is there more, and room for it?"""
        return not self._ended and self._read - self._taken < self._window

    def send_again(self) -> None:
        """What was sent may have been lost."""
        for offset, data in self._unsent:
            self._talk.say("input", self._task, offset, data)

    def take(self, data: bytes) -> None:
        """Hand on what was read; nothing: its end."""
        self._ended = not data
        self._unsent.append((self._read, data))
        self._talk.say("input", self._task, self._read, data)
        self._read += len(data)

    def note(self, nodes: list[NodeState]) -> None:
        """Some machine's tasks have taken more; the slowest counts, and those that run no more do not."""
        task, number = self._task, FED_ALL if self._task == ALL else FED_TASK + self._task
        fed = [node.fed.get(number, 0) for node in nodes if node.size is None and (task == ALL or task in node.tasks)]
        self._taken = max(self._taken, min(fed, default=self._read))
        self._unsent = [(offset, data) for offset, data in self._unsent if not data or offset + len(data) > self._taken]


class Inputs:
    """All that a step's tasks read."""

    def __init__(self, settings: Settings, talk: Talk) -> None:
        self._talk = talk
        self._pattern = settings.input_file
        own = settings.input
        self.all = [] if own is None else [Input(talk, own, settings.input_task)]

    def open(self, names: Names, layout: Layout, first: int) -> None:
        """Open the file that all tasks share. Raises OSError, whose filename2 says that it is of standard input."""
        if self._pattern and not is_of_task(self._pattern):
            _, _, path = of_tasks(self._pattern, names, layout, first)[0]
            try:
                self.all = [Input(self._talk, os.open(path, FLAGS), ALL)]
            except OSError as error:
                raise OSError(error.errno, error.strerror, path, None, "stdin") from None

    def open_own(self, names: Names, layout: Layout, first: int) -> set[str]:
        """Open the files that tasks have for themselves; the machines of those that cannot be opened."""
        failed = set()
        for task, node, path in of_tasks(self._pattern, names, layout, first) if is_of_task(self._pattern) else ():
            try:
                self.all.append(Input(self._talk, os.open(path, FLAGS), task, BLOCK))
            except OSError:
                failed.add(node)
        return failed

    def send_again(self) -> None:
        """What was sent may have been lost."""
        for one in self.all:
            one.send_again()

    def note(self, nodes: list[NodeState]) -> None:
        """Some machine's tasks have taken more."""
        for one in self.all:
            one.note(nodes)
