"""One machine's part of a step: an attempt like a job's, but what it holds is the job's, and srun hears of it."""

import os
from contextlib import suppress
from typing import Any, Dict, List

from mini_slurm.agent import probes, spool
from mini_slurm.agent.attempt import Attempt
from mini_slurm.agent.backlog import PART
from mini_slurm.agent.claims import Claim
from mini_slurm.agent.journal import FILE, fifos
from mini_slurm.agent.spares import Spares
from mini_slurm.protocol.messages import StartTasks


class Part(Attempt):
    """A part of a step. `head`: the job's first machine, where the step is looked after."""

    __slots__ = ("_told", "gpus", "inputs", "task_gpus", "tasks")

    def __init__(self, name: str, folder: str, plan: Dict[str, Any]) -> None:
        super().__init__(name, folder, {"streams": "merged", "node": plan["node"]})
        self.head = plan["head"]
        self.inputs: List[bytes] = []  # packets of standard input, until the stepd's FIFO has room
        self.tasks: List[int] = plan["tasks"]
        self.gpus: List[int] = plan["gpus"]
        self.task_gpus: Dict[str, List[int]] = plan["task_gpus"]
        self._told = 0  # how much the stepd knows that srun has

    def acknowledged(self) -> None:
        """srun has more: the stepd need not keep it."""
        offset = self.outlet.acked[FILE]
        if offset >= self._told + PART and self.ended is None:
            self._told = offset
            self.command(f"acknowledged {offset}")

    @property
    def children(self) -> List[int]:
        """The pids of the tasks."""
        return list(self.started["tasks"]) if self.started else []

    def visible(self, gpus: List[Dict[str, Any]], vendors: List[str]) -> List[Dict[str, str]]:
        """For each task the variables that show it its GPUs, out of those that the step has here."""
        held = {gpu["uuid"]: gpu for gpu in gpus}
        of_index = dict(zip(self.gpus, [held[uuid] for uuid in (self.claim.gpus if self.claim else [])]))
        found = []
        for task in self.tasks:
            picked = [of_index[index] for index in self.task_gpus.get(str(task), self.gpus)]
            variables = probes.visible(picked, vendors)
            variables.pop("SLURM_JOB_GPUS", None)
            if self.gpus:
                variables["SLURM_GPUS_ON_NODE"] = str(len(self.gpus))
            if picked:
                variables["SLURM_STEP_GPUS"] = ",".join(str(gpu["index"]) for gpu in picked)
            found.append(variables)
        return found

    def hold(self, streams: str) -> None:
        """Keep the FIFOs open: what was written to them must survive a stepd. Raises OSError."""
        self.hold_all(["control", *fifos(len(self.tasks))])

    def deliver(self) -> None:
        """Write what waits to the stepd's FIFOs."""
        super().deliver()
        with suppress(BlockingIOError):
            while self.inputs and self.held:
                os.write(self.held[1], self.inputs[0])
                del self.inputs[0]


def create(root: str, start: StartTasks, spares: Spares) -> str:
    """A part's folder, with everything its stepd needs. Raises OSError; then nothing is left behind."""

    def fill(draft: str) -> None:
        spool.make_fifos(draft, ["control", *fifos(len(start.tasks))])
        spool.write_start(draft, start._asdict())

    return spool.make_folder(root, start.attempt, spares, fill)


def borrowed(cpus: List[int], gpus: List[str]) -> Claim:
    """Some of what the job's claim holds, which a part of a step may use. Raises OSError."""
    return Claim("", os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC), cpus, 0, gpus)
