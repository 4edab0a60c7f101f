"""What the core knows of one machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mini_slurm.model.fleet import MachineEntry
from mini_slurm.model.resources import Resources

LONGEST_PAUSE = 30.0  # seconds


@dataclass(eq=False)
class Books:
    """One machine; whoever changes these says so with Cluster.note()."""

    entry: MachineEntry
    position: int = 0  # in the order of the fleet file
    total: Resources = field(default_factory=Resources)
    free: Resources = field(default_factory=Resources)  # fewer CPUs than none, where a job went on beside others
    # GPUs by type that no job holds, and that are not free: somebody uses them by hand
    blocked: Mapping[str, int] = field(default_factory=dict)
    is_up: bool = False
    is_awaited: bool = True  # nothing is known yet of whether it can be reached
    boot_id: str = ""
    # numbers of the jobs whose present attempt is there
    jobs: set[int] = field(default_factory=set)
    # given-up attempts that may still run there: nothing new starts before they have ended
    unwanted: set[str] = field(default_factory=set)
    # until when nothing is sent there, as the agent refused an attempt
    paused_until: float = 0.0

    def is_paused(self, now: float) -> bool:
        """Is nothing sent there for a moment? A clock that was set back does not make the moment a day."""
        return now < self.paused_until <= now + LONGEST_PAUSE

    @property
    def is_open(self) -> bool:
        """Does it answer, and has no administrator closed it?"""
        return self.is_up and not self.entry.override.is_closed

    @property
    def is_usable(self) -> bool:
        """Can something be started there now?"""
        return self.is_open and not self.unwanted
