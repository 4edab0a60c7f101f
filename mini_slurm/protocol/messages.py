"""What controller and agent say to each other.

Every message is a named tuple of plain values; a field called `data` is bytes and travels behind the message's JSON.
Moments are given as ages ("2.5 seconds ago") and never as times of day, as a machine's clock may be off by a day.
An attempt is named `STATE.JOB.ATTEMPT`: the state folder's id, the job's number, and which try of it this is, from 1.
"""

import zlib
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Type, Union

from mini_slurm.protocol.watching import Measure as Measure
from mini_slurm.protocol.watching import Measured as Measured
from mini_slurm.protocol.watching import Outside as Outside
from mini_slurm.protocol.watching import Pong as Pong
from mini_slurm.protocol.watching import Watch as Watch

MEANING = 1  # to be raised where a field gets another type or meaning under the same name


class Hello(NamedTuple):
    """Controller's first word: who asks, and what it calls this machine."""

    version: int
    state_id: str
    node: str


class Welcome(NamedTuple):
    """Agent's answer: what the machine is, and each attempt of this state folder that its spool knows."""

    version: int
    boot_id: str
    hostname: str
    python: str
    clock: float  # seconds since the epoch, by the machine's clock
    cpus: int
    memory: int  # MiB
    gpus: List[Dict[str, Any]]  # {"vendor", "index", "uuid", "name", "type", "memory" (MiB)}
    attempts: List[str]
    architecture: str = ""  # x86_64
    system: str = ""  # the kernel's name, release and version
    boot_age: float = 0.0  # seconds since the machine was booted
    agent_age: float = 0.0  # seconds since the agent was started
    load: float = 0.0  # processes that ran or wanted to, on average over five minutes
    free_memory: int = 0  # MiB
    memory_limit: str = ""  # how jobs are held to what they asked for, in words; "": it is not told, or there is none
    cpu_limit: str = ""
    gpu_limit: str = ""


class StartAttempt(NamedTuple):
    """Start this attempt, unless it is known already; answered by Started, Refused, or what became of it."""

    attempt: str
    title: str  # the job's number as Slurm's messages and process titles have it
    node: str
    cpus: int
    total_cpus: int  # what the fleet file says the machine has: CPUs are handed out from these
    memory: int  # MiB; 0: not limited
    constrain_memory: bool  # is it to be kept to that, with its steps?
    total_memory: int  # MiB that the fleet file says the machine has; 0: what it really has
    gpus: Dict[str, int]  # type ("" for any) -> how many
    shares: List[Tuple[str, int, int]]  # GPUs of which it gets a part: type, how much, out of how much
    arguments: List[str]  # of the script
    environment: Dict[str, str]  # the user's and Slurm's; the machine adds its own HOME, USER, SHELL, TMPDIR ...
    fixed: List[str]  # names in `environment` that win over the machine's own
    work_dir: str
    umask: int
    limits: Dict[str, Tuple[int, int]]  # "NOFILE" -> soft, hard; -1: no limit
    streams: str  # "merged": one file for both, "split": two files, "ordered": two, and the order between them
    targets: Dict[str, Tuple[str, int, int]]  # stream -> its file at the submit side: path, bytes, time of change (ns)
    std_in: str  # a path on the machine
    time_limit: Optional[int]  # seconds
    kill_wait: int  # seconds between SIGTERM and SIGKILL
    role: str  # "batch": this machine runs the script; "member", "allocation": see agent/stepd.py, agent/holder.py
    allocation: Dict[str, List[Any]]  # machine -> CPUs, MiB, GPUs by type as text, tasks; the batch host first
    warning: List[int]  # before the time is up: signal, seconds before, 1: to the script alone; empty: none
    data: bytes  # the script
    shares_cpus: bool = False  # may attempts that say so have the same CPUs at the same time?


