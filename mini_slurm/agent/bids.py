"""Who asks for a step: an srun, with a connection for each part of a job in which the step is to run."""

from typing import TYPE_CHECKING, Any, Dict, List, NamedTuple, Tuple

from mini_slurm.steps.layout import Part
from mini_slurm.steps.request import StepRequest

if TYPE_CHECKING:
    from mini_slurm.agent.launch import Launch


class Bid:
    """One step that is wanted; it can begin when srun has spoken of all its parts."""

    def __init__(self, name: str, count: int) -> None:
        self.name = name  # what its parts have in common
        self._count = count
        self._members: Dict[int, Tuple[Any, Launch]] = {}
        self.why = ""  # what it waits for

    def join(self, client: Any, wanted: "Launch") -> None:
        """srun speaks of a part."""
        self._members[wanted.request.part] = (client, wanted)

    def leave(self, client: Any) -> None:
        """This connection has ended."""
        self._members = {part: member for part, member in self._members.items() if member[0] is not client}

    @property
    def members(self) -> "List[Tuple[Any, Launch]]":
        """Connection and request of each part, in their order."""
        return [self._members[part] for part in sorted(self._members)]

    @property
    def is_complete(self) -> bool:
        """Are all parts known?"""
        return len(self._members) >= self._count

    @property
    def patience(self) -> int:
        """For how many seconds it may wait; 0: for ever."""
        return self.members[0][1].request.immediate

    def say(self, *fields: str) -> None:
        """Say something to srun, once."""
        self.members[0][0].say(*fields)

    def refuse(self, kind: str, why: str) -> None:
        """It cannot be: said once, and to each connection that nothing comes of it."""
        self.say("refused", kind, why)
        for client, _ in self.members[1:]:
            client.say("refused", "beside", "")


class Component(NamedTuple):
    """One part of a step that begins, most often all of it."""

    token: str
    request: StepRequest
    parts: List[Part]  # on each machine
    distribution: str
    is_outside: bool  # is its srun no process of the job?
    tasks: int  # of the whole step
    first_task: int  # that of the step which is this one's first
    shared: Dict[str, str]  # variables of the whole step, where it has several parts
    node_numbers: Dict[str, int]  # of its machines within the whole step, likewise
