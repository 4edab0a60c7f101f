"""One attempt as the agent knows it."""

import errno
import os
from contextlib import suppress
from typing import Any, Dict, List, Optional, Tuple

from mini_slurm.agent import probes, spool
from mini_slurm.agent.claims import Claim
from mini_slurm.agent.outlet import Outlet
from mini_slurm.agent.stepd import now
from mini_slurm.protocol.messages import Ended, Started

GPU_PEAK = "gpu.json"  # in the spool, for the agent after this one


class Attempt:
    """An attempt in the spool. It runs until `ended` is there."""

    __slots__ = (
        "child", "claim", "commands", "ended", "ending", "folder", "forked_at", "gpu_peak", "head", "held",
        "is_allocation", "is_leaving", "memory", "name", "node", "order", "outlet", "pause", "queued", "shares_cpus",
        "started",
    )  # fmt: skip

    def __init__(self, name: str, folder: str, plan: Dict[str, Any]) -> None:
        self.name = name
        self.folder = folder
        self.node: str = plan.get("node", "")  # this machine, as the job knows it
        self.is_allocation = plan.get("role") == "allocation"  # a job without a script, on its first machine
        self.is_leaving = False  # ... that ends: its steps have been told
        self.head = ""  # of a part of a step: the machine where srun is
        self.memory: int = plan.get("memory", 0)
        self.shares_cpus: bool = plan.get("shares_cpus", False)
        self.outlet = Outlet(name, folder, plan["streams"])
        self.order = b""  # its plan for a stepd, until the script may run; else start.json has all of it
        self.claim: Optional[Claim] = None
        self.child = 0  # pid of its stepd, where that is the agent's child
        self.forked_at = 0.0
        self.started: Optional[Dict[str, Any]] = None
        self.ended: Optional[Dict[str, Any]] = None
        self.held: List[int] = []  # open FIFOs: control first
        self.commands: List[str] = []  # for the stepd, until its FIFO has room
        self.ending = ""  # the latest command to end
        self.pause = 0.0  # seconds until the next look
        self.gpu_peak: Tuple[int, int] = (0, 0)  # MiB and percent of GPUs that it has used at the most
        self.queued = False  # among the outlets of its peer?

    @property
    def state_id(self) -> str:
        """Whose attempt it is: names end with `.JOB.ATTEMPT`."""
        return self.name.rsplit(".", 2)[0]

    @property
    def children(self) -> List[int]:
        """The pids whose ends its stepd waits for."""
        return [self.started["script"]] if self.started else []

    def seen(self, gpus: List[Dict[str, Any]], vendors: List[str]) -> List[Dict[str, str]]:
        """As visible(), out of all GPUs of the machine. Raises OSError where its own do not answer, or not yet."""
        held = set(self.claim.gpus if self.claim else ())
        mine = [gpu for gpu in gpus if gpu["uuid"] in held]
        if len(mine) < len(held):
            raise OSError(errno.ENODEV, "its GPUs do not answer")
        return self.visible(mine, vendors)

    def visible(self, gpus: List[Dict[str, Any]], vendors: List[str]) -> List[Dict[str, str]]:
        """The variables that show it these GPUs, which its claim holds."""
        return [probes.visible(gpus, vendors)]

    def read(self, started: Optional[Dict[str, Any]] = None) -> None:
        """Take what is new from the spool, or from the word of its stepd. Raises ValueError for a damaged spool."""
        if self.started is None:
            self.started = started or spool.read_json(self.folder, "started.json")
        if self.started is not None:
            self.order = b""
        if self.ended is None and not self.child:
            self.ended = spool.read_json(self.folder, "ended.json")

    def hold(self, streams: str) -> None:
        """Keep the FIFOs open: what the script or the agent wrote to them must survive a stepd. Raises OSError."""
        self.hold_all(["control", *spool.fifos(streams)])

    def hold_all(self, names: List[str]) -> None:
        """Open these FIFOs. Raises OSError."""
        for name in names:
            path = f"{self.folder}/{name}"
            self.held.append(os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC))

    def let_go(self) -> None:
        """Close the FIFOs."""
        for descriptor in self.held:
            os.close(descriptor)
        self.held.clear()

    def command(self, line: str) -> None:
        """Say something to the stepd, or to the one after it."""
        if line.startswith("end "):
            self.ending = line
        self.commands.append(line)
        self.deliver()

    def deliver(self) -> None:
        """Write the commands that wait to the stepd's FIFO."""
        with suppress(BlockingIOError):
            while self.commands and self.held:
                os.write(self.held[0], self.commands[0].encode() + b"\n")
                del self.commands[0]

    def acknowledged(self) -> None:
        """More of its output has arrived."""

    def started_message(self) -> Started:
        """The agent's yes."""
        started = self.started or {}
        age = max(0.0, now() - started.get("begun", 0.0))
        return Started(self.name, age, started.get("cpus", []), started.get("gpus", []))

    def ended_message(self) -> Ended:
        """How it ended, and how much it wrote."""
        ended = self.ended or {}
        return Ended(
            self.name,
            max(0.0, now() - ended["at"]),
            ended["elapsed"],
            ended["cause"],
            ended["exit_code"],
            ended["exit_signal"],
            ended["max_rss"],
            ended["user_seconds"],
            ended["system_seconds"],
            dict(self.outlet.sizes),
            ended.get("rss", {}),
            *self.gpu_peak,
        )
