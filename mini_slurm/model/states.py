"""The states of a job, with Slurm's long names and two-letter codes (squeue(1), JOB STATE CODES)."""

from __future__ import annotations

from enum import Enum


class JobState(Enum):
    """A state; the value is its two-letter code."""

    PENDING = "PD"
    RUNNING = "R"
    SUSPENDED = "S"
    COMPLETED = "CD"
    CANCELLED = "CA"
    FAILED = "F"
    TIMEOUT = "TO"
    NODE_FAIL = "NF"
    PREEMPTED = "PR"
    BOOT_FAIL = "BF"
    DEADLINE = "DL"
    OUT_OF_MEMORY = "OOM"
    REQUEUED = "RQ"  # of a run of a job that was requeued since
    RESIZING = "RS"  # of the time in which a job that runs had machines that it gave back
    COMPLETING = "CG"
    CONFIGURING = "CF"

    @property
    def is_over(self) -> bool:
        """Has the job reached its end?"""
        return self in ENDS

    @property
    def holds_resources(self) -> bool:
        """Does a job in this state have machines allocated to it?"""
        return self in ALLOCATED


SPECIAL_EXIT = "job requeued in special exit state"  # the reason of a job that is held since it ended in a special way
SPECIAL_HELD = f"{SPECIAL_EXIT}, held"  # ... and that was to be held besides
SPECIAL_CODE = f"{SPECIAL_EXIT}, by its exit code"
HELD_BY_USER = "JobHeldUser"
REQUEUED_HELD = "job requeued in held state"
TOLD = {SPECIAL_HELD: REQUEUED_HELD, SPECIAL_CODE: HELD_BY_USER}
AFTER_RESERVATION = "Reservation "  # begins the reason of a job that is held since its reservation is no more


def told(reason: str) -> str:
    """The reason in the words that Slurm has for it: the state says by itself that an end was special."""
    return TOLD.get(reason, reason)


def written(state: JobState, reason: str, stopped: int) -> tuple[str, str]:
    """Name and code as squeue and scontrol write them: Slurm has some for special ways of being held or stopped.

    `store.queries.WRITTEN` says the same to the database.
    """
    if state is JobState.RUNNING and stopped:
        return "STOPPED", "ST"
    if state is JobState.PENDING and reason.startswith(SPECIAL_EXIT):
        return "SPECIAL_EXIT", "SE"
    if state is JobState.PENDING and reason.startswith(AFTER_RESERVATION):
        return "RESV_DEL_HOLD", "RD"
    return state.name, state.value


ENDS = frozenset(
    {
        JobState.COMPLETED,
        JobState.CANCELLED,
        JobState.FAILED,
        JobState.TIMEOUT,
        JobState.NODE_FAIL,
        JobState.PREEMPTED,
        JobState.BOOT_FAIL,
        JobState.DEADLINE,
        JobState.OUT_OF_MEMORY,
        JobState.REQUEUED,
        JobState.RESIZING,
    }
)
ALLOCATED = frozenset({JobState.CONFIGURING, JobState.RUNNING, JobState.SUSPENDED, JobState.COMPLETING})
