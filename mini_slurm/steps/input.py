"""srun's standard input on its way to the tasks: kept until they have taken it, as it may have to be sent again."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.steps.front import NodeState, Settings
    from mini_slurm.steps.talk import Talk

WINDOW = 1 << 18  # bytes that may be under way
BLOCK = 1 << 16


class Input:
    """What was read, and what the tasks have of it."""

    def __init__(self, settings: Settings, talk: Talk) -> None:
        self._settings = settings
        self._talk = talk
        self._unsent: list[tuple[int, bytes]] = []  # what may have been lost: offset, data
        self._taken = 0  # bytes that the tasks have
        self._read = 0
        self._ended = False

    @property
    def is_wanted(self) -> bool:
        """Is there more, and room for it?"""
        return not self._ended and self._read - self._taken < WINDOW

    def send_again(self) -> None:
        """What was sent may have been lost."""
        for offset, data in self._unsent:
            self._talk.say("input", self._settings.input_task, offset, data)

    def take(self, data: bytes) -> None:
        """Hand on what was read; nothing: its end."""
        self._ended = not data
        self._unsent.append((self._read, data))
        self._talk.say("input", self._settings.input_task, self._read, data)
        self._read += len(data)

    def note(self, nodes: list[NodeState]) -> None:
        """Some machine's tasks have taken more; the slowest counts, and those that run no more do not."""
        task = self._settings.input_task
        fed = [node.fed for node in nodes if node.size is None and (task < 0 or task in node.tasks)]
        self._taken = max(self._taken, min(fed, default=self._read))
        self._unsent = [(offset, data) for offset, data in self._unsent if not data or offset + len(data) > self._taken]
