"""A job as Python programs hold it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mini_slurm.api.faults import JobFailed, spoken
from mini_slurm.api.info import JobInfo
from mini_slurm.api.records import Target
from mini_slurm.model.states import JobState

if TYPE_CHECKING:
    from mini_slurm.api.client import Client


class Job:
    """A job, an array or one of its tasks, a heterogeneous job or one of its parts.

    It holds no more than the number: every question is answered by what is stored now. Two of the same number are
    equal. `Client.submit` and `Client.job` make it.
    """

    def __init__(self, client: Client, target: Target, tasks: Sequence[Target] = ()) -> None:
        self._client = client
        self.target = target  # what it names
        self._tasks = tuple(tasks)

    def __repr__(self) -> str:
        where = f" on {self.cluster}" if self.cluster else ""
        return f"<mini_slurm.Job {self.id}{where}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and other.target == self.target and other._client.state == self._client.state

    def __hash__(self) -> int:
        return hash(self.target)

    @property
    def id(self) -> str:
        """As Slurm's commands write it: "123", "123_4" for a task of an array, "123+1" for a part of a job."""
        return self.target.id

    @property
    def number(self) -> int:
        """The number before any `_` or `+`."""
        return self.target.number

    @property
    def cluster(self) -> str:
        """The cluster it was submitted to; "" for the fleet."""
        return self.target.cluster

    @property
    def tasks(self) -> Sequence[Job]:
        """The tasks of an array, the parts of a heterogeneous job, in their order; of any other job itself alone.

        Raises UnknownJob, StateError: a job that was looked up by its number has to be asked.
        """
        targets = self._tasks or self._client.parts(self.target)
        return [self] if list(targets) == [self.target] else [Job(self._client, one, [one]) for one in targets]

    @property
    def state(self) -> JobState:
        """The state now (`squeue -o %T`); of an array, that of all tasks together. Raises UnknownJob, StateError."""
        return self._client.state_of(self.target)

    def info(self) -> JobInfo:
        """All that is known now (`scontrol show job`, `sacct`). Raises UnknownJob, StateError."""
        return self._client.describe([self.target])[self.id]

    def wait(self, timeout: float | None = None) -> JobInfo:
        """Wait until it has ended, well or not, with all its tasks (`sbatch --wait`).

        `timeout`: seconds; None: for ever. The controller tells of the end, it is not asked for again and again.
        A controller that has gone is started again. Raises WaitTimeout, UnknownJob, StateError.
        """
        return self._client.wait([self], timeout)[self.id]

    def check(self, timeout: float | None = None) -> JobInfo:
        """Wait as wait() does, and raise JobFailed unless it is COMPLETED; `info` of the error tells what it is.

        `timeout`: seconds; None: for ever. Raises JobFailed, and as wait() does.
        """
        return checked(self.wait(timeout))

    def output(self, error: bool = False) -> str:
        """What its script has written so far to standard output, or with `error` to standard error.

        That is the file that --output or --error names; "" while there is none. Bytes that are no UTF-8 are replaced.
        Raises Refused where the file cannot be read, UnknownJob, StateError.
        """
        return self._client.output_of(self.target, error)

    def follow(self, error: bool = False) -> Iterator[str]:
        """The lines of its output as they come, from the first on, until the job has ended and all have come.

        Each ends with its "\\n", but perhaps the last. A job that is requeued writes its file anew, and is followed
        there. Raises as output() does.
        """
        return self._client.follow(self.target, error)

    def cancel(self, signal: str | int | None = None) -> None:
        """End it (`scancel`), or send a signal, "USR1" or 10, to all its processes (`scancel --full --signal`).

        What has ended already is left in peace. Raises Refused: it is not yours, or a signal came before its start.
        """
        self._client.cancel([self], signal)

    def hold(self) -> None:
        """Keep it from starting (`scontrol hold`). Raises Refused, UnknownJob, StateError."""
        self._client.change(self.target, "hold")

    def release(self) -> None:
        """Let it start again after hold() (`scontrol release`). Raises Refused, UnknownJob, StateError."""
        self._client.change(self.target, "release")

    def requeue(self) -> None:
        """End it and have it run again, or run again what has ended (`scontrol requeue`).

        It may start after the fleet's requeue_delay, two minutes if nothing else was said, as in Slurm.
        Raises Refused, UnknownJob, StateError.
        """
        self._client.change(self.target, "requeue")

    def suspend(self) -> None:
        """Stop its processes where they are (`scontrol suspend`). Raises Refused, UnknownJob, StateError."""
        self._client.change(self.target, "suspend")

    def resume(self) -> None:
        """Let its processes go on after suspend() (`scontrol resume`). Raises Refused, UnknownJob, StateError."""
        self._client.change(self.target, "resume")

    def update(self, **changes: Any) -> None:
        """Change it (`scontrol update`): the keys are scontrol's with `_` between words, as in time_limit="2:00:00".

        Values are as for Client.submit: texts as Slurm writes them, numbers (time limits in minutes), timedelta.
        Raises BadUsage for a key or value that there is not, Refused, UnknownJob, StateError.
        """
        self._client.change(self.target, "update", changes)


def checked(info: JobInfo) -> JobInfo:
    """What became of a job that was to end well. Raises JobFailed."""
    if info.has_succeeded:
        return info
    how = f"signal {info.signal}" if info.signal else f"exit code {info.exit_code}"
    with spoken():
        raise JobFailed(
            f"job {info.id} ({info.name}) is {info.state.name}, {how}", info=info, hint=f"see {info.stderr}"
        )


def number_of(job: Any) -> Any:
    """The number of a job, however it is given."""
    return job.id if isinstance(job, Job) else job
