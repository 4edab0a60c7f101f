"""Jobs' machines, as the hands know them: news of steps for the database, what they tell each other, and errands."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable

from mini_slurm.controller import trust
from mini_slurm.controller.errands import Errands
from mini_slurm.controller.fronts import Fronts, There
from mini_slurm.controller.measures import Measures
from mini_slurm.model.hostlist import compress
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.model.step import Step
from mini_slurm.protocol.messages import FrontFrame, Measured, Message, Relay, StepNews, StepNoted
from mini_slurm.scheduler.cluster import Cluster, allocation
from mini_slurm.store import database

log = logging.getLogger(__name__)


class Steps:
    """What the controller does for steps: it notes what became of them, and carries messages."""

    def __init__(
        self,
        cluster: Cluster,
        send: Callable[[str, Message], None],
        ring: Callable[[], None],
        state: str,
        there: There,
    ) -> None:
        self._cluster = cluster
        self._send = send
        self._ring = ring
        self.errands = Errands(cluster, send, state)
        self._news: list[Step] = []
        self._answers: list[tuple[str, StepNoted]] = []
        self.measures = Measures(ring)
        self.fronts = Fronts(cluster, send, there)

    def take(self, machine: str, message: Message, now: float) -> bool:
        """Is this a message about steps? Then what it says is done."""
        if isinstance(message, StepNews):
            self._note(machine, message, now)
        elif isinstance(message, Relay):
            self._relay(machine, message)
        elif isinstance(message, Measured):
            self.measures.take(machine, message)
        elif isinstance(message, FrontFrame):
            self.fronts.hear(machine, message)
        else:
            return self.errands.take(machine, message)
        return True

    def _note(self, machine: str, news: StepNews, now: float) -> None:
        job_attempt, _, tag = news.attempt.rpartition("-")
        job, step = self._cluster.job_of(job_attempt), trust.step(tag)
        if job is not None and job.node == machine and step is not None:
            part = self._part(job, step[1])
            if part is not None:
                self._news.append(_step(part, step[0], news, now))
        self._answers.append((machine, StepNoted(news.attempt, news.end_age >= 0)))
        self._ring()

    def _part(self, job: Job, offset: int) -> Job | None:
        """The part of a heterogeneous job in which a step runs; any other job is all there is of it."""
        return self._cluster.jobs.get(job.job_id + offset) if job.het_size and offset < job.het_size else job

    def persist(self, db: sqlite3.Connection) -> None:
        """Write what was noted, within the caller's transaction."""
        news, self._news = self._news, []
        database.save_steps(db, news)
        self.measures.persist(db)

    def answer(self) -> None:
        """What was noted is on disk."""
        answers, self._answers = self._answers, []
        for machine, answer in answers:
            self._send(machine, answer)

    def _relay(self, machine: str, relay: Relay) -> None:
        """Only the machines of one job's allocation can speak to each other, and those where its attempt still ends."""
        job = self._cluster.job_of(relay.attempt)
        if job is not None and relay.data and {machine, relay.node} <= self._machines(job):
            self._send(relay.node, Relay(relay.attempt, machine, relay.data))

    def _machines(self, job: Job) -> set[str]:
        """Its own, and those that it has given back where something of it may be left."""
        name, known = self._cluster.attempt_name(job), self._cluster.machines
        own = set(allocation(job))
        return own if job.resize_time is None else own | {one for one in known if name in known[one].unwanted}

    def connected(self, machine: str) -> None:
        """There is a new channel to a machine: those that speak to it hear that what was under way is lost."""
        self.errands.end(machine)
        self.fronts.connected(machine)
        for job in self._cluster.on_machine(machine):
            others = [other for other in allocation(job) if other != machine]
            for other in others:
                self._send(other, Relay(self._cluster.attempt_name(job), machine, b""))
                self._send(machine, Relay(self._cluster.attempt_name(job), other, b""))

    def disconnected(self, machine: str) -> None:
        """There is no channel to a machine any more."""
        self.fronts.disconnected(machine)


def _step(job: Job, number: int, news: StepNews, now: float) -> Step:
    """The row of a step."""
    state = JobState.__members__.get(news.state, JobState.RUNNING)
    is_over = news.end_age >= 0
    return Step(
        job_id=job.job_id,
        attempt=job.attempt,
        number=number,
        component=max(news.component, -1),
        name=trust.text(news.name),
        state=state if is_over else JobState.RUNNING,
        start_time=trust.moment(now, news.age),
        end_time=trust.moment(now, news.end_age) if is_over else None,
        exit_code=news.exit_code,
        exit_signal=news.exit_signal,
        cancelled_by=None if news.cancelled_by < 0 else news.cancelled_by,
        nodes=len(news.nodes),
        node_list=trust.text(compress(news.nodes)),
        ntasks=news.tasks,
        cpus=news.cpus,
        memory=news.memory,
        gpus=str(news.gpus) if news.gpus else "",
        time_limit=None if news.time_limit < 0 else news.time_limit,
        distribution=trust.text(news.distribution),
        submit_line=trust.text(news.submit_line),
        max_rss=news.max_rss,
        max_rss_node=trust.text(news.max_rss_node),
        max_rss_task=news.max_rss_task,
        mean_rss=news.mean_rss,
        user_seconds=news.user_seconds,
        system_seconds=news.system_seconds,
    )
