"""A small blocking controller for tests: a bootstrap started as a local process, and frames over its pipes."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mini_slurm.agent import processes, spool
from mini_slurm.agent.archive import COMMAND, build_agent, greeting
from mini_slurm.protocol.framing import Decoder, encode
from mini_slurm.protocol.messages import (
    VERSION,
    Acknowledge,
    Ended,
    Forget,
    Hello,
    Message,
    Output,
    StartAttempt,
    Started,
    Welcome,
)
from tests.waiting import wait_until

PATIENCE = 30.0
AnyMessage = TypeVar("AnyMessage")
NAME, ARCHIVE = build_agent()
# Of these tests alone, as agents look for processes by the attempt's name.
STATE, OTHER = f"s{os.getpid()}", f"t{os.getpid()}"


def attempt_of(job: int, number: int = 0, state: str = STATE) -> str:
    """The name of a job's attempt."""
    return f"{state}.{job}.{number}"


def wanted(attempt: str, script: str = "", **changes: Any) -> StartAttempt:
    """A StartAttempt with ordinary values."""
    values: dict[str, Any] = {
        "attempt": attempt,
        "title": attempt.split(".")[1],
        "node": "node1",
        "cpus": 1,
        "total_cpus": 8,
        "memory": 0,
        "constrain_memory": True,
        "total_memory": 0,
        "gpus": {},
        "shares": [],
        "arguments": [],
        "environment": {"PATH": os.environ["PATH"]},
        "fixed": [],
        "work_dir": "/tmp",
        "umask": 0o022,
        "limits": {},
        "streams": "ordered",
        "targets": {},
        "std_in": "/dev/null",
        "time_limit": None,
        "kill_wait": 30,
        "role": "batch",
        "allocation": {},
        "warning": [],
        "data": f"#!/bin/bash\n{script}\n".encode(),
    }
    return StartAttempt(**{**values, **changes})


class Client:
    """One connection, and what came over it."""

    def __init__(
        self,
        folder: Path,
        state: str = STATE,
        *,
        environment: dict[str, str] | None = None,
        shell: Sequence[str] = ("/bin/sh", "-c"),
        agent: tuple[str, bytes] = (NAME, ARCHIVE),
        greet: bool = True,
    ) -> None:
        self.spool = folder
        self.state = state
        values = {
            **os.environ,
            "MINI_SLURM_SPOOL": str(folder),
            "MINI_SLURM_CLAIMS": str(folder.parent / "claims"),
            "MINI_SLURM_AGENT_IDLE": "600",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            **(environment or {}),
        }
        self.process = subprocess.Popen(
            [*shell, COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=values, bufsize=0
        )
        self.decoder = Decoder()
        self.inbox: list[Message] = []
        self.files: dict[tuple[str, str], bytearray] = {}
        self.merged: dict[str, bytearray] = {}
        try:
            self.status = self._shake_hands(agent)
        except AssertionError:
            self.close()
            raise
        if greet and self.status["status"] == "ready":
            self.greet()

    def greet(self) -> None:
        """Say hello, and wait for the welcome."""
        self.send(Hello(VERSION, self.state, "node1"))
        self.welcome = self.wait(Welcome)

    def _shake_hands(self, agent: tuple[str, bytes]) -> dict[str, str]:
        name, archive = agent
        with suppress(BrokenPipeError):
            self._write(greeting(name, len(archive)))
        status = self._line()
        self.was_needed = status["status"] == "need"
        if self.was_needed:
            self._write(b"%d\n" % len(archive) + archive)
            status = self._line()
        return status

    def _line(self) -> dict[str, str]:
        line = b""
        while not line.endswith(b"\n"):
            byte = self._output.read(1)
            assert byte, f"the bootstrap said only {line!r}"
            line += byte
        status: dict[str, str] = json.loads(line)
        return status

    @property
    def _output(self) -> Any:
        return self.process.stdout

    def _write(self, data: bytes) -> None:
        assert self.process.stdin
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view) :]

    def send(self, *messages: Message) -> None:
        """Say something to the agent."""
        self._write(b"".join(encode(message) for message in messages))

    def receive(self, seconds: float = PATIENCE) -> bool:
        """Wait for bytes, and take what is complete. False: nothing came, or the connection has ended."""
        if not select.select([self._output], [], [], seconds)[0]:
            return False
        data = os.read(self._output.fileno(), 1 << 18)
        for message in self.decoder.feed(data):
            self.inbox.append(message)
            if isinstance(message, Output):
                self._store(message)
        return bool(data)

    def _store(self, output: Output) -> None:
        file = self.files.setdefault((output.attempt, output.stream), bytearray())
        merged = self.merged.setdefault(output.attempt, bytearray())
        for target, offset in ((file, output.offset), (merged, output.merged)):
            end = offset + len(output.data)
            target.extend(bytes(max(0, end - len(target))))
            target[offset:end] = output.data

    def acknowledge(self) -> None:
        """Say that all that came is on disk."""
        for (attempt, stream), data in self.files.items():
            self.send(Acknowledge(attempt, stream, len(data)))

    def wait(self, kind: type[AnyMessage], attempt: str | None = None) -> AnyMessage:
        """The next message of a kind, for an attempt; it is taken from the inbox."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for message in self.inbox:
                if isinstance(message, kind) and attempt in (None, getattr(message, "attempt", None)):
                    self.inbox.remove(message)
                    return message
            if time.monotonic() > deadline or not self.receive(max(0.0, deadline - time.monotonic())):
                log = self.spool / "agent.log"
                said = log.read_text() if log.exists() else ""
                raise AssertionError(f"no {kind.__name__} for {attempt}: {self.inbox[-5:]}\n{said}")

    def wait_for_text(self, attempt: str, text: str, stream: str = "out") -> None:
        """Until this text has come."""
        while text.encode() not in self.files.get((attempt, stream), b""):
            assert self.receive(), self.files

    def run(self, script: str, number: int = 1, **changes: Any) -> tuple[Ended, str, str]:
        """Start, wait for the end and all output, forget: how it ended, and both streams."""
        name = f"{self.state}.{number}.0"
        self.send(wanted(name, script, **changes))
        self.wait(Started, name)
        return self.finish(name)

    def finish(self, name: str) -> tuple[Ended, str, str]:
        """Wait for an attempt's end and all its output, then have it forgotten."""
        ended = self.wait(Ended, name)
        while any(len(self.files.get((name, stream), b"")) < size for stream, size in ended.sizes.items()):
            self.acknowledge()
            assert self.receive(), (ended, {key: len(value) for key, value in self.files.items()})
        self.acknowledge()
        self.send(Forget(name))
        return ended, self.text(name, "out"), self.text(name, "err")

    def text(self, name: str, stream: str) -> str:
        """What has come of a stream."""
        return self.files.get((name, stream), bytearray()).decode()

    def close(self) -> None:
        """Cut the connection."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()


def agent_pid(folder: Path) -> int:
    """The agent that serves a spool; 0 without one."""
    for process in processes.everything():
        with suppress(OSError):
            words = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
            if b"serve" in words and os.fsencode(folder) in words and process.state not in "ZX":
                return process.pid
    return 0


def started(folder: Path, attempt: str) -> dict[str, Any]:
    """An attempt's started.json, once it is there."""
    path = str(folder / "attempts" / attempt)
    found: dict[str, Any] = wait_until(lambda: spool.read_json(path, "started.json"), "started.json", logs=[folder])
    return found


