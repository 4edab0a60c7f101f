"""Who hears of an attempt: its controller; or, of a machine's part of a step, the agent of the job's first machine."""

from collections import deque
from typing import TYPE_CHECKING, Any, Deque, Dict, Tuple

from mini_slurm.agent.outlet import pump
from mini_slurm.protocol.framing import Decoder, ProtocolError, encode
from mini_slurm.protocol.messages import Ended, FrontFrame, Message, Output, Refused, Relay, Started, Unknown

if TYPE_CHECKING:
    from mini_slurm.agent.attempt import Attempt
    from mini_slurm.agent.jobs import Jobs

NEWS = (Started, Ended, Output, Refused, Unknown)  # what is said of a part; all else is said to it


class Listener:
    """The agent of one of a job's machines, which may be this one, as the other end of talk about steps."""

    def __init__(self, jobs: "Jobs", job: str, node: str, is_here: bool) -> None:
        self._jobs = jobs
        self.job = job
        self.node = node
        self.is_here = is_here
        self.state_id = job.rsplit(".", 2)[0]
        self.outlets: Deque[Attempt] = deque()

    @property
    def has_room(self) -> bool:
        """May output be added?"""
        peer = self._jobs.peers.get(self.state_id)
        return self.is_here or (peer is not None and peer.has_room)

    def send(self, message: Message) -> None:
        """Say something. What finds no way to another machine is said again when there is one."""
        peer = self._jobs.peers.get(self.state_id)
        if not self.is_here and peer is not None:
            peer.send(Relay(self.job, self.node, encode(message)))
        elif self.is_here:
            self.take(message)

    def take(self, message: Message) -> None:
        """Do what that machine says. Raises ProtocolError."""
        if isinstance(message, NEWS):
            self._jobs.steps.hear(self.node, message)
        else:
            self._jobs.take(self, message)


class Listeners:
    """The machines of all jobs, as far as something was said to them."""

    def __init__(self, jobs: "Jobs") -> None:
        self._jobs = jobs
        self._known: Dict[Tuple[str, str], Listener] = {}

    def of(self, attempt: "Attempt") -> Any:
        """Who is to hear of an attempt; None: nobody is there."""
        if not attempt.head:
            return self._jobs.peers.get(attempt.state_id)
        return self.at(attempt.name.rpartition("-")[0], attempt.head, attempt.head == attempt.node)

    def at(self, job: str, node: str, is_here: bool) -> Listener:
        """The agent of one of a job's machines."""
        if (job, node) not in self._known:
            self._known[job, node] = Listener(self._jobs, job, node, is_here)
        return self._known[job, node]

    def emptied(self, state_id: str) -> None:
        """The way to other machines has room again."""
        for listener in list(self._known.values()):
            if listener.outlets and listener.state_id == state_id:
                pump(listener)

    def relayed(self, relay: Relay) -> None:
        """The controller passes on what another machine says, or has a new way to it. Raises ProtocolError."""
        job = self._jobs.attempts.get(relay.attempt)
        if job is None or job.node == relay.node:
            return
        listener = self.at(relay.attempt, relay.node, False)
        if not relay.data:
            self._jobs.steps.renew(listener)
        for message in Decoder().feed(relay.data):
            name = relay.attempt if isinstance(message, FrontFrame) else f"{relay.attempt}-"
            if isinstance(message, Relay) or not getattr(message, "attempt", "").startswith(name):
                raise ProtocolError(f"{type(message).__name__} by way of another machine")
            listener.take(message)

    def forget(self, job: str) -> None:
        """A job is over."""
        for key in [key for key in self._known if key[0] == job]:
            del self._known[key]
