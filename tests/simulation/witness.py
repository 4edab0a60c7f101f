"""A simulation that also looks at what users are told, and at what a controller finds that reads the store anew."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from functools import cache

import pytest

from mini_slurm.cli import common, forecast
from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.changed_fleet import from_text, to_text
from mini_slurm.model.dependencies import ALL, SINGLETON, Dependencies, Dependency
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.model.resources import format_gpus
from mini_slurm.model.states import JobState
from mini_slurm.scheduler import events
from mini_slurm.scheduler.cluster import Cluster, occupies
from mini_slurm.scheduler.heterogeneous import parts
from mini_slurm.scheduler.plan import Planned, plan
from mini_slurm.scheduler.quotas import amounts
from mini_slurm.scheduler.scopes import JOB, scopes
from mini_slurm.scheduler.why import explain
from mini_slurm.store import database, schema
from tests.simulation.promises import LIVE, NEVER, Watched
from tests.simulation.reasons import lies

USERS = {1000: "ann", 1001: "ben"}


@cache
def _database() -> sqlite3.Connection:
    """An empty one, in memory; to make it costs more than to use it."""
    db = sqlite3.connect(":memory:", isolation_level=None)
    schema.upgrade(db)
    return db


class Witness(Watched):
    """Machines may refuse what they are sent, too."""

    def watch(self) -> None:
        super().watch()
        self.conditions: dict[int, Dependencies] = {}  # job or array -> what it was said to wait for
        self.refusing: set[str] = set()  # machines that say no to the next attempt

    # --- what machines do

    def _start(self, job: Job) -> None:
        if not self._refuse(job, job.node or ""):
            super()._start(job)

    def _hold(self, job: Job, machine: str) -> None:
        if not self._refuse(job, machine):
            super()._hold(job, machine)

    def _refuse(self, job: Job, machine: str) -> bool:
        attempt = self.cluster.attempt_name(job)
        if machine not in self.refusing or machine not in self.connected or attempt in self.running[machine]:
            return False
        self.refusing.discard(machine)
        is_busy = job.job_id % 2 == 0
        self.plan(self.now, lambda: self._say(machine, events.AttemptRefused(machine, attempt, "no", is_busy)))
        return True

    # --- what has to be true of each start

    def _look_at_start(self, job: Job) -> None:
        super()._look_at_start(job)
        conditions = self.conditions.get(job.array_job_id or job.job_id)
        if conditions is not None and conditions.each and not job.restarts:
            met = [self._is_met(one, job) for one in conditions.each]
            assert any(met) if conditions.any_of else all(met), (job.display_id, conditions)
        for part in parts(self.cluster, job) if job.het_size else [job]:
            self._keeps_within_limits(part)

    def _is_met(self, one: Dependency, job: Job) -> bool:
        everybody = {**self.done, **self.cluster.jobs}.values()
        if one.kind == SINGLETON:
            others = [
                other for other in everybody
                if (other.uid, other.name) == (job.uid, job.name) and other.job_id < job.job_id and not other.restarts
            ]  # fmt: skip
            return not any(other.state in LIVE for other in others if other.array_job_id != (job.array_job_id or 0))
        whole = one.task in (None, ALL)
        targets = [other for other in everybody if one.job_id in (other.job_id, other.array_job_id)]
        targets = [other for other in targets if whole or other.array_task_id == one.task]
        if any(other.restarts for other in targets):
            return True
        if one.kind == "after":
            begun = [other.start_time for other in targets if other.start_time is not None]
            return all(self.now >= moment + 60 * one.minutes for moment in begun)
        dropped = any(number == one.job_id and (whole or task == one.task) for number, task in self.dropped)
        if not targets and not dropped:
            return True  # nobody knows such a job
        ended = all(other.state.is_over for other in targets)
        well = all(other.state is JobState.COMPLETED for other in targets) and not dropped
        return ended and {"afterok": well, "afternotok": not well}.get(one.kind, True)

    def _keeps_within_limits(self, job: Job) -> None:
        fleet = self.cluster.fleet
        holders = [one for one in self.cluster.jobs.values() if occupies(one)]
        for scope in scopes(job, fleet):
            counted = [one for one in holders if scope.key in {other.key for other in scopes(one, fleet)}]
            counted = [job] if scope.kind == JOB else counted  # a job by itself counts with no other
            assert scope.jobs is None or len(counted) <= scope.jobs, scope
            shares = [parse_allocation(one.allocation) for one in counted]
            used = sum(map(Counter, map(amounts, shares)), Counter())
            used["nodes"] = len({name for share in shares for name in share})
            assert all(used[name] <= most for name, most in scope.tres.items()), (scope, used)

    # --- another controller

    def restart(self) -> None:
        """It reads from the store what there is, which is what there was."""
        before = {number: database.job_row(job) for number, job in self.cluster.jobs.items()}
        loaded = {job.job_id: job for job in database.load_jobs(self._store())}
        assert {number: database.job_row(job) for number, job in loaded.items()} == before
        assert from_text(to_text(self.cluster.overrides)) == self.cluster.overrides
        self.cluster.jobs = loaded
        holding = {job.job_id: (job.attempt, job.allocation) for job in loaded.values() if occupies(job)}
        super().restart()
        for number, (attempt, allocation) in holding.items():
            job = self.cluster.jobs.get(number)
            if job is not None and job.node is not None and job.attempt == attempt:
                assert job.allocation == allocation

    def _store(self) -> sqlite3.Connection:
        """A database with what the controller has stored."""
        db = _database()
        with database.transaction(db):
            db.execute("DELETE FROM job")
            db.execute("DELETE FROM machine")
            database.save_jobs(db, self.cluster.jobs.values())
            for name, books in self.cluster.machines.items():
                total = books.total
                database.save_machine(
                    db,
                    Machine(
                        name=name, state="UP" if books.is_up else "SILENT", cpus=total.cpus, memory=total.memory,
                        gpus=format_gpus(total.gpus), boot_id=books.boot_id, blocked_gpus=format_gpus(books.blocked),
                        gpu_details=json.dumps(
                            [{"type": kind, "memory": size.memory} for kind, size in total.sizes.items()]
                        ),
                    ),
                )  # fmt: skip
        return db

    # --- what users are told

    def listen(self) -> None:
        """msqueue, msqueue --why and msqueue --start, as commands work them out from the store."""
        told = [lie for job in self.cluster.jobs.values() for lie in lies(self.cluster, job, self.now)]
        assert not told, told
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(common, "fleet", lambda db: self.cluster.fleet)
            self._look_at_forecast(forecast.as_stored(Job(), self._store()))

    def _look_at_forecast(self, cluster: Cluster) -> None:
        waiting = [number for number, job in cluster.jobs.items() if job.state is JobState.PENDING]
        expected = plan(cluster, self.now, waiting)
        for job in cluster.jobs.values():
            lines = explain(cluster, job, self.now, _moment, {})
            assert lines and all(line.strip() for line in lines), lines
            if job.state is JobState.PENDING:
                assert job.reason in lines[0]
        for number, one in expected.items():
            self._is_possible(cluster, cluster.jobs[number], one)
            assert plan(cluster, self.now, [number]).get(number) == one  # whoever asks, and for whatever

    def _is_possible(self, cluster: Cluster, job: Job, one: Planned) -> None:
        assert self.now <= one.begin < NEVER and one.machines
        partitions = [cluster.fleet.partitions[name] for name in job.partition.split(",")]
        assert any(set(one.machines) <= set(partition.machines) for partition in partitions)
        assert len(set(one.machines)) == len(one.machines) >= max(job.nodes, 1)
        assert all(cluster.machines[name].is_open for name in one.machines)
        assert job.max_nodes is None or len(one.machines) <= job.max_nodes


def _moment(moment: float) -> str:
    """As listings write it, which has to be a moment that there is."""
    assert 0 <= moment < NEVER
    return f"T+{int(moment)}"