class StartTasks(NamedTuple):
    """Start one machine's part of a step, which is an attempt of its own named `STATE.JOB.ATTEMPT-STEP`.

    It runs within what the job's attempt holds on that machine. Said by the agent of the job's first machine, and
    answered like StartAttempt.
    """

    attempt: str
    head: str  # the machine that says so
    title: str  # the step as Slurm's messages have it: "12.0"
    node: str
    cpus: List[int]  # which ones of those that the job's attempt has there, counted from 0
    memory: int  # MiB; 0: not limited
    gpus: List[int]
    tasks: List[int]  # the numbers of this machine's tasks within the step
    programs: List[List[str]]  # one for all tasks, or one for each
    task_gpus: Dict[str, List[int]]  # task -> those of `gpus` that only it sees
    environment: Dict[str, str]
    own: List[str]  # names in `environment` whose values are the machine's own: HOME, USER ...
    task_environments: List[Dict[str, str]]  # what each task has of its own
    work_dir: str
    umask: int
    limits: Dict[str, Tuple[int, int]]
    inputs: List[int]  # the tasks that read srun's standard input; the others read nothing
    prolog: str  # programs that each task runs before and after itself; "": none
    epilog: str
    pty: Tuple[int, int]  # rows and columns of the terminal that the tasks get; 0, 0: none
    time_limit: Optional[int]  # seconds
    kill_wait: int


class TaskInput(NamedTuple):
    """Standard input for a task of a step, or (-1) for all of them; without data: its end."""

    attempt: str
    task: int
    offset: int  # where in the input the data begin; -1: a sattach's, beside that
    data: bytes


class TaskWindow(NamedTuple):
    """The window in which a step's terminal is shown has changed its size."""

    attempt: str
    rows: int
    columns: int


class Resume(NamedTuple):
    """srun has lost its connection: go on with what a part has noted from here on."""

    attempt: str
    offset: int


class Recall(NamedTuple):
    """A sattach has come: say what a part has noted last, up to where its srun has been told."""

    attempt: str


class CancelStep(NamedTuple):
    """Somebody wants a step to get this signal, or to end."""

    attempt: str  # the step's name
    signal: int
    uid: int  # who cancels it; -1 where it is only sent a signal


class LimitStep(NamedTuple):
    """A step gets another time limit, counted from its start; None: none of its own."""

    attempt: str  # the step's name
    time_limit: Optional[int]  # seconds


class SignalAttempt(NamedTuple):
    """Send a signal to the batch script alone, to every process of the attempt, or to its steps alone."""

    attempt: str
    signal: int
    whole: bool
    steps: bool = False


class LimitAttempt(NamedTuple):
    """The attempt gets another time limit, counted from its start; None: no limit."""

    attempt: str
    time_limit: Optional[int]  # seconds


class SuspendAttempt(NamedTuple):
    """Stop all processes of the attempt and its clock, or let them go on; one that `lends` its CPUs claims none."""

    attempt: str
    resume: bool
    lends: bool = False


class ShrinkAttempt(NamedTuple):
    """Of its machines the attempt has these left, the first one among them: no step gets more."""

    attempt: str
    machines: List[str]


class NotifyAttempt(NamedTuple):
    """Write a line into the output of the attempt's script, as an error of its stepd."""

    attempt: str
    text: str


class EndAttempt(NamedTuple):
    """End the attempt: SIGTERM, and SIGKILL after kill_wait seconds, for all its processes."""

    attempt: str
    kill_wait: int
    why: str = ""  # what its output says as the reason: "JOB REQUEUE"


class Acknowledge(NamedTuple):
    """The first `offset` bytes of this stream are on disk at the submit side."""

    attempt: str
    stream: str
    offset: int


class Forget(NamedTuple):
    """All is on disk at the submit side: the spool of this attempt may go."""

    attempt: str


class Ping(NamedTuple):
    """Are you there? Answered by Pong with the same number."""

    number: int


class Retire(NamedTuple):
    """No more work is to be expected: end now, if nothing runs and no other controller is connected; not answered."""


class Started(NamedTuple):
    """The attempt runs, or ran, with these CPUs and GPUs."""

    attempt: str
    age: float  # seconds since its start
    cpu_ids: List[int]
    gpu_ids: List[str]  # UUIDs


class Refused(NamedTuple):
    """The attempt was not started and leaves nothing behind. `busy`: what it needs is held by others there."""

    attempt: str
    busy: bool
    why: str


class Output(NamedTuple):
    """Bytes that the attempt wrote: `offset` in its stream and, for ordered streams, `merged` in the two together."""

    attempt: str
    stream: str  # "out" or "err"
    offset: int
    merged: int
    data: bytes


