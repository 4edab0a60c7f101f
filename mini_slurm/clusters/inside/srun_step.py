"""A step of srun within a job of PBS: its tasks run here, or are started elsewhere by pbs_tmrsh or pbsdsh.

What is to run comes in a file, which srun made. Stands alone.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from typing import Any, Callable

PATIENCE = 30.0  # seconds that a task on another machine may take to connect
PIECE = 1 << 16
LINE = re.compile(rb"[^\n]*\n|[^\n]+")
STREAMS = ("out", "err", "control")
OWN = {"out": 1, "err": 2}  # srun's own


# --- the step


def main(path: str) -> int:
    """Run the step that is told there; the exit status."""
    with open(path) as file:
        order = json.load(file)
    try:
        step = Step(path, order)
        return step.run()
    except OSError as error:
        sys.stderr.write(f"srun: error: {error.filename or ''}: {error.strerror}\n")
        return 1


class Step:
    """Tasks that run together."""

    def __init__(self, path: str, order: dict[str, Any]) -> None:
        """Raises OSError."""
        self.path = path
        self.order = order
        self.places: list[str] = order["places"]
        self.here = os.uname().nodename.split(".")[0]
        self.tasks: list[Task] = []
        self.ended = threading.Condition()
        self.codes: dict[int, int] = {}
        self.far = Far() if any(map(self.is_far, self.places)) else None
        if self.far:
            with open(path, "w") as file:
                json.dump({**order, "way": self.far.way}, file)

    def is_far(self, host: str) -> bool:
        """Is it another machine?"""
        return host.split(".")[0] != self.here

    def run(self) -> int:
        """Run them to their ends; the exit status. Raises OSError."""
        outlets = Outlets(self.order)
        source = 0 if self.order["reads"] is None else os.open(self.order["reads"], os.O_RDONLY)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda given, frame: self.signal(given))
        try:
            for index in range(len(self.places)):
                self.tasks.append(Task(self, index, outlets))
        except OSError:
            self.signal(signal.SIGKILL)
            raise
        threading.Thread(target=self._feed, args=(source,), daemon=True).start()
        for task in self.tasks:
            threading.Thread(target=self._wait, args=(task,), daemon=True).start()
        with self.ended:
            while len(self.codes) < len(self.tasks):
                self.ended.wait(0.2)
        return max(map(status, self.codes.values()))

    def signal(self, number: int) -> None:
        """Send a signal to every task that has not ended."""
        for task in self.tasks:
            if task.index not in self.codes:
                task.signal(number)

    def _wait(self, task: Task) -> None:
        code = task.wait()
        _report(self.places[task.index], task.index, code)
        with self.ended:
            self.codes[task.index] = code
            self.ended.notify()
        if code and self.order["kills"]:
            self.signal(signal.SIGTERM)

    def _feed(self, source: int) -> None:
        """What is read goes to every task that is to have it."""
        readers = self.order["readers"]
        for task in self.tasks:
            if task.index not in readers:
                task.give(b"")
        while True:
            data = _read(source)
            for index in readers:
                self.tasks[index].give(data)
            if not data:
                return


def _read(source: int) -> bytes:
    """What there is; nothing at the end, and where nothing can be read."""
    try:
        return os.read(source, PIECE)
    except OSError:
        return b""


def status(code: int) -> int:
    """As a shell makes it."""
    return code if code >= 0 else 128 - code


def _report(host: str, index: int, code: int) -> None:
    if code < 0:
        sys.stderr.write(f"srun: error: {host}: task {index}: {signal.strsignal(-code)}\n")
    elif code:
        sys.stderr.write(f"srun: error: {host}: task {index}: Exited with exit code {code}\n")
    sys.stderr.flush()


# --- output


class Outlets:
    """Where the tasks' output goes."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._paths = {"out": order["outs"], "err": order["errs"]}
        self._mode = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if order["appends"] else os.O_TRUNC)
        self._width = len(str(len(order["outs"]) - 1)) if order["is_labelled"] else 0
        self._files: dict[str, int] = {}
        self._lock = threading.Lock()
        self.is_direct = not order["is_labelled"] and not any((*order["outs"], *order["errs"]))

    def of(self, index: int, stream: str) -> Callable[[bytes], None]:
        """What takes a task's output on `out` or `err`. Raises OSError."""
        path = self._paths[stream][index]
        if path and path not in self._files:
            self._files[path] = os.open(path, self._mode, 0o666)
        goal = self._files[path] if path else OWN[stream]
        mark = b"%*d: " % (self._width, index) if self._width else b""

        def write(data: bytes) -> None:
            if mark:
                data = b"".join(mark + line for line in LINE.findall(data))
            with self._lock:
                while data:
                    data = data[os.write(goal, data) :]

        return write


# --- one task


