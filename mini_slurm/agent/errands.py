"""Slurm's commands in jobs that only the submit side can answer: handed on, and the answers back."""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Type

from mini_slurm.agent.clients import Asker
from mini_slurm.agent.script import account
from mini_slurm.protocol import flat
from mini_slurm.protocol.messages import Errand, ErrandGone, ErrandOutput, ErrandOver

if TYPE_CHECKING:
    from mini_slurm.agent.jobs import Jobs


class Errands:
    """Those that wait for an answer, or for somebody who could give it."""

    def __init__(self, jobs: "Jobs") -> None:
        self._jobs = jobs
        self._clients: Dict[str, Asker] = {}  # by token
        self._unsent: Dict[str, Errand] = {}

    def handlers(self) -> Dict[Type[Any], Callable[[Any, Any], None]]:
        """What controllers say of them."""
        return {
            ErrandOutput: lambda peer, message: self._say(message, message.stream or "begun", message.data),
            ErrandOver: lambda peer, message: self._over(message),
        }

    def take(self, client: Asker, frame: List[bytes]) -> None:
        """A process asks. Raises BadFrame."""
        if len(frame) != 11:
            raise flat.BadFrame(f"an errand of {len(frame)} fields")
        attempt, token, program = map(flat.text, frame[1:4])
        if attempt not in self._jobs.attempts:
            client.say("refused", "Invalid job id specified")
            return
        errand = Errand(
            attempt,
            token,
            program,
            flat.strings(frame[4]),
            flat.pairs(frame[5]),
            flat.text(frame[6]),
            flat.number(frame[7]),
            flat.pairs(frame[8]),
            account()["USER"],
            flat.text(frame[9]),
            frame[10],
        )
        self._clients[token] = client
        self._unsent[token] = errand
        self._send(token)

    def _send(self, token: str) -> None:
        errand = self._unsent[token]
        peer = self._jobs.peers.get(errand.attempt.rsplit(".", 2)[0])
        if peer is not None:
            del self._unsent[token]
            self._clients[token].say("sent")
            self._clients[token].errands[token] = errand.attempt
            peer.send(errand)

    def join(self) -> None:
        """There is a controller: what has waited for one is sent."""
        for token in list(self._unsent):
            self._send(token)

    def lost(self, state_id: str) -> None:
        """A controller has gone: what it was asked and has not answered is not answered any more."""
        for token, client in list(self._clients.items()):
            if client.errands.get(token, "").rsplit(".", 2)[0] == state_id:
                del self._clients[token]
                client.say("lost")

    def leave(self, client: Asker) -> None:
        """A process has gone, or has its answer."""
        for token in [token for token, other in self._clients.items() if other is client]:
            del self._clients[token]
            if self._unsent.pop(token, None) is None:
                self._tell_gone(client.errands[token], token)

    def _tell_gone(self, attempt: str, token: str) -> None:
        peer = self._jobs.peers.get(attempt.rsplit(".", 2)[0])
        if peer is not None:
            peer.send(ErrandGone(attempt, token))

    def _say(self, message: ErrandOutput, kind: str, data: bytes) -> None:
        client = self._clients.get(message.token)
        if client is not None:
            client.say(kind, data)

    def _over(self, message: ErrandOver) -> None:
        client = self._clients.pop(message.token, None)
        if client is not None:
            client.say("over", message.status)