class Ended(NamedTuple):
    """The attempt is over, and none of its processes is left. Sent again on each connection until Forget."""

    attempt: str
    age: float  # seconds since its end
    elapsed: float  # seconds from its start to its end
    cause: str  # "": by itself, "TIMEOUT", "CANCELLED", "OUT_OF_MEMORY", "NODE_FAIL": booted, or nobody saw its end
    exit_code: int
    exit_signal: int
    max_rss: int  # KiB
    user_seconds: float
    system_seconds: float
    sizes: Dict[str, int]  # stream -> bytes written
    rss: Dict[str, int]  # of a part of a step: task -> KiB
    gpu_memory: int = 0  # MiB that its processes had of GPUs at the most
    gpu_utilization: int = 0  # percent that one of its GPUs computed at the most


class Relay(NamedTuple):
    """A message from one machine of a job to another, which have no other way to each other: `data` is its frame.

    To the controller `node` is where it is to go, from the controller where it comes from. Without data the controller
    says that the way to that machine is a new one, on which nothing is under way.
    """

    attempt: str  # the job's
    node: str
    data: bytes


class FrontFrame(NamedTuple):
    """A frame between an srun outside of the job and the job's first machine; without data there is no more to come."""

    attempt: str  # the job's
    front: str  # srun's own name for its step
    data: bytes  # as of protocol/flat.py


class StepNews(NamedTuple):
    """What has become of a step. Said again on each connection until StepNoted."""

    attempt: str  # the step's name
    name: str
    state: str
    age: float  # seconds since its start
    end_age: float  # seconds since its end; -1: it runs
    exit_code: int
    exit_signal: int
    cancelled_by: int  # uid; -1: nobody
    nodes: List[str]
    tasks: int
    cpus: int
    memory: int  # MiB
    gpus: int
    time_limit: int  # seconds; -1: the job's
    distribution: str
    submit_line: str
    max_rss: int  # KiB
    max_rss_node: str
    max_rss_task: int
    mean_rss: int  # KiB
    user_seconds: float
    system_seconds: float
    component: int = -1  # of a step that has several in one job: which one


class StepNoted(NamedTuple):
    """That news of a step is on disk at the submit side."""

    attempt: str
    ended: bool


class Errand(NamedTuple):
    """A process of a job asks for one of Slurm's commands, which the submit side runs for it."""

    attempt: str  # the job's
    token: str  # the process's own name for it
    program: str  # "squeue"
    arguments: List[str]
    environment: Dict[str, str]
    folder: str  # where the process is
    umask: int
    limits: Dict[str, str]
    user: str  # its account's name on that machine
    script: str  # of sbatch: the script's path there; "": it was read from standard input
    data: bytes  # the script, or what is to be read from standard input


class ErrandOutput(NamedTuple):
    """What that command prints: on "out" or "err"; without data: it has begun."""

    attempt: str
    token: str
    stream: str
    data: bytes


class ErrandOver(NamedTuple):
    """That command has ended, with this exit status."""

    attempt: str
    token: str
    status: int


class ErrandGone(NamedTuple):
    """Nobody waits for that command any more."""

    attempt: str
    token: str


class Unknown(NamedTuple):
    """This spool has no such attempt."""

    attempt: str


Message = Union[
    Hello, Welcome, StartAttempt, StartTasks, TaskInput, TaskWindow, Resume, Recall, CancelStep, LimitStep,
    SignalAttempt, LimitAttempt, SuspendAttempt, ShrinkAttempt, NotifyAttempt, EndAttempt, Acknowledge,
    Forget, Measure, Watch, Ping, Retire, Started, Refused, Output, Ended, Relay, FrontFrame, StepNews,
    StepNoted, Measured, Outside, Errand, ErrandOutput, ErrandOver, ErrandGone, Unknown, Pong,
]  # fmt: skip
KINDS: Dict[str, Type[Any]] = {kind.__name__: kind for kind in Message.__args__}  # type: ignore[attr-defined]


def version(kinds: Dict[str, Type[Any]]) -> int:
    """A number that no other set of messages and fields has: who speaks another one is not understood."""
    shapes = [f"{name} {' '.join(kind._fields)}" for name, kind in sorted(kinds.items())]
    return zlib.crc32("\n".join([str(MEANING), *shapes]).encode())


VERSION = version(KINDS)
