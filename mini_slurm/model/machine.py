"""A machine as the store keeps it: what it has, and whether it can be reached."""

from __future__ import annotations

HARD = frozenset({"cgroup v1", "cgroup v2"})  # limits that the kernel keeps a job to, whatever it does by mistake


class Machine:
    """One machine; the annotated attributes are the columns of the table `machine`."""

    name: str
    state: str = "UNKNOWN"  # UNKNOWN: not reached yet, UP, SILENT: not reached now, DOWN: nor expected any more
    reason: str = ""  # why it is DOWN, or why it could not be reached the last time
    reason_time: float = 0.0  # seconds since the epoch
    cpus: int = 0  # 0: not known yet
    memory: int = 0  # MiB; 0: not known yet
    gpus: str = ""  # by type: "a100:2", "2"
    gpu_details: str = "[]"  # JSON, as the agent's Welcome has it
    boot_id: str = ""
    hostname: str = ""
    python: str = ""
    contacted: float = 0.0  # seconds since the epoch of the last answer
    architecture: str = ""  # x86_64
    system: str = ""  # the kernel's name, release and version
    boot_time: float = 0.0  # seconds since the epoch
    agent_time: float = 0.0  # seconds since the epoch: when its agent was started
    load: float | None = None  # on average over five minutes; None: not known
    free_memory: int | None = None  # MiB
    outside: str = "[]"  # JSON: who uses it besides jobs, as model/foreign_use.py has it
    blocked_gpus: str = ""  # by type: those that are not to be had for that
    limits: str = "{}"  # JSON: "memory", "cpus", "gpus" -> how jobs are held to them, in words; {}: not told
    idle_gpus: str = "{}"  # JSON: job's number -> seconds since the epoch since when its GPUs do nothing

    def __init__(self, **values: object) -> None:
        self.__dict__.update(values)


COLUMNS: tuple[str, ...] = tuple(Machine.__annotations__)
