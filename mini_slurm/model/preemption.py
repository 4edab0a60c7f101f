"""How jobs make room for others, and from when on: what the fleet, its partitions and QOS say, under Slurm's names."""

from __future__ import annotations

from mini_slurm.model.fleet import Fleet, Partition, Qos

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.job import Job

OFF, CANCEL, REQUEUE, SUSPEND = "OFF", "CANCEL", "REQUEUE", "SUSPEND"
MODES = frozenset({OFF, CANCEL, REQUEUE, SUSPEND})


def read_mode(text: str) -> str:
    """A mode as it is written. With SUSPEND, Slurm has GANG named, too, which says no more here. Raises ValueError."""
    named = set(text.upper().split(","))
    named -= {"GANG"} if SUSPEND in named else set()
    if len(named) != 1 or not named <= MODES:
        raise ValueError(f"not a way to make room: {text!r}")
    return named.pop()


def qos_of(fleet: Fleet, job: Job) -> Qos:
    """The job's QOS; the usual one need not be in the fleet file."""
    return fleet.qos.get(job.qos or "") or Qos(job.qos or "")


def partition_of(fleet: Fleet, job: Job) -> Partition | None:
    """The partition of a job that has started."""
    return fleet.partitions.get(job.partition)


def mode(fleet: Fleet, job: Job) -> str:
    """How the job makes room."""
    if not fleet.preempt.is_on:
        return OFF
    partition = partition_of(fleet, job)
    by_partition = partition.preempt_mode if partition else ""
    own = qos_of(fleet, job).preempt_mode if fleet.preempt.type == "qos" else by_partition
    return own or fleet.preempt.mode


def grace_time(fleet: Fleet, job: Job) -> int:
    """For how many seconds it is left to itself, after a warning."""
    if fleet.preempt.type == "qos":
        return qos_of(fleet, job).grace_time
    partition = partition_of(fleet, job)
    return partition.grace_time if partition else 0


def exempt_until(fleet: Fleet, job: Job) -> float:
    """Until when nobody may have a running job make room, as it has not run for long."""
    own = qos_of(fleet, job).preempt_exempt_time
    return (job.start_time or 0.0) + (fleet.preempt.exempt_time if own is None else own)


def written(fleet: Fleet) -> str:
    """The mode of the fleet as a whole, as Slurm writes it: jobs are suspended by its gang scheduler alone."""
    return "GANG,SUSPEND" if fleet.preempt.mode == SUSPEND else fleet.preempt.mode


def inherited(fleet: Fleet, partition: Partition) -> Partition:
    """The partition with the mode that counts for it."""
    return partition if partition.preempt_mode else partition._replace(preempt_mode=written(fleet))