def left_in(folder: Path) -> list[str]:
    """The attempts in a spool, or the claims in their folder; what is kept to be used again is neither."""
    return [path.name for path in folder.iterdir() if ".spare-" not in path.name]


def kill_and_wait(pid: int, number: int = 9) -> None:
    """End a process that the test has started, and see it gone."""
    found = processes.look(pid)
    assert found
    os.kill(pid, number)
    wait_until(lambda: not processes.is_running(pid, found.start), f"the end of {pid}")


def end_everything(folder: Path) -> None:
    """End what a test has left: the agent of this spool, and the processes of its attempts."""
    pid = agent_pid(folder)
    if pid:
        kill_and_wait(pid)
    attempts = folder / "attempts"
    for attempt in sorted(attempts.iterdir()) if attempts.exists() else []:
        found = spool.read_json(str(attempt), "started.json")
        if found and not (attempt / "ended.json").exists():
            stepds = [process.pid for process in processes.everything() if holds(process.pid, attempt)]
            processes.send([*stepds, *processes.members(attempt.name, found["script"])], 9)


def holds(pid: int, attempt: Path) -> bool:
    """Is this the stepd of an attempt?"""
    with suppress(OSError):
        return any(os.readlink(link) == str(attempt) for link in Path(f"/proc/{pid}/fd").iterdir())
    return False


@pytest.fixture
def make_client(tmp_path: Path) -> Iterator[Callable[..., Client]]:
    """Connect to the agent of this test's spool, as the controller of a state folder."""
    folder = tmp_path / "spool"
    clients: list[Client] = []

    def make(state: str = STATE, **settings: Any) -> Client:
        clients.append(Client(folder, state, **settings))
        return clients[-1]

    yield make
    for client in clients:
        client.close()
    end_everything(folder)


@pytest.fixture
def client(make_client: Callable[..., Client]) -> Client:
    """A connection to a new agent."""
    return make_client()
