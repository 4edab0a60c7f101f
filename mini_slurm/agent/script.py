"""The batch script's own process, between fork and exec: what Slurm's slurmstepd sets up for it."""

import errno
import os
import pwd
import signal
from typing import Dict, List, NoReturn, Tuple

from mini_slurm.agent.limits import apply_limits
from mini_slurm.agent.processes import MARK
from mini_slurm.protocol.messages import StartAttempt

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
LAUNCH_FAILED = 53  # the signal that Slurm reports for a job whose files could not be set up
FALLBACK_FOLDER = "/tmp"
SIGNALS = sorted({signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})


def environment(start: StartAttempt, gpus: Dict[str, str], folder: str) -> Dict[str, str]:
    """What was submitted, with the machine's own HOME, USER and the like where the submitter did not insist."""
    user = pwd.getpwuid(os.geteuid())
    own = {
        "HOME": user.pw_dir,
        "USER": user.pw_name,
        "LOGNAME": user.pw_name,
        "SHELL": user.pw_shell or "/bin/sh",
        "TMPDIR": "/tmp",
        "HOSTNAME": start.node,
        "PWD": folder,
    }
    given = start.environment
    fixed = {name: given[name] for name in start.fixed if name in given}
    now = {MARK: start.attempt, "SLURM_TASK_PID": str(os.getpid())}
    return {"PATH": DEFAULT_PATH, **given, **own, **gpus, **fixed, **now}


def become_script(start: StartAttempt, path: str, gpus: Dict[str, str], go: int, files: Tuple[int, int]) -> NoReturn:
    """Turn this freshly forked process into the batch script, once the stepd says so through `go`."""
    os.setsid()
    output, error = files
    os.dup2(output, 1)
    os.dup2(error, 2)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    os.umask(start.umask)
    folder = _enter(start)
    _open_input(start)
    values = environment(start, gpus, folder)
    apply_limits(start.limits)
    if not os.read(go, 1):
        os._exit(1)  # the stepd is gone, and has not written down that this script may run
    _execute(start, path, values)


def _complain(start: StartAttempt, text: str) -> None:
    line = f"slurmstepd-{start.node}: error: {text}\n"
    os.write(2, line.encode(errors="surrogateescape"))


def _enter(start: StartAttempt) -> str:
    try:
        os.chdir(start.work_dir)
        return start.work_dir
    except OSError as error:
        words = "couldn't chdir to `{}': {}: going to {} instead"
        for _ in range(2):  # Slurm says it twice
            _complain(start, words.format(start.work_dir, error.strerror, FALLBACK_FOLDER))
    os.chdir(FALLBACK_FOLDER)
    return FALLBACK_FOLDER


def _open_input(start: StartAttempt) -> None:
    try:
        os.dup2(os.open(start.std_in or os.devnull, os.O_RDONLY), 0)
    except OSError as error:
        _complain(start, f"Could not open stdin file {start.std_in}: {error.strerror}")
        os.kill(os.getpid(), LAUNCH_FAILED)


def _execute(start: StartAttempt, path: str, values: Dict[str, str]) -> NoReturn:
    try:
        try:
            os.execve(path, [path, *start.arguments], values)
        except PermissionError:
            interpreter = _interpreter(path)  # the spool may be mounted noexec
            os.execve(interpreter[0], [*interpreter, path, *start.arguments], values)
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None) or errno.EINVAL
        reason = os.strerror(number)
        interpreter = _interpreter(path)
        if number == errno.ENOENT and interpreter:
            _complain(start, f"execve(): bad interpreter({interpreter[0]}): {reason}")
        else:
            _complain(start, f"execve(): {path}: {reason}")
        os._exit(number)
    raise AssertionError("unreachable")


def _interpreter(path: str) -> List[str]:
    """The words of the script's first line, as the kernel splits it: a program and at most one argument."""
    with open(path, "rb") as file:
        line = file.readline(4096)
    return [os.fsdecode(word) for word in line[2:].strip().split(None, 1)] if line.startswith(b"#!") else []
