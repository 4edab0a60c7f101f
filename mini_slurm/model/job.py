"""A job: what was asked for and what has happened to it.

One class serves commands, core and store: its annotated attributes are the columns of the table `job`, in Slurm's own
notation where Slurm has one. It is a plain class, as every command loads it and `dataclasses` costs more than a
command may take.
"""

from __future__ import annotations

from mini_slurm.model.states import JobState

# Why others may have a job's CPUs: it is suspended to make room, and goes on when they are free again; or an
# administrator suspended it, and as long as there has been no room for them since he let it go on.
TO_MAKE_ROOM, BY_HAND = 1, 2


class Job:
    """One job, or the array record that stands for all tasks of an array that have not started yet."""

    # --- who it is
    job_id: int
    array_job_id: int | None = None  # the array's own number, for an array record and for each of its tasks
    array_task_id: int | None = None  # of a task that has its own record
    array_tasks: str | None = None  # of an array record: the tasks not started yet, and the throttle: "3-9,12%2"
    array_size: int = 0  # how many tasks the array was submitted with
    array_min: int = 0
    array_max: int = 0
    array_step: int = 1
    array_throttle: int | None = None  # of a task that has its own record: how many of the array may run at once
    uid: int = 0
    user: str = ""
    gid: int = 0
    group_name: str = ""
    het_job_id: int | None = None  # of a part of a heterogeneous job: the number of the first part, whose script it is
    het_offset: int = 0  # ... and which part it is, from 0
    het_size: int = 0  # ... and how many parts there are

    # --- what was asked for
    name: str = ""
    partition: str = ""
    account: str | None = None
    qos: str | None = None
    comment: str | None = None
    nodes: int = 1  # the least number of machines
    max_nodes: int | None = None  # None: --nodes was not given, as many as the tasks need
    ntasks: int | None = None  # None: not said, one task
    ntasks_per_node: int | None = None
    cpus_per_task: int | None = None  # None: not said, one CPU
    min_cpus: int | None = None  # of the whole job, as scontrol update NumCPUs= sets them; None: as the tasks need
    memory_per_node: int | None = None  # MiB; 0: all of the machine's
    memory_per_cpu: int | None = None  # MiB
    gres: str | None = None  # generic resources on each machine: "gpu:a100:2"
    gpus: str | None = None  # of the whole job, as given to --gpus: "a100:2"
    features: str | None = None  # --constraint
    required_nodes: str | None = None  # --nodelist, a hostlist
    excluded_nodes: str | None = None  # --exclude, a hostlist
    exclusive: int = 0  # 1: the whole machine; 2, 3: with one's own jobs, or those of one label; 4: shares even CPUs
    time_limit: int | None = None  # seconds, whole minutes; None: no limit
    time_min: int | None = None  # seconds
    begin_time: float | None = None  # seconds since the epoch
    deadline: float | None = None  # seconds since the epoch
    dependency: str | None = None  # what of --dependency is still to be met, as Slurm shows it: afterok:12(unfulfilled)
    nice: int = 0
    licenses: str | None = None
    reservation: str | None = None
    requeue: int = 1
    signal: str | None = None  # --signal, as given
    work_dir: str = "/"
    std_in: str | None = None
    std_out: str | None = None  # patterns as given; None: Slurm's default file
    std_err: str | None = None
    open_mode: str = "w"  # "w" truncates, "a" appends
    export: str | None = None  # --export, as given
    command: str | None = None  # path of the script, None for --wrap and standard input
    arguments: str = "[]"  # JSON list: the script's arguments
    submit_line: str | None = None  # the command line that submitted it
    umask: int = 0o022
    limits: str = "{}"  # JSON: {"NOFILE": [soft, hard]}, -1 for no limit
    submit_host: str = ""
    submit_session: int = 0  # number of the session, on that host, that submitted it
    script: str = ""  # digest: table `content`
    environment: str = ""  # digest: table `content`
    attendant: str | None = None  # file whose lock is held as long as the srun or salloc lives that waits for the job
    stage: str | None = None  # what is brought to its machines and home again: model/staging.py
    extra: str = "{}"  # JSON: options that are kept and shown, by their long name: {"mail-type": "END"}

    # --- what became of it
    state: JobState = JobState.PENDING
    reason: str = "None"
    wait_reason: str | None = None  # why it waited last, of what accounting tells
    priority: int = 1  # 0: held
    priority_set: int = 0  # 1: an administrator set it, it is not worked out any more
    submit_time: float = 0.0
    eligible_time: float | None = None
    start_time: float | None = None
    end_time: float | None = None
    suspend_time: float | None = None  # when it was suspended or resumed last
    suspended_seconds: float = 0.0  # before that
    resize_time: float | None = None  # when it gave machines back last, while it ran
    preempt_time: float | None = None  # when it was told to make room for others, as long as it does
    stopped: int = 0  # 1: it runs, and the last signal of SIGSTOP and SIGCONT that it was sent is SIGSTOP
    lent: int = 0  # others have its CPUs: TO_MAKE_ROOM or BY_HAND; 0: it has them itself
    restarts: int = 0  # how often it was requeued
    attempt: int = 0  # how often it was sent to a machine; names the attempt together with the job
    node: str | None = None  # where the batch script runs: the first of the allocation
    node_list: str | None = None  # all machines of the allocation, a hostlist
    allocation: str = "{}"  # what each of them gives: model/allocation.py; the columns below sum it up
    het_allocation: str | None = None  # of the first part of a heterogeneous job: what all parts hold together
    boot_id: str | None = None  # of the batch host when the attempt was sent there
    alloc_cpus: int = 0
    alloc_memory: int = 0  # MiB
    alloc_gpus: str = ""  # "a100:2" or "2"
    cpu_ids: str = ""  # "0-3", as the batch host's agent handed them out
    gpu_ids: str = ""  # UUIDs, separated by commas
    outcome: str | None = None  # while COMPLETING: the name of the state to come
    exit_code: int = 0
    exit_signal: int = 0
    cancelled_by: int | None = None  # uid

    # --- what it used
    max_rss: int = 0  # KiB, the largest process
    user_seconds: float = 0.0
    system_seconds: float = 0.0
    max_gpu_memory: int = 0  # MiB, on its first machine
    max_gpu_utilization: int = 0  # percent, of the GPU that had the most to do

    def __init__(self, **values: object) -> None:
        self.__dict__.update(values)

    @property
    def display_id(self) -> str:
        """The number as squeue shows it: `12`, `12_3`, or `12_[4-9%2]` for what is left of an array."""
        if self.array_tasks is not None:
            return f"{self.array_job_id}_[{self.array_tasks}]"
        if self.array_task_id is not None:
            return f"{self.array_job_id}_{self.array_task_id}"
        return str(self.job_id)

    @property
    def is_batch(self) -> bool:
        """Was it submitted with a script? Otherwise srun or salloc waits for it."""
        return bool(self.script)

    @property
    def may_run_again(self) -> bool:
        """May it be requeued? Whoever waits for a job without a script would see two of it."""
        return self.is_batch and bool(self.requeue)

    @property
    def asked_again(self) -> bool:
        """Of a run that has ended: was it in a way that has the job run again (scheduler/again.py), and not by request?

        Then it is known when: not before this moment.
        """
        return self.begin_time is not None and self.end_time is not None and self.begin_time >= self.end_time

    @property
    def cpus(self) -> int:
        """CPUs asked for: tasks, or one for each machine where that number is fixed, times CPUs of a task.

        Or more if that was said later; or less, where the tasks are named.
        """
        is_fixed = self.max_nodes is None or self.max_nodes == self.nodes
        tasks = self.ntasks or (max(self.nodes, 1) if is_fixed else self.nodes * (self.ntasks_per_node or 0) or 1)
        if self.ntasks and self.min_cpus is not None:
            return self.min_cpus
        return max(tasks * (self.cpus_per_task or 1), self.min_cpus or 0)

    @property
    def planned(self) -> tuple[float, str] | None:
        """When and on which machines, as a hostlist, a waiting job is expected to start. A listing notes it."""
        found: tuple[float, str] | None = self.__dict__.get("planned_start")
        return found

    @property
    def is_exclusive(self) -> bool:
        """Does the job want whole machines?"""
        return self.exclusive == 1

    @property
    def is_user_exclusive(self) -> bool:
        """Is the job to be beside jobs of its own user only?"""
        return self.exclusive == 2


def single_id(job: Job) -> str:
    """The number as users know it of a job that is no array: `12`, `12_3`, or `12+1` for a part of another job."""
    if job.array_task_id is not None:
        return f"{job.array_job_id}_{job.array_task_id}"
    return str(job.job_id) if job.het_job_id is None else f"{job.het_job_id}+{job.het_offset}"


def plain_id(job: Job) -> str:
    """The number by which its steps are known while they run: a part of a heterogeneous job goes by its own."""
    return single_id(job) if job.het_job_id is None else str(job.job_id)


COLUMNS: tuple[str, ...] = tuple(Job.__annotations__)
