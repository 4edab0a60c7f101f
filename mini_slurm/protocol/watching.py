"""What controller and agent say of the use of a machine: by jobs that somebody asks about, and by what is no job's."""

from typing import Any, Dict, List, NamedTuple


class Measure(NamedTuple):
    """What do the processes of this job use now? Answered by Measured with the same number."""

    attempt: str
    number: int


class Measured(NamedTuple):
    """What runs of a job here: the script's part is called "", a step's by its number."""

    attempt: str
    number: int
    tasks: Dict[str, List[List[float]]]  # number, RSS and virtual memory (KiB), page faults, CPU s, bytes read, written
    pids: Dict[str, List[int]]
    frequency: int  # kHz
    gpus: List[int]  # MiB of GPUs, and percent that one of them computes, of a job that has any


class Watch(NamedTuple):
    """Look from now on at what uses this machine besides jobs, and say Outside whenever that changes."""

    every: float  # seconds
    gpu_memory: int  # MiB of a GPU from which on a process counts
    ignored: List[str]  # users and programs that do not count
    idle_after: float  # seconds for which a job may hold GPUs that do nothing


class Outside(NamedTuple):
    """What uses the machine besides jobs. `blocked`: GPUs by type that no job holds and that are not to be had."""

    uses: List[Dict[str, Any]]  # as of agent/foreign.py
    blocked: Dict[str, int]
    idle: Dict[str, float]  # attempt -> seconds for which none of its GPUs has computed


class Pong(NamedTuple):
    """I am here, and this is how busy the machine is."""

    number: int
    load: float = 0.0
    free_memory: int = 0  # MiB
