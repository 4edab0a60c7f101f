"""What this machine has: asked when the agent starts, and again when a controller connects after a while."""

import json
import os
import selectors
import signal
import socket
import sys
import time
from typing import Any, Callable, Dict, List, Tuple

from mini_slurm.agent import delegation, probes, spool
from mini_slurm.agent.loop import Loop
from mini_slurm.agent.probes import cpu, memory
from mini_slurm.protocol.messages import VERSION, Welcome

FRESH = 60.0  # seconds for which the answers of the GPU programs are believed
PATIENCE = 25.0  # seconds for all of them together
LOAD, UPTIME = "/proc/loadavg", "/proc/uptime"


class Machine:
    """The machine's CPUs, memory and GPUs. The GPUs are asked for by a child: their drivers can hang."""

    def __init__(self, loop: Loop, folder: str) -> None:
        """`folder`: of the agent's spool."""
        self._loop = loop
        self.boot_id = spool.boot_id()
        self._memory_limit, self.cgroups = delegation.find(folder)
        self.cpus = cpu.parse(_read(cpu.FILE))
        self.memory = memory.parse(_read(memory.FILE))
        self._started = time.monotonic()
        self.gpus: List[Dict[str, Any]] = []
        self.vendors: List[str] = []  # whose program is here
        self._asked = 0.0
        self._answer = b""
        self._asking = 0  # pid
        self._waiting: List[Callable[[], None]] = []

    def when_known(self, work: Callable[[], None]) -> None:
        """Call once the GPUs are known."""
        if not self._asking and self._asked and time.monotonic() < self._asked + FRESH:
            work()
            return
        self._waiting.append(work)
        if not self._asking:
            self._ask()

    def once_known(self, work: Callable[[], None]) -> None:
        """Call when the GPUs have been known, however long ago."""
        if self._asked:
            work()
        else:
            self.when_known(work)

    def welcome(self, attempts: List[str]) -> Welcome:
        """The answer to a controller's Hello."""
        system = os.uname()
        return Welcome(
            VERSION,
            self.boot_id,
            socket.gethostname(),
            sys.version.split()[0],
            time.time(),
            len(self.cpus),
            self.memory,
            self.gpus,
            attempts,
            system.machine,
            f"{system.sysname} {system.release} {system.version}",
            float(_read(UPTIME).split()[0]),
            time.monotonic() - self._started,
            *self.vitals(),
            self._memory_limit,
            "affinity",
            "variable" if self.gpus else "",
        )

    def vitals(self) -> Tuple[float, int]:
        """How busy it is: its load over five minutes, and how much memory in MiB nothing is kept in."""
        return float(_read(LOAD).split()[1]), memory.parse(_read(memory.FILE), "MemFree")

    def _ask(self) -> None:
        self.vendors = probes.present()
        if not self.vendors:
            self._known([])
            return
        reader, writer = os.pipe()
        self._answer = b""
        self._asking = pid = os.fork()
        if not pid:
            _answer(writer)
        os.close(writer)
        self._loop.add(reader, selectors.EVENT_READ, lambda events: self._read(reader))
        self._loop.later(PATIENCE, lambda: self._give_up(pid))

    def _read(self, reader: int) -> None:
        data = os.read(reader, 1 << 16)
        self._answer += data
        if data:
            return
        self._loop.remove(reader)
        os.close(reader)
        try:
            found = json.loads(self._answer)
        except ValueError:
            found = []  # it was ended, or failed: its words are in the log
        self._known(found)

    def _known(self, gpus: List[Dict[str, Any]]) -> None:
        self.gpus = gpus
        self._asking = 0
        self._asked = time.monotonic()
        waiting, self._waiting = self._waiting, []
        for work in waiting:
            work()

    def _give_up(self, pid: int) -> None:
        if self._asking == pid:
            os.killpg(pid, signal.SIGKILL)


def _answer(writer: int) -> None:
    """In the child: ask all programs, and write what they said."""
    status = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        text = json.dumps(probes.ask_all()).encode()
        with open(writer, "wb") as file:
            file.write(text)
        status = 0
    finally:
        os._exit(status)


def _read(path: str) -> str:
    with open(path) as file:
        return file.read()
