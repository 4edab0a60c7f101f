"""The client: jobs are submitted, looked at, waited for and ended, as the commands do it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Self

from mini_slurm.api import acting, listing, machines, outputs, records, submitting, updates, waiting
from mini_slurm.api.faults import spoken
from mini_slurm.api.info import JobInfo, NodeInfo, PartitionInfo
from mini_slurm.api.job import Job, number_of
from mini_slurm.api.places import Places, unknown
from mini_slurm.api.records import FEW, Rows, Target
from mini_slurm.api.store import Store
from mini_slurm.model.job import Job as Record
from mini_slurm.model.states import JobState

LOOK = 0.1  # seconds between two looks at a file that grows

NOTHING: Mapping[str, Any] = {}
# scontrol's verb: what the controller is asked for
VERBS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "hold": ("update", {"changes": {"Priority": 0}}),
    "release": ("update", {"changes": {"Priority": None}}),
    "requeue": ("requeue", {"reason": "", "only_running": False}),
    "suspend": ("suspend", {"resume": False}),
    "resume": ("suspend", {"resume": True}),
    "update": ("update", {}),
}

AnyJob = Job | str | int
AnyState = JobState | str


class Client:
    """The fleet, and the clusters, of the state folder and the fleet file that the commands would use here.

    The environment variables of the commands count: MINI_SLURM_STATE (read once, now), MINI_SLURM_FLEET,
    MINI_SLURM_CLUSTER, SLURM_CLUSTERS, SBATCH_* and so on. It may be used by several threads, and after a fork. To
    close it is not necessary.

    `cluster`: the name of the fleet or of a cluster, as -M takes it; None: as the commands choose.
    Raises StateError, FleetError, BadUsage for a name that there is not.
    """

    @spoken()
    def __init__(self, cluster: str | None = None) -> None:
        self.store = Store()
        self.places = Places(self.store, cluster)

    def __reduce__(self) -> tuple[Any, ...]:
        """In another process of this machine, as in a worker of a pool, it opens the state folder again."""
        return type(self), (self.places.cluster,)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; the client opens it again when it is used again."""
        self.store.close()

    @property
    def state(self) -> str:
        """The path of the state folder."""
        return self.store.state

    # --- submitting

    @spoken()
    def submit(
        self, *arguments: str | int | float | PathLike[str], script: str | bytes | None = None, **options: Any
    ) -> Job:
        """Submit a batch job (`sbatch`). It is on disk when this returns.

        `arguments`: the path of the script, and its arguments; with `script`, the script's text, its arguments alone.
        `options`: sbatch's long options with `_` for `-`, as in partition="gpu", time="1:00:00", wrap="hostname".
        Values are texts as Slurm writes them, or numbers (time in minutes, mem in MiB); True for a switch, False for
        its contrary, None as if it was not given; timedelta for spans of time, datetime for moments, a path, a
        sequence for what commas part; for array a range or numbers; for dependency {"afterok": [job, "13"]}; for
        export {"NAME": "value"}, which joins all other variables. What #SBATCH lines and SBATCH_* variables say
        counts as for sbatch.

        Raises BadUsage in sbatch's words for options that are none, Refused for what the fleet does not take,
        StateError, FleetError, TemplateError for a template, Unreachable for a cluster.
        """
        target, tasks = submitting.submit(self.places, arguments, script, options)
        return Job(self, target, tasks)

    # --- looking

    @spoken()
    def job(self, id: AnyJob) -> Job:
        """The job of this number: 123, "123", "123_4", "123+1". Raises UnknownJob, BadUsage, StateError."""
        return Job(self, self.places.locate(records.target(number_of(id))))

    @spoken()
    def jobs(
        self,
        *,
        user: str | int | bool | Iterable[str] | None = None,
        states: AnyState | Iterable[AnyState] | None = None,
        ids: Iterable[AnyJob] | None = None,
        name: str | Iterable[str] | None = None,
        partition: str | Iterable[str] | None = None,
        ended: bool = False,
    ) -> list[JobInfo]:
        """The jobs that are not over (`squeue --array`), with `ended` those that are, too (`sacct`).

        Each filter takes one value or several, None: any. `user`: names or a number, True: you; `states`: JobState,
        "RUNNING" or "R", and states of ended jobs find these as well; `ids`: as Client.job takes them, and numbers
        that there are not find nothing. Each task of an array is one entry. Raises BadUsage, StateError.
        """
        targets = None if ids is None else [records.target(number_of(one)) for one in ids]
        return listing.jobs(
            self.places, user=user, states=states, ids=targets, name=name, partition=partition, ended=ended
        )

    @spoken()
    def nodes(self) -> list[NodeInfo]:
        """The machines (`sinfo --Node`). Those that were never asked before are given 5 seconds to answer.

        Those of a cluster are its own commands' answer. Raises StateError, FleetError, Refused, Unreachable.
        """
        return machines.nodes(self.places)

    @spoken()
    def partitions(self) -> list[PartitionInfo]:
        """The partitions that you may see (`sinfo`). Raises as nodes() does."""
        return machines.partitions(self.places)

    def describe(self, jobs: Iterable[Target]) -> dict[str, JobInfo]:
        """What is known of each. Raises UnknownJob, StateError."""
        targets = list(jobs)
        with spoken():
            rows, now = Rows(self.places.load(targets, fresh=True)), time.time()
            return {one.id: records.describe(one, self._known(one, rows), now) for one in targets}

    @spoken()
    def state_of(self, target: Target) -> JobState:
        """The state of what this names. Raises UnknownJob, StateError."""
        return records.state_of(self._known(target, Rows(self.places.load([target], FEW, fresh=True))))

    @spoken()
    def parts(self, target: Target) -> Sequence[Target]:
        """The tasks or parts of what this names. Raises UnknownJob, StateError."""
        return records.parts(target, self._known(target, Rows(self.places.load([target], FEW))))

    @staticmethod
    def _known(target: Target, rows: Rows) -> list[Record]:
        found = rows.meant(target)
        if not found:
            raise unknown(target)
        return found

    def targets(self, jobs: Iterable[AnyJob]) -> list[Target]:
        """What these name, each with its place. Raises UnknownJob, BadUsage, StateError."""
        return [
            one.target if isinstance(one, Job) else self.places.locate(records.target(number_of(one))) for one in jobs
        ]

    # --- waiting

    def wait(self, jobs: Iterable[AnyJob], timeout: float | None = None) -> dict[str, JobInfo]:
        """Wait until all of these have ended; what became of each, by its number as it was given.

        `timeout`: seconds for all of it, None: for ever. Raises WaitTimeout, UnknownJob, StateError.
        """
        with spoken():
            targets = self.targets(jobs)
            found = {one.id: info for one, info in waiting.ends(self.places, targets, timeout)}
        return {one.id: found[one.id] for one in targets}

    def as_completed(self, jobs: Iterable[AnyJob], timeout: float | None = None) -> Iterator[JobInfo]:
        """What became of each of these, as they end. `timeout`: seconds for all of it. Raises as wait() does."""
        with spoken():
            for _, info in waiting.ends(self.places, self.targets(jobs), timeout):
                yield info

    # --- output

    @spoken()
    def output_of(self, target: Target, error: bool) -> str:
        """What a job has written. Raises Refused, UnknownJob, StateError."""
        return outputs.read(self.file_of(target, error)[0])

    def file_of(self, target: Target, error: bool) -> tuple[str, int]:
        """The file of a job's output, and how often the job was requeued. Raises UnknownJob, StateError."""
        info = self.describe([target])[target.id]
        return str(info.stderr if error else info.stdout), info.restarts

    def follow(self, target: Target, error: bool) -> Iterator[str]:
        """The lines that a job writes, as they come. Raises Refused, UnknownJob, StateError."""
        with spoken():
            yield from waiting.follow(self.places, target, lambda: self.file_of(target, error), LOOK)

    # --- acting

    @spoken()
    def cancel(self, jobs: Iterable[AnyJob], signal: str | int | None = None) -> None:
        """End these (`scancel`), or send all their processes a signal (`scancel --full --signal`).

        What has ended already is left in peace. Raises Refused, UnknownJob, BadUsage for a signal that there is not.
        """
        acting.cancel(self.places, self.targets(jobs), signal)

    @spoken()
    def change(self, target: Target, verb: str, changes: Mapping[str, Any] = NOTHING) -> None:
        """What Job.hold, release, requeue, suspend, resume and update do. Raises Refused, BadUsage, UnknownJob."""
        kind, body = VERBS[verb]
        words: list[str] = []
        if verb == "update":
            read, words = updates.read(changes)
            body = {"changes": read}
        acting.change(self.places, target, verb, kind, body, words)
