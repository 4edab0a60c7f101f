"""A step: what one srun started within a job. The batch script is a step too, and lies in its job's record."""

from __future__ import annotations

from mini_slurm.model.states import JobState


class Step:
    """One step; the annotated attributes are the columns of the table `step`."""

    job_id: int
    attempt: int  # of the job, in which the step ran
    number: int  # 0, 1, 2, ... in the order of starting
    component: int = -1  # of a step that has several in one job: which one; -1: it has not
    name: str = ""
    state: JobState = JobState.RUNNING
    start_time: float = 0.0  # seconds since the epoch
    end_time: float | None = None
    suspended_seconds: float = 0.0
    exit_code: int = 0
    exit_signal: int = 0
    cancelled_by: int | None = None  # uid
    nodes: int = 1
    node_list: str = ""  # a hostlist
    ntasks: int = 1
    cpus: int = 1
    memory: int = 0  # MiB
    gpus: str = ""  # "a100:2" or "2"
    time_limit: int | None = None  # seconds; None: the job's
    distribution: str = "Cyclic"  # of the tasks over the machines, as sacct writes it
    submit_line: str | None = None  # srun's command line
    max_rss: int = 0  # KiB, of the task that had the most
    max_rss_node: str = ""
    max_rss_task: int = 0
    mean_rss: int = 0  # KiB, the tasks' mean
    user_seconds: float = 0.0
    system_seconds: float = 0.0

    def __init__(self, **values: object) -> None:
        self.__dict__.update(values)

    @property
    def shown(self) -> str:
        """What stands behind the point: `0`, or `0+1`."""
        return str(self.number) if self.component < 0 else f"{self.number}+{self.component}"


COLUMNS: tuple[str, ...] = tuple(Step.__annotations__)
