"""A task's own process, between fork and exec: what Slurm's slurmstepd sets up for it."""

import errno
import fcntl
import os
import resource
import stat
import termios
from contextlib import suppress
from typing import Dict, List, NamedTuple, NoReturn, Optional, Tuple

from mini_slurm.agent import prolog
from mini_slurm.agent.processes import MARK
from mini_slurm.agent.script import account, complain, enter, interpreter_of
from mini_slurm.protocol.messages import StartTasks


class Files(NamedTuple):
    """What a task's standard streams become. A terminal stands for all three."""

    std_in: int
    std_out: int
    std_err: int
    terminal: bool


class TaskPlan(NamedTuple):
    """What is worked out before the fork."""

    start: StartTasks
    program: List[str]
    values: Dict[bytes, bytes]  # environment; SLURM_TASK_PID comes with the child
    limits: List[Tuple[int, Tuple[int, int]]]


def environment(start: StartTasks, index: int, gpus: Dict[str, str]) -> Dict[bytes, bytes]:
    """What one task is given: srun's environment, and what is the machine's and the task's own."""
    own = {**account(), "HOSTNAME": start.node}
    values = {
        **start.environment,
        **{name: own[name] for name in start.own if name in own},
        **start.task_environments[index],
        **gpus,
        MARK: start.attempt,
    }
    return {os.fsencode(name): os.fsencode(value) for name, value in values.items()}


def become_task(plan: TaskPlan, files: Files, go: int) -> NoReturn:
    """Turn this freshly forked process into a task, once the stepd says so through `go`."""
    start = plan.start
    os.setsid()
    if files.terminal:
        fcntl.ioctl(files.std_in, termios.TIOCSCTTY, 0)
    os.dup2(files.std_out, 1)
    os.dup2(files.std_err, 2)
    os.umask(start.umask)
    enter(start.node, start.work_dir, 1)
    os.dup2(files.std_in, 0)
    for name, limit in plan.limits:
        with suppress(OSError, ValueError):
            resource.setrlimit(name, limit)
    if not os.read(go, 1):
        os._exit(1)  # the stepd is gone, and has not written down that this task may run
    values = plan.values
    values[b"SLURM_TASK_PID"] = b"%d" % os.getpid()
    if start.prolog:
        prolog.run(start, values)
    _execute(start, plan.program, values)


def _execute(start: StartTasks, program: List[str], values: Dict[bytes, bytes]) -> NoReturn:
    path = find(program[0], os.fsdecode(values.get(b"PATH", b"")))
    try:
        os.execve(path, [path, *program[1:]], values)  # a program that was looked for is told where it was found
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None) or (errno.EINVAL if path else errno.ENOENT)
        reason = os.strerror(number)
        interpreter = _interpreter(path) if number == errno.ENOENT else None
        if interpreter:
            complain(start.node, f"execve(): bad interpreter({interpreter}): {reason}")
        else:
            complain(start.node, f"execve(): {path}: {reason}")
        os._exit(number)
    raise AssertionError("unreachable")


def find(program: str, path: str) -> str:
    """Where a program is: names that begin with a slash or a dot are paths, all others are looked for along PATH."""
    if program.startswith("/"):
        return program
    if program.startswith("."):
        return os.path.join(os.getcwd(), program)
    for folder in path.split(":"):
        place = os.path.join(folder, program)
        with suppress(OSError):
            if folder and not stat.S_ISDIR(os.stat(place).st_mode):
                return place
    return program


def _interpreter(path: str) -> Optional[str]:
    with suppress(OSError):
        words = interpreter_of(path)
        return words[0] if words else None
    return None
