"""What administrators changed of a node beyond what the fleet file says of it."""

from __future__ import annotations

from mini_slurm.model.tuples import NamedTuple


class NodeOverride(NamedTuple):
    """Of one node. None: as the fleet file has it."""

    state: str = ""  # DOWN or FUTURE, whatever the machine is; "": as it is
    flags: tuple[str, ...] = ()  # DRAIN, FAIL
    reason: str = ""
    reason_time: float = 0.0  # seconds since the epoch
    reason_uid: int | None = None  # whose reason it is
    features: tuple[str, ...] | None = None
    active_features: tuple[str, ...] | None = None
    weight: int | None = None
    comment: str = ""
    extra: str = ""

    @property
    def is_closed(self) -> bool:
        """Is nothing to be started there?"""
        return bool(self.state or self.flags)

    @property
    def is_future(self) -> bool:
        """Is it to look as if the node were not there yet?"""
        return self.state == "FUTURE"


NO_OVERRIDE = NodeOverride()
