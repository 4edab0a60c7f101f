"""What was asked for, and a system that has words for some of it only."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from mini_slurm.errors import Refused
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.options.table import OPTIONS

MET_HERE = frozenset({"clusters", "ignore_pbs", "parsable", "quiet", "verbose", "wait", "wrap"})
SHARERS = {2: "user", 3: "mcs"}  # machines for those of one kind alone
MAILED = frozenset({"BEGIN", "END", "FAIL"})  # events that other systems mail, too
NAMES = {option.field: option.long for option in reversed(OPTIONS)}


def refuse_others(job: ForeignJob, asked: Mapping[str, object], known: Collection[str]) -> None:
    """Raise Refused for an option that is neither met on this side nor among those, by field, that the system knows."""
    for field in asked:
        if field in NAMES and field not in MET_HERE and field not in known:
            raise _nothing_like(NAMES[field], job)
    if job.exclusive in SHARERS:
        raise _nothing_like(f"exclusive={SHARERS[job.exclusive]}", job)
    events = asked.get("mail_type")
    if isinstance(events, frozenset) and events and not events & MAILED:
        raise _nothing_like(f"mail-type={','.join(sorted(events))}", job)


def _nothing_like(option: str, job: ForeignJob) -> Refused:
    """That the system has no words for an option."""
    return Refused(
        f"--{option} cannot be passed to {job.cluster}, which has nothing like it",
        hint=f"leave it out, or set options in [clusters.{job.cluster}] of the fleet file",
    )
