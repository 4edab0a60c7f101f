"""The sruns that are not on their job's first machine: somebody carries their frames to it.

For one that is no process of the job that is the controller, to which it is connected; for one on another machine of
the job the agent there, by way of the messages that a job's machines send each other.
"""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Type

from mini_slurm.agent import spool
from mini_slurm.agent.clients import Asker
from mini_slurm.agent.listeners import Listener
from mini_slurm.agent.log import log
from mini_slurm.agent.step import Step
from mini_slurm.protocol import flat
from mini_slurm.protocol.messages import FrontFrame

if TYPE_CHECKING:
    from mini_slurm.agent.attempt import Attempt
    from mini_slurm.agent.jobs import Jobs


FIRST = ("launch", "attach")  # what an srun or a sattach says first


class Way(NamedTuple):
    """How an srun of this machine reaches its job's first one."""

    first: Listener
    attempt: str
    name: str  # srun's own for its step


class Front:
    """One of them, as long as nobody says that it has gone."""

    is_outside = True

    def __init__(self, jobs: "Jobs", attempt: str, name: str, machine: Optional[Listener]) -> None:
        self.step: Optional[Step] = None
        self.watched: List[Step] = []
        self.behind = 0
        self.errands: Dict[str, str] = {}
        self.way: Optional[Way] = None
        self.attempt = attempt
        self.name = name
        self.machine = machine  # None: it is no process of the job
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
        carrier = self.machine or self._jobs.peers.get(self.state_id)
        if carrier is not None:
            carrier.send(FrontFrame(self.attempt, self.name, data))


class Fronts:
    """All of them: those that this machine hears, and those that it carries."""

    def __init__(self, jobs: "Jobs") -> None:
        self._jobs = jobs
        self._known: Dict[Tuple[str, str], Front] = {}
        self._carried: Dict[Tuple[str, str], Asker] = {}

    def handlers(self) -> Dict[Type[Any], Callable[[Any, Any], None]]:
        """What controllers and other machines say of them."""
        return {FrontFrame: self._hear}

    def _hear(self, peer: Any, message: FrontFrame) -> None:
        carried = self._carried.get((message.attempt, message.front))
        if carried is not None:
            self._answer(carried, message.data)
        elif message.data:
            self._take(message, peer if isinstance(peer, Listener) else None)
        else:
            self._leave(message)

    # --- heard

    def _take(self, message: FrontFrame, machine: Optional[Listener]) -> None:
        if machine is not None and self._jobs.steps.of(message.attempt) is None:
            return  # words of the first machine to one that has gone
        key = (message.attempt, message.front)
        front = self._known.setdefault(key, Front(self._jobs, *key, machine))
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
        self._detach([front for front in self._known.values() if front.state_id == state_id])

    def _detach(self, gone: List[Front]) -> None:
        for front in gone:
            del self._known[front.attempt, front.name]
            self._jobs.steps.detach(front)

    # --- carried

    def way(self, frame: List[bytes]) -> Optional[Way]:
        """How to the job that a first frame means, if another machine is the first of it. Raises BadFrame."""
        try:
            token, given, job_id = map(flat.text, frame[1:4])
        except ValueError as error:
            raise flat.BadFrame(f"no job: {error}") from None
        attempts, steps = self._jobs.attempts, self._jobs.steps
        name = name_of(attempts, given, job_id)
        if not name or steps.of(name) is not None:
            return None
        plan = spool.read_json(attempts[name].folder, "start.json")
        return Way(steps.listeners.at(name, next(iter(plan["allocation"])), False), name, token) if plan else None

    def carry(self, client: Asker, way: Way, frame: List[bytes]) -> None:
        """Hand on what an srun of this machine says."""
        if client.way is None:
            client.way = way
            self._carried[way.attempt, way.name] = client
            frame[2] = way.attempt.encode()
        way.first.send(FrontFrame(way.attempt, way.name, flat.pack(*frame)))

    def _answer(self, client: Asker, data: bytes) -> None:
        for frame in flat.Reader().feed(data):
            client.say(*frame)
        if not data:
            self._drop(client)

    def left(self, client: Asker) -> None:
        """One of this machine has gone."""
        way = client.way
        if way is not None and self._carried.pop((way.attempt, way.name), None) is client:
            way.first.send(FrontFrame(way.attempt, way.name, b""))

    def _drop(self, client: Asker) -> None:
        """End its connection, and say nothing of that: it will come back, or know why not."""
        if client.way is not None:
            del self._carried[client.way.attempt, client.way.name]
            client.way = None
        client.close()

    # --- the ways between machines

    def renewed(self, machine: Listener) -> None:
        """The way to another machine is a new one, and what was under way is lost: those who used it begin again."""
        self._detach([front for front in self._known.values() if front.machine is machine])
        for client in [one for one in self._carried.values() if one.way and one.way.first is machine]:
            self._drop(client)

    def forget(self, attempt: str) -> None:
        """A job is over."""
        self._detach([front for front in self._known.values() if front.attempt == attempt])
        for client in [one for (name, _), one in self._carried.items() if name == attempt]:
            self._drop(client)


def name_of(attempts: "Dict[str, Attempt]", name: str, job_id: str) -> str:
    """The attempt of the job that an srun means: its own, which has this name, or one of that number; or ""."""
    if name.split(".")[1:2] == [job_id] and name in attempts:
        return name
    fitting = (other for other, attempt in attempts.items() if not attempt.head and attempt.ended is None)
    return next((other for other in fitting if other.split(".")[1] == job_id), "")
