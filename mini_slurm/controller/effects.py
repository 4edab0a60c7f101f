"""The hands: the only place where decisions meet the world. Each may be performed twice."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterable
from functools import lru_cache

from mini_slurm.controller.folders import Unread
from mini_slurm.controller.machines import MachineHand
from mini_slurm.controller.outputs import Outputs
from mini_slurm.controller.staging import Staging
from mini_slurm.controller.steps import Steps
from mini_slurm.model.environment import batch_environment, fixed, het_environment
from mini_slurm.model.fleet import ENDLESS
from mini_slurm.model.job import Job
from mini_slurm.model.oversubscription import rows
from mini_slurm.model.patterns import input_path
from mini_slurm.model.states import JobState
from mini_slurm.model.warning import parse_warning
from mini_slurm.protocol import messages
from mini_slurm.protocol.messages import Message
from mini_slurm.scheduler.cluster import Cluster, allocation
from mini_slurm.scheduler.decisions import (
    Answer,
    Decision,
    Drop,
    End,
    Forget,
    Hold,
    Limit,
    Measure,
    Notify,
    Resume,
    Shrink,
    Signal,
    Start,
    Suspend,
)
from mini_slurm.scheduler.events import Event, OutputFailed, OutputStored, StageFailed
from mini_slurm.scheduler.heterogeneous import parts
from mini_slurm.store import database

log = logging.getLogger(__name__)

FOLDER_PATIENCE = 2.0  # seconds after its submission in which the folder of a job's output may still be made
FOLDER_PAUSE = 0.1  # seconds between two looks for it
READER_PAUSE = 0.5  # seconds until a FIFO for output is tried again that nobody reads
RESUME_PAUSE = 5.0  # seconds until output files that could not be found again are tried again


class Hands:
    """Performs decisions with the machines' channels and the output files."""

    def __init__(
        self,
        db: sqlite3.Connection,
        cluster: Cluster,
        outputs: Outputs,
        post: Callable[[Event], None],
        ring: Callable[[], None],
        state: str,
    ) -> None:
        self._db = db
        self._cluster = cluster
        self._outputs = outputs
        self._post = post
        self._ring = ring
        self._late: list[tuple[Job, int]] = []  # and their attempts: the folders of their output are looked for again
        self.machines: dict[str, MachineHand] = {}
        self.staging = Staging(state, cluster, self.machines, post, ring, self._not_staged, outputs.say)
        self.steps = Steps(cluster, self._send, ring, state, self.staging.there_now)
        self._content = lru_cache(maxsize=64)(lambda digest: database.content(db, digest))
        self._variables = lru_cache(maxsize=64)(lambda digest: json.loads(self._content(digest)))
        self._parsed = lru_cache(maxsize=256)(json.loads)  # the tasks of an array say the same

    def perform(self, decisions: Iterable[Decision]) -> None:
        """Act. What comes of it is posted as events."""
        self.steps.answer()
        starts = self._late_starts()
        self.steps.fronts.look()
        for decision in [*self.staging.due(), *decisions]:
            if isinstance(decision, Start | Hold) and self.staging.keeps(decision):
                continue
            if isinstance(decision, Start):
                starts.append(decision)
            elif isinstance(decision, Hold):
                self._send(decision.machine, self._start_message(decision.job, decision.machine))
            elif isinstance(decision, Resume):
                self._resume(decision.job)
            elif isinstance(decision, Drop):
                self._drop(decision.attempt)
            elif not isinstance(decision, Answer):  # that is stored already
                if isinstance(decision, Forget) and not self._is_elsewhere(decision):
                    self._drop(decision.attempt)
                if isinstance(decision, Measure):
                    self.steps.measures.expect(decision.request, decision.machine)
                self._send(decision.machine, self._order(decision))
        self._start_all(starts)

    def _is_elsewhere(self, decision: Forget) -> bool:
        """Is it another machine of a job whose output and results are still on their way from its batch host?"""
        job = self._cluster.job_of(decision.attempt)
        return job is not None and job.state.holds_resources and decision.machine != job.node

    def _drop(self, attempt: str) -> None:
        self._outputs.drop(attempt)
        self.staging.drop(attempt)

    def _not_staged(self, job: Job, why: str) -> None:
        """The job fails before its start: that stands in its error output, too."""
        attempt = self._cluster.attempt_name(job)
        if self._open(job, opening=False):
            self._outputs.say(attempt, f"mini_slurm: error: {why}")
            self._outputs.drop(attempt)
        self._post(StageFailed(attempt, why))

    def _order(self, decision: Signal | Limit | Suspend | Shrink | Notify | End | Forget | Measure) -> Message:
        """What a machine is told about an attempt there."""
        if isinstance(decision, Signal) and decision.step is not None:
            return messages.CancelStep(_step_name(decision), decision.signal, decision.uid)
        if isinstance(decision, Limit) and decision.step is not None:
            return messages.LimitStep(_step_name(decision), decision.seconds)
        if isinstance(decision, Signal):
            return messages.SignalAttempt(decision.attempt, decision.signal, decision.whole, decision.to_steps)
        if isinstance(decision, Limit):
            job = self._cluster.job_of(decision.attempt)
            over = 0 if job is None or decision.seconds is None else self._over_time(job)
            seconds = None if decision.seconds is None else decision.seconds + over
            return messages.LimitAttempt(decision.attempt, seconds)
        if isinstance(decision, Suspend):
            return messages.SuspendAttempt(decision.attempt, decision.resume, decision.lends)
        if isinstance(decision, Shrink):
            return messages.ShrinkAttempt(decision.attempt, list(decision.machines))
        if isinstance(decision, Measure):
            return messages.Measure(decision.attempt, decision.request)
        if isinstance(decision, Notify):
            return messages.NotifyAttempt(decision.attempt, decision.text)
        if isinstance(decision, End):
            return messages.EndAttempt(decision.attempt, self._cluster.fleet.kill_wait, decision.why)
        return messages.Forget(decision.attempt)

    def _shares_cpus(self, job: Job) -> bool:
        partition = self._cluster.fleet.partitions.get(job.partition)
        return partition is not None and rows(job, partition) > 0

    def _over_time(self, job: Job) -> int:
        """Seconds that a job may go on after its time limit, as its partition or the fleet says; 0 with a deadline."""
        fleet = self._cluster.fleet
        partition = fleet.partitions.get(job.partition)
        own = None if partition is None else partition.over_time_limit
        seconds = fleet.over_time_limit if own is None else own
        return 0 if job.deadline is not None else ENDLESS if seconds is None else seconds

    def announce(self, jobs: Iterable[Job]) -> None:
        """Tell who waits for them that these jobs have changed."""
        self.steps.fronts.watchers.tell(jobs)

    def persist(self, db: sqlite3.Connection) -> None:
        """What the hands must remember: how far output has come, and what became of steps."""
        self._outputs.persist(db)
        self.steps.persist(db)

    def _send(self, machine: str, message: Message) -> None:
        hand = self.machines.get(machine)
        if hand is not None:
            hand.send(message)

    def _start_all(self, starts: list[Start]) -> None:
        """Files first: an attempt whose output has no place to go is not started at all."""
        ready = [start for start in starts if self._open(start.job, opening=True)]
        if self._outputs.has_news:
            with database.transaction(self._db):
                self._outputs.persist(self._db)
        for start in ready:
            self._send(start.job.node or "", self._start_message(start.job, start.job.node or ""))

    def _late_starts(self) -> list[Start]:
        """What is still to be started of that whose output had no folder: it may be named after the job."""
        late, self._late = self._late, []
        return [Start(job) for job, attempt in late if job.attempt == attempt and self._is_to_start(job)]

    def _is_to_start(self, job: Job) -> bool:
        return job.job_id in self._cluster.jobs and job.state is JobState.CONFIGURING and job.outcome is None

    def _open(self, job: Job, *, opening: bool) -> bool:
        if not job.is_batch:
            return True  # what its steps write goes to srun
        attempt = self._cluster.attempt_name(job)
        machine = job.node or ""
        try:
            self._outputs.open(attempt, job, self._content(job.script), lambda reply: self._send(machine, reply))
        except OSError as error:
            if opening and isinstance(error, FileNotFoundError) and time.time() < job.submit_time + FOLDER_PATIENCE:
                self._open_later(job, FOLDER_PAUSE)
                return False
            why = f"cannot open output file {error.filename}: {error.strerror}"
            if opening and isinstance(error, Unread):  # as in Slurm the job waits for who is to read it
                self._open_later(job, READER_PAUSE)
                opening = False
            else:
                log.warning("job %s: %s", job.display_id, why)
            self._post(OutputFailed(attempt, opening, why))
            return False
        return True

    def _open_later(self, job: Job, pause: float) -> None:
        self._late.append((job, job.attempt))
        asyncio.get_running_loop().call_later(pause, self._ring)

    def _resume(self, job: Job) -> None:
        """The machine has answered again: find the attempt's files, and have the rest of its output sent."""
        if not job.is_batch:  # whoever it is for has its output, but not what it left in its folder
            if job.end_time is not None:
                self.staging.pass_on(OutputStored(self._cluster.attempt_name(job)))
            return
        if self._open(job, opening=False):
            self._outputs.greet(self._cluster.attempt_name(job))
        else:
            asyncio.get_running_loop().call_later(RESUME_PAUSE, self._resume_later, job, job.attempt)

    def _resume_later(self, job: Job, attempt: int) -> None:
        if job.attempt == attempt and job.job_id in self._cluster.jobs:
            self._resume(job)

    def _batch_variables(self, job: Job, gpus: int) -> dict[str, str]:
        fleet = self._cluster.fleet
        aliases = fleet.node_aliases(allocation(job)) if fleet.node_names == "address" else ""
        return batch_environment(job, cluster=fleet.name, gpus_on_node=gpus, aliases=aliases)

    def _start_message(self, job: Job, machine: str) -> messages.StartAttempt:
        fleet, total = self._cluster.fleet, self._cluster.machines[machine].total
        mine = allocation(job)[machine].resources
        is_first = machine == job.node
        is_batch = is_first and job.is_batch
        over, warning = self._over_time(job), parse_warning(job.signal)
        variables = self._batch_variables(job, mine.visible_gpus) if is_batch else {}
        if is_batch and job.het_size:
            variables |= het_environment(parts(self._cluster, job), fleet.name)
        return messages.StartAttempt(
            attempt=self._cluster.attempt_name(job),
            title=str(job.job_id),
            node=machine,
            cpus=mine.cpus,
            total_cpus=total.cpus,
            shares_cpus=self._shares_cpus(job),
            memory=mine.memory,
            constrain_memory=fleet.constrain_memory,
            total_memory=total.memory,
            gpus=dict(mine.gpus),
            shares=[(slot.type, amount, slot.size) for slot, amount in mine.shares.items()],
            arguments=self._parsed(job.arguments),
            environment={**self._variables(job.environment), **variables} if is_batch else {},
            fixed=fixed(job),
            work_dir=self.staging.there(job, machine, job.work_dir),
            umask=job.umask,
            limits=self._parsed(job.limits),
            streams=self._outputs.mode(self._cluster.attempt_name(job)) if is_batch else "merged",
            targets=self._outputs.marks(self._cluster.attempt_name(job)) if is_batch else {},
            std_in=self.staging.there(job, machine, input_path(job)) if job.std_in else input_path(job),
            time_limit=job.time_limit + over if is_first and job.time_limit is not None else None,
            kill_wait=fleet.kill_wait,
            role="batch" if is_batch else "allocation" if is_first else "member",
            allocation=self._parsed(job.het_allocation or job.allocation),
            warning=list(warning._replace(before=warning.before + over)) if is_first and warning else [],
            data=self._content(job.script) if is_batch else b"",
        )


def _step_name(decision: Signal | Limit) -> str:
    """As the agents know the step that is meant."""
    tag = f"{decision.step}_{decision.part}" if decision.part else str(decision.step)
    return f"{decision.attempt}-{tag}"
