"""A task of an srun within a job of PBS: beside its srun, or on another machine of the job.

What PBS starts on another machine has no way back but the job's own output files, so such a task connects to its srun:
one connection for its input and output, one for its errors, one for signals to it and for its exit status.

Stands alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from typing import Any, Callable, NoReturn

PATIENCE = 30.0  # seconds to reach srun
PIECE = 1 << 16
STREAMS = ("out", "err", "control")


def main(words: list[str]) -> int:
    """`far` or `near`, the step's file, the task's number; the exit status."""
    run = run_far if words[0] == "far" else become
    return run(words[1], int(words[2]))


def become(path: str, index: int) -> int:
    """Become one task of a step."""
    command, environment = _enter(path, index)
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        return _complain(command[0], error, environment)


def _enter(path: str, index: int) -> tuple[list[str], dict[str, str]]:
    """What a task runs, and its environment. We go where it runs."""
    with open(path) as file:
        order = json.load(file)
    os.chdir(order["folder"])
    environment = {**order["environment"], **order["tasks"][index], "SLURM_TASK_PID": str(os.getpid())}
    return order["commands"][index], environment


def _complain(command: str, error: OSError, environment: dict[str, str]) -> int:
    node = environment.get("SLURMD_NODENAME", os.uname().nodename)
    sys.stderr.write(f"slurmstepd-{node}: error: execve(): {command}: {error.strerror}\n")
    sys.stderr.flush()
    return error.errno or 2


def run_far(path: str, index: int) -> NoReturn:
    """Run a task on another machine than its srun's; srun is told how it ends."""
    with open(path) as file:
        way = json.load(file)["way"]
    streams = {name: _connect(way, index, name) for name in STREAMS}
    words = [sys.executable, os.path.abspath(__file__), "near", path, str(index)]
    pipe = subprocess.PIPE
    child = subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=pipe)
    assert child.stdin and child.stdout and child.stderr
    given = child.stdin.fileno()
    threading.Thread(target=_pass, args=(streams["out"].fileno(), given, child.stdin.close), daemon=True).start()
    readers = [
        threading.Thread(target=_pass, args=(source.fileno(), streams[name].fileno(), lambda: None), daemon=True)
        for name, source in (("out", child.stdout), ("err", child.stderr))
    ]
    for reader in readers:
        reader.start()
    threading.Thread(target=_obey, args=(streams["control"], child), daemon=True).start()
    code = child.wait()
    for reader in readers:
        reader.join()
    for name in ("out", "err"):
        streams[name].shutdown(socket.SHUT_WR)
    streams["control"].sendall(b"%d\n" % code)
    streams["control"].shutdown(socket.SHUT_WR)
    os._exit(0)


def _connect(way: dict[str, Any], index: int, stream: str) -> socket.socket:
    """A connection to srun. Raises OSError."""
    fault = OSError("srun has no name")
    for host in way["hosts"]:
        try:
            connection = socket.create_connection((host, way["port"]), timeout=PATIENCE)
        except OSError as error:
            fault = error
            continue
        connection.settimeout(None)
        connection.sendall(f"{way['token']} {index} {stream}\n".encode())
        return connection
    raise fault


def _pass(source: int, target: int, end: Callable[[], None]) -> None:
    """Copy until there is no more."""
    try:
        while True:
            data = os.read(source, PIECE)
            if not data:
                break
            while data:
                data = data[os.write(target, data) :]
    except OSError:
        pass  # nobody reads it
    with contextlib.suppress(OSError):
        end()


def _obey(control: socket.socket, child: subprocess.Popen[bytes]) -> None:
    """Send the task the signals that srun names; when srun is gone the task has no owner any more."""
    with control.makefile() as lines:
        try:
            for line in lines:
                child.send_signal(int(line))
        except (OSError, ValueError):
            pass
    child.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
