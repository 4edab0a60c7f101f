"""The batch script's own process, between fork and exec: what Slurm's slurmstepd sets up for it."""

import errno
import os
import pwd
import resource
import sys
import traceback
from contextlib import suppress
from functools import lru_cache
from typing import Dict, List, NamedTuple, NoReturn, Tuple

from mini_slurm.agent.fork import fork
from mini_slurm.agent.limits import changed_limits
from mini_slurm.agent.processes import MARK
from mini_slurm.protocol.messages import StartAttempt

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
LAUNCH_FAILED = 53  # the signal that Slurm reports for a job whose files could not be set up
FALLBACK_FOLDER = "/tmp"
NUMBER = "SLURM_TASK_PID"
FAILED = 70  # exit status of a process that ended by a fault of ours


class Plan(NamedTuple):
    """What the stepd works out before there is a process: whatever a fork's child touches has to be copied for it."""

    start: StartAttempt
    path: str  # of the script
    values: Dict[str, str]  # environment; PWD, if it is not fixed, and SLURM_TASK_PID come with the process
    limits: List[Tuple[int, Tuple[int, int]]]  # those that differ from the stepd's own


@lru_cache(maxsize=1)
def account() -> Dict[str, str]:
    """Who runs here: asked once, as the answer may cost more than a job."""
    user = pwd.getpwuid(os.geteuid())
    return {
        "HOME": user.pw_dir,
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "SHELL": user.pw_shell or "/bin/sh",
        "TMPDIR": "/tmp",
    }


def plan(start: StartAttempt, path: str, gpus: Dict[str, str]) -> Plan:
    """The environment is what was submitted, with the machine's own HOME and the like unless the submitter insisted.

    He may insist that there is none: a fixed name without a value.
    """
    given = start.environment
    fixed = {name: given[name] for name in start.fixed if name in given}
    own = {name: value for name, value in account().items() if name not in start.fixed}
    values = {"PATH": DEFAULT_PATH, **given, **own, "HOSTNAME": start.node, **gpus, **fixed, MARK: start.attempt}
    if "PWD" not in fixed:
        values.pop("PWD", None)
    return Plan(start, path, values, changed_limits(start.limits))


class Forked:
    """A copy of this process that becomes the script once it is released: the way that tells what goes wrong."""

    def __init__(self, plan: Plan, files: Tuple[int, int]) -> None:
        """`files`: standard output and error. Raises OSError."""
        held, self._go = os.pipe()
        self.number = fork()
        if not self.number:
            os.close(self._go)
            _in_child(plan, files, held)
        os.close(held)

    def release(self) -> None:
        """Let it run."""
        os.write(self._go, b"g")
        os.close(self._go)


def _in_child(plan: Plan, files: Tuple[int, int], go: int) -> NoReturn:
    try:
        _become_script(plan, files, go)
    except BaseException:
        traceback.print_exc()  # into the job's standard error
    finally:
        sys.stderr.flush()
        os._exit(FAILED)


def _become_script(plan: Plan, files: Tuple[int, int], go: int) -> NoReturn:
    start = plan.start
    os.setsid()
    os.dup2(files[0], 1)
    os.dup2(files[1], 2)
    os.umask(start.umask)
    folder = enter(start.node, start.work_dir, 2)
    _open_input(start)
    values = plan.values
    values.setdefault("PWD", folder.rstrip("/") or "/")
    values[NUMBER] = str(os.getpid())
    for name, limit in plan.limits:
        with suppress(OSError, ValueError):
            resource.setrlimit(name, limit)
    if not os.read(go, 1):
        os._exit(1)  # the stepd is gone, and has not written down that this script may run
    _execute(start, plan.path, values)


def complain(node: str, text: str) -> None:
    """A line on the job's or the task's standard error, in Slurm's form."""
    line = f"slurmstepd-{node}: error: {text}\n"
    os.write(2, line.encode(errors="surrogateescape"))


def enter(node: str, folder: str, complaints: int) -> str:
    """Go to the working directory, or where Slurm goes without it; where that is. It says so twice of a script."""
    try:
        os.chdir(folder)
        return folder
    except OSError as error:
        for _ in range(complaints):
            complain(node, no_folder(folder, error))
    os.chdir(FALLBACK_FOLDER)
    return FALLBACK_FOLDER


def no_folder(folder: str, error: OSError) -> str:
    """Slurm's words for a working directory that cannot be entered."""
    return f"couldn't chdir to `{folder}': {error.strerror}: going to {FALLBACK_FOLDER} instead"


def _open_input(start: StartAttempt) -> None:
    try:
        os.dup2(os.open(start.std_in or os.devnull, os.O_RDONLY), 0)
    except OSError as error:
        complain(start.node, f"Could not open stdin file {start.std_in}: {error.strerror}")
        os.kill(os.getpid(), LAUNCH_FAILED)


def _execute(start: StartAttempt, path: str, values: Dict[str, str]) -> NoReturn:
    try:
        try:
            os.execve(path, [path, *start.arguments], values)
        except PermissionError:
            interpreter = interpreter_of(path)  # the spool may be mounted noexec
            os.execve(interpreter[0], [*interpreter, path, *start.arguments], values)
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None) or errno.EINVAL
        reason = os.strerror(number)
        interpreter = interpreter_of(path)
        if number == errno.ENOENT and interpreter:
            complain(start.node, f"execve(): bad interpreter({interpreter[0]}): {reason}")
        else:
            complain(start.node, f"execve(): {path}: {reason}")
        os._exit(number)
    raise AssertionError("unreachable")


def interpreter_of(path: str) -> List[str]:
    """The words of the script's first line, as the kernel splits it: a program and at most one argument."""
    with open(path, "rb") as file:
        line = file.readline(4096)
    return [os.fsdecode(word) for word in line[2:].strip().split(None, 1)] if line.startswith(b"#!") else []
