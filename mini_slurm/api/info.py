"""What is told of jobs, machines and partitions: values that do not change any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mini_slurm.model.states import JobState


@dataclass(frozen=True, slots=True)
class JobInfo:
    """What is known of a job at one moment: a line of `squeue`, `scontrol show job` or `sacct`.

    Of an array or a heterogeneous job as a whole it tells the sum: it is over when all of it is, and COMPLETED when
    all of it is; `tasks` has each of its tasks or parts. Moments have a time zone, that of this machine.
    """

    id: str  # "12", "12_3" of an array's task, "12+1" of a part of a heterogeneous job
    number: int  # as the state folder has it: each task has one of its own, once it has started
    cluster: str  # where it is, "" for the fleet
    name: str
    user: str
    account: str | None
    partition: str
    qos: str | None
    state: JobState
    reason: str  # why it waits or ended so, in Slurm's words; "None" for nothing
    nodes: tuple[str, ...]  # that it has or had
    node_list: str  # the same as a hostlist
    cpus: int  # that it has or had, or asks for
    memory: int  # MiB that it has or had on all machines together
    gpus: str  # that it has or had: "a100:2"; "" for none
    exit_code: int | None  # None: it is not over
    signal: int | None  # that ended it; None for none
    submit_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    elapsed: timedelta  # that it has run
    time_limit: timedelta | None  # None: none
    work_dir: Path
    stdout: Path
    stderr: Path
    command: str | None  # the script's path, None where it was given as text
    submit_line: str | None
    comment: str | None
    dependency: str | None  # what is still to be met
    priority: int  # 0: held
    restarts: int  # how often it was requeued
    max_rss: int  # KiB of the largest process, so far known
    cpu_time: timedelta  # that it has used
    tasks: tuple[JobInfo, ...] = ()

    @property
    def is_over(self) -> bool:
        """Has it ended, well or not?"""
        return self.state.is_over

    @property
    def has_succeeded(self) -> bool:
        """Has it ended well: is it COMPLETED?"""
        return self.state is JobState.COMPLETED


@dataclass(frozen=True, slots=True)
class NodeInfo:
    """A machine: what `sinfo --Node` and `scontrol show node` tell of it."""

    name: str
    state: str  # sinfo's long word: "idle", "mixed", "allocated", "down*"
    reason: str  # why it is down or drained; "" for nothing
    partitions: tuple[str, ...]
    cpus: int
    free_cpus: int
    memory: int  # MiB
    free_memory: int  # MiB that no job holds
    gpus: dict[str, int]  # by type; "" for a type that is not known
    free_gpus: int
    features: tuple[str, ...]

    @property
    def is_up(self) -> bool:
        """Can jobs start there, as far as its state goes?"""
        return self.state in ("idle", "mixed", "allocated")


@dataclass(frozen=True, slots=True)
class PartitionInfo:
    """A partition: what `sinfo` and `scontrol show partition` tell of it."""

    name: str
    is_default: bool
    state: str  # UP, DOWN, DRAIN, INACTIVE
    nodes: tuple[str, ...]
    max_time: timedelta | None  # None: no limit
    default_time: timedelta | None  # None: max_time
    max_nodes: int | None  # of a job; None: no limit