class Task:
    """One task, here or on another machine."""

    def __init__(self, step: Step, index: int, outlets: Outlets) -> None:
        """Start it. Raises OSError."""
        self.index = index
        self._far = step.far if step.is_far(step.places[index]) else None
        self._readers: list[threading.Thread] = []
        self._outlets = outlets
        tool = os.path.join(os.path.dirname(os.path.abspath(__file__)), "srun_task")
        words = [tool, "far" if self._far else "near", step.path, str(index)]
        if self._far:
            words = [*far(step.places[index]), "/usr/bin/env", "python3", *words]
            nowhere = subprocess.DEVNULL
            self._child = subprocess.Popen(words, stdin=nowhere, stdout=nowhere, start_new_session=True)
            return
        pipe = None if outlets.is_direct else subprocess.PIPE
        self._child = subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE, stdout=pipe, stderr=pipe)
        if pipe is not None:
            self._copy("out", self._child.stdout.fileno())  # type: ignore[union-attr]
            self._copy("err", self._child.stderr.fileno())  # type: ignore[union-attr]

    def _copy(self, stream: str, source: int) -> None:
        write = self._outlets.of(self.index, stream)

        def copy() -> None:
            rest = b""
            while True:
                data = _read(source)
                lines, mark, rest = (rest + data).rpartition(b"\n")
                if lines + mark:
                    write(lines + mark)
                if not data:
                    if rest:
                        write(rest)
                    return

        self._readers.append(threading.Thread(target=copy, daemon=True))
        self._readers[-1].start()

    def wait(self) -> int:
        """Its exit status; -N: a signal."""
        code = self._wait_for_far() if self._far else self._child.wait()
        for reader in self._readers:
            reader.join()
        return code

    def _wait_for_far(self) -> int:
        assert self._far is not None
        connections = self._far.connections(self.index, self._child)
        if connections is None:
            sys.stderr.write(f"srun: error: task {self.index} could not be started on its machine\n")
            self._child.kill()
            return 1
        self._copy("out", connections["out"].fileno())
        self._copy("err", connections["err"].fileno())
        told = b""
        while True:
            try:
                data = connections["control"].recv(PIECE)
            except OSError:
                data = b""
            if not data:
                break
            told += data
        self._child.wait()
        if told.strip():
            return int(told)
        sys.stderr.write(f"srun: error: task {self.index}: its machine does not answer any more\n")
        return 1

    def signal(self, number: int) -> None:
        """Send it a signal."""
        if self._far is None:
            self._child.send_signal(number)
            return
        connections = self._far.found.get(self.index, {})
        if "control" in connections:
            try:
                connections["control"].sendall(b"%d\n" % number)
            except OSError:
                return  # it has ended
        else:
            self._child.kill()

    def give(self, data: bytes) -> None:
        """Its standard input; nothing: the end of it."""
        try:
            if self._far:
                way = (self._far.connections(self.index, self._child) or {}).get("out")
                if way is not None:
                    way.sendall(data) if data else way.shutdown(socket.SHUT_WR)
            elif self._child.stdin is not None and data:
                self._child.stdin.write(data)
                self._child.stdin.flush()
            elif self._child.stdin is not None:
                self._child.stdin.close()
        except (OSError, ValueError):
            return  # it reads no more


# --- tasks on other machines: this side


class Far:
    """Where tasks on other machines connect to."""

    def __init__(self) -> None:
        """Raises OSError."""
        self._server = socket.socket()
        self._server.bind(("", 0))
        self._server.listen(1024)
        self._token = os.urandom(16).hex()
        self._changed = threading.Condition()
        self.found: dict[int, dict[str, socket.socket]] = {}
        names = dict.fromkeys([os.environ.get("SLURMD_NODENAME", ""), os.uname().nodename])
        self.way = {"hosts": [name for name in names if name], "port": self._server.getsockname()[1],
                    "token": self._token}  # fmt: skip
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._server.accept()
            threading.Thread(target=self._greet, args=(connection,), daemon=True).start()

    def _greet(self, connection: socket.socket) -> None:
        """The first line says which task's stream it is, with the token that only the user's own processes know."""
        connection.settimeout(PATIENCE)
        line = b""
        try:
            while not line.endswith(b"\n") and len(line) < 200:
                line += connection.recv(1)
            token, index, stream = line.decode().split()
        except (OSError, ValueError):
            connection.close()
            return
        if token != self._token or stream not in STREAMS:
            connection.close()
            return
        connection.settimeout(None)
        with self._changed:
            self.found.setdefault(int(index), {})[stream] = connection
            self._changed.notify_all()

    def connections(self, index: int, child: subprocess.Popen[bytes]) -> dict[str, socket.socket] | None:
        """The task's connections, once they are there; None: it never came."""
        with self._changed:
            while len(self.found.get(index, {})) < len(STREAMS):
                if not self._changed.wait(PATIENCE if child.poll() is None else 1.0):
                    return None
            return self.found[index]


def far(host: str) -> list[str]:
    """What starts a command on another host: OpenPBS has pbs_tmrsh, Torque a pbsdsh that takes a host, LSF blaunch."""
    if "LSB_JOBID" in os.environ:
        return ["blaunch", host]
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_pbs_folders()])
    own = shutil.which("pbs_tmrsh", path=path)
    return [own, host] if own else [shutil.which("pbsdsh", path=path) or "pbsdsh", "-h", host]


def _pbs_folders() -> list[str]:
    """Where PBS says its commands are: a job's PATH need not have them."""
    try:
        with open(os.environ.get("PBS_CONF_FILE", "/etc/pbs.conf")) as file:
            found = re.search(r"^PBS_EXEC=(\S+)", file.read(), re.MULTILINE)
    except OSError:
        return []
    return [os.path.join(found[1], "bin")] if found else []


if __name__ == "__main__":
    result = main(sys.argv[1])
    sys.stderr.flush()
    os._exit(result)  # threads may still wait for what is typed
