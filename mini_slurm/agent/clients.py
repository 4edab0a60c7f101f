"""srun, or another of Slurm's commands in a job, as its machine's agent sees it."""

import socket
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Protocol

from mini_slurm.agent.connection import Connection
from mini_slurm.agent.loop import Loop
from mini_slurm.agent.step import Step
from mini_slurm.protocol import flat

if TYPE_CHECKING:
    from mini_slurm.agent.steps import Steps


class Asker(Protocol):
    """An srun, wherever it is."""

    step: Optional[Step]
    watched: List[Step]  # which a sattach looks at
    behind: int  # bytes that a sattach was sent and has not taken yet
    errands: Dict[str, str]  # token -> the job's attempt: what the submit side was asked for it
    is_outside: bool  # it is not on the job's first machine, and others carry what it says
    way: Any  # fronts.Way of one whose frames this agent carries elsewhere

    def say(self, *fields: "bytes | str | int") -> None:
        """Send a frame."""

    def close(self) -> None:
        """Nothing more is to be said."""


class Client(Connection):
    """One srun of the job. It is there until its connection ends, and may come back on another one."""

    is_outside = False

    def __init__(self, loop: Loop, channel: socket.socket, steps: "Steps") -> None:
        super().__init__(loop, channel)
        self.step: Optional[Step] = None
        self.watched: List[Step] = []
        self.behind = 0
        self.errands: Dict[str, str] = {}
        self.way: Any = None
        self._steps = steps
        self._reader = flat.Reader()

    def say(self, *fields: "bytes | str | int") -> None:
        """Send a frame."""
        self.write(flat.pack(*fields))

    def received(self, data: bytes) -> None:
        """Take what is complete. Raises BadFrame."""
        for frame in self._reader.feed(data):
            if not self.closed:
                self.take(frame)

    def take(self, frame: List[bytes]) -> None:
        """Do what srun says. Raises BadFrame."""
        self._steps.take(self, frame)

    def dropped(self) -> None:
        """srun has gone, or will connect again."""
        self._steps.leave(self)
