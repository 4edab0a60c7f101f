"""What administrators changed beyond the fleet file: the values of the table `override`, as JSON."""

from __future__ import annotations

from typing import NamedTuple


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


NO_OVERRIDE = NodeOverride()
