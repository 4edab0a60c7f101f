"""srun's --task-prolog and --task-epilog: programs of the user's that run before and after each task."""

import errno
import os
from contextlib import suppress
from typing import Dict, List, NoReturn, Tuple

from mini_slurm.agent.fork import fork
from mini_slurm.agent.script import complain
from mini_slurm.protocol.messages import StartTasks

LARGEST = 1 << 20  # bytes of a prolog's output that are looked at


def run(start: StartTasks, values: Dict[bytes, bytes]) -> None:
    """Run the prolog in a task's process: lines `export A=B`, `unset A` and `print TEXT` of it are obeyed."""
    lines = trouble("task_prolog", start.prolog)
    status, output = (1, b"") if lines else _output(start.prolog, values)
    for line in lines:
        complain(start.node, line)
    if status:
        complain(start.node, f"--task-prolog failed status={status}")
        os._exit(status)
    for line_of_output in output.splitlines():
        _obey(line_of_output, values)


def run_after(path: str, values: Dict[bytes, bytes], files: Tuple[int, int]) -> int:
    """Start the epilog of a task that has ended, with these as its output and errors; its pid. Raises OSError."""
    pid = fork()
    if not pid:
        os.dup2(files[1], 2)
        _become(path, values, files[0])
    return pid


def trouble(what: str, path: str) -> List[str]:
    """Why such a program cannot be run, as Slurm says it."""
    why = ""
    if not path.startswith("/"):
        why = f"is not fully qualified pathname ({path})"
    elif not os.access(path, os.R_OK | os.X_OK):
        why = f"can not be executed ({path}) {os.strerror(errno.EACCES if os.path.exists(path) else errno.ENOENT)}"
    if not why:
        return []
    reason = "Run command failed - configuration error"
    return [f"run_command: user {what} {why}", f"user {what} did not exit normally. reason: {reason}"]


def _output(path: str, values: Dict[bytes, bytes]) -> Tuple[int, bytes]:
    reader, writer = os.pipe()
    pid = fork()
    if not pid:
        _become(path, values, writer)
    os.close(writer)
    with open(reader, "rb") as file:
        output = file.read(LARGEST)
    status = os.waitpid(pid, 0)[1]
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status), output


def _obey(line: bytes, values: Dict[bytes, bytes]) -> None:
    word, _, rest = line.strip().partition(b" ")
    name, equals, value = rest.partition(b"=")
    if word == b"export" and equals:
        values[name.strip()] = value
    elif word == b"unset":
        values.pop(rest.strip(), None)
    elif word == b"print":
        os.write(1, rest + b"\n")


def _become(path: str, values: Dict[bytes, bytes], output: int) -> NoReturn:
    with suppress(OSError):
        os.dup2(output, 1)
        os.execve(path, [path], values)
    os._exit(1)
