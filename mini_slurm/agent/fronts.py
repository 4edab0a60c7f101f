"""The sruns that are no processes of the job: the controller, to which they are connected, carries their frames."""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Tuple, Type

from mini_slurm.agent.log import log
from mini_slurm.agent.step import Step
from mini_slurm.protocol import flat
from mini_slurm.protocol.messages import FrontFrame

if TYPE_CHECKING:
    from mini_slurm.agent.jobs import Jobs


class Front:
    """One of them, as long as the controller does not say that it has gone."""

    is_outside = True

    def __init__(self, jobs: "Jobs", attempt: str, name: str) -> None:
        self.step: Optional[Step] = None
        self.watched: Optional[Step] = None
        self.behind = 0
        self.errands: Dict[str, str] = {}
        self.attempt = attempt
        self.name = name
        self._jobs = jobs

    @property
    def state_id(self) -> str:
        """Whose job it speaks of."""
        return self.attempt.rsplit(".", 2)[0]

    def say(self, *fields: "bytes | str | int") -> None:
        """Send a frame. Without a controller it is lost, and said again when srun is back."""
        self._send(flat.pack(*fields))

    def close(self) -> None:
        """Nothing more is to be said."""
        self._send(b"")

    def _send(self, data: bytes) -> None:
        peer = self._jobs.peers.get(self.state_id)
        if peer is not None:
            peer.send(FrontFrame(self.attempt, self.name, data))


class Fronts:
    """All of them."""

    def __init__(self, jobs: "Jobs") -> None:
        self._jobs = jobs
        self._known: Dict[Tuple[str, str], Front] = {}

    def handlers(self) -> Dict[Type[Any], Callable[[Any, Any], None]]:
        """What controllers say of them."""
        return {FrontFrame: lambda peer, message: self._take(message) if message.data else self._leave(message)}

    def _take(self, message: FrontFrame) -> None:
        key = (message.attempt, message.front)
        front = self._known.setdefault(key, Front(self._jobs, *key))
        try:
            for frame in flat.Reader().feed(message.data):
                self._jobs.steps.take(front, frame)
        except flat.BadFrame as error:
            log(f"srun {message.front} of {message.attempt} is not listened to: {error}")
            front.close()

    def _leave(self, message: FrontFrame) -> None:
        front = self._known.pop((message.attempt, message.front), None)
        if front is not None:
            self._jobs.steps.leave(front)

    def lost(self, state_id: str) -> None:
        """The controller has gone, or the cable: they may come back, and their steps go on."""
        gone: List[Front] = [front for front in self._known.values() if front.state_id == state_id]
        for front in gone:
            del self._known[front.attempt, front.name]
            self._jobs.steps.detach(front)
