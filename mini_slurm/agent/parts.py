"""What a machine does of the steps of jobs that run on it: start its part, feed it, show what it notes."""

import os
import socket
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Callable, Dict, Type

from mini_slurm.agent import job_steps, spool, watchers
from mini_slurm.agent.commands import AGENT
from mini_slurm.agent.feed import ALL, EXTRA, packets
from mini_slurm.agent.journal import FILE
from mini_slurm.agent.part import Part, borrowed, create
from mini_slurm.agent.picking import Unavailable
from mini_slurm.protocol.messages import Recall, Resume, StartTasks, TaskInput, TaskWindow, Unknown

ELSEWHERE = ("192.0.2.1", 9)  # an address that stands for any other: RFC 5737

if TYPE_CHECKING:
    from mini_slurm.agent.jobs import Jobs


@lru_cache(maxsize=1)
def addresses() -> Dict[str, str]:
    """What tasks are told of where they are; there is no srun that listens for them on the network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        with suppress(OSError):
            probe.connect(ELSEWHERE)  # nothing is sent: the kernel says which of the machine's addresses it would use
        address = probe.getsockname()[0]
    reached_at = os.environ.get("SSH_CONNECTION", "").split()[2:3]  # where there is no way out of the network
    own = "".join(reached_at or ["127.0.0.1"]) if address == "0.0.0.0" else address
    return {"SLURM_LAUNCH_NODE_IPADDR": own, "SLURM_SRUN_COMM_HOST": own}


class Parts:
    """The parts of steps on this machine."""

    def __init__(self, jobs: "Jobs") -> None:
        self._jobs = jobs

    def handlers(self) -> Dict[Type[Any], Callable[[Any, Any], None]]:
        """What the agent of a step's first machine says of a part that runs."""
        return {
            Resume: self._resume,
            Recall: lambda peer, message: self._recall(message),
            TaskInput: lambda peer, message: self._feed(message),
            TaskWindow: lambda peer, message: self._resize(message),
        }

    def start(self, start: StartTasks) -> None:
        """Start a part of a step. Raises Unavailable, OSError."""
        jobs = self._jobs
        job = jobs.attempts.get(start.attempt.rpartition("-")[0])
        if job is None or job.started is None or job.ended is not None:
            raise Unavailable("the job does not run on this machine", busy=False)
        job_steps.mark(job.folder)
        # what an srun outside of the job has not found there yet: this machine's srun, for what the tasks start
        given = start.environment
        here = {} if AGENT in given or "PATH" not in given else jobs.commands.variables(given)
        start = start._replace(environment={**jobs.commands.moved(given), **here, **addresses()})
        folder = create(jobs.root, start, jobs.spares)
        part = Part(start.attempt, folder, start._asdict())
        try:
            cpus = [job.started["cpus"][index] for index in start.cpus]
            part.claim = borrowed(cpus, [job.started["gpus"][index] for index in start.gpus])
            part.hold("")
            jobs.begin(part)
        except (OSError, IndexError):
            part.let_go()
            spool.remove(folder)
            raise

    def _resume(self, peer: Any, message: Resume) -> None:
        """Go on with the output from a place that srun knows, and say again how it ended, if it has."""
        part = self._jobs.attempts.get(message.attempt)
        if part is None:
            peer.send(Unknown(message.attempt))
        else:
            part.outlet.rewind()
            part.outlet.acknowledge(FILE, message.offset)
            part.acknowledged()
            part.outlet.look()
            self._jobs.offer(part)
            if part.ended is not None:
                peer.send(part.ended_message())

    def _recall(self, message: Recall) -> None:
        """A sattach has come: say what was noted last."""
        part = self._jobs.attempts.get(message.attempt)
        if isinstance(part, Part):
            listener = self._jobs.steps.listeners.of(part)
            for output in watchers.latest(part):
                listener.send(output)

    def _feed(self, message: TaskInput) -> None:
        """Standard input came."""
        part = self._jobs.attempts.get(message.attempt)
        if isinstance(part, Part) and part.ended is None:
            offset = EXTRA if message.offset < 0 else message.offset
            part.inputs += packets(message.task % (ALL + 1), offset, message.data)
            part.deliver()

    def _resize(self, message: TaskWindow) -> None:
        """The window of srun's terminal has changed."""
        part = self._jobs.attempts.get(message.attempt)
        if part and part.ended is None:
            part.command(f"window {message.rows} {message.columns}")

    def forget(self, job: str) -> None:
        """The job is over and booked."""
        attempts = self._jobs.attempts
        for name in [name for name in attempts if name.startswith(f"{job}-")]:
            spool.remove(attempts.pop(name).folder, self._jobs.spares)
