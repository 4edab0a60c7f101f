"""One run of the controller: loop, hands and machines put together, and the fleet file watched."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping, Sequence

from mini_slurm.clusters.detect import detect
from mini_slurm.config.cache import OVERRIDES, load_file
from mini_slurm.config.paths import fleet_file, jobs_folder
from mini_slurm.controller import attendance
from mini_slurm.controller.couriers import Couriers
from mini_slurm.controller.decoding import recall
from mini_slurm.controller.effects import Hands
from mini_slurm.controller.loop import Loop
from mini_slurm.controller.machines import MachineHand
from mini_slurm.controller.outputs import Outputs
from mini_slurm.controller.watch import Watch
from mini_slurm.errors import FleetError
from mini_slurm.links import make_link
from mini_slurm.model.changed_fleet import from_text
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.fleet import Fleet
from mini_slurm.model.machine import Machine
from mini_slurm.protocol import messages
from mini_slurm.scheduler.cluster import allocation, make_cluster, set_fleet
from mini_slurm.scheduler.events import MachineLost
from mini_slurm.store import database, queries

END_TRIES, END_PATIENCE = 3, 5.0  # cancellations of a task that does not end, seconds from one to the next
REMEMBERED = 10  # half-lives: what was used earlier counts less than a thousandth

log = logging.getLogger(__name__)


class Session:
    """Everything that lives as long as the controller does."""

    def __init__(self, state: str) -> None:
        self._db = database.open_database(state)
        self._signature = self._fleet_signature()
        fleet = self._load_fleet()
        self._known = database.load_machines(self._db)
        state_id = database.get_setting(self._db, "state_id") or ""
        jobs = database.load_jobs(self._db)
        overrides = from_text(database.get_setting(self._db, OVERRIDES))
        self._cluster = make_cluster(fleet, state_id, jobs, self._known, os.getuid(), overrides)
        self._recall_usage(fleet)
        self._loop = Loop(self._db, self._cluster, time.time)
        self._outputs = Outputs(self._db, jobs_folder(state, fleet), lambda event: self._hands.staging.pass_on(event))
        self._hands = Hands(self._db, self._cluster, self._outputs, self._loop.post, self._loop.ring, state)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._watch = Watch(state, self._db, self._clusters)
        self._watch.start()
        self._couriers = Couriers(self._db, self._loop.alone, self._clusters, lambda: self._cluster.fleet.ssh_config)
        running = asyncio.get_running_loop()
        self._own_tasks = [
            running.create_task(self._outputs.run()),
            running.create_task(self._hands.steps.fronts.serve(state)),
            running.create_task(attendance.watch(state, self._cluster, self._loop.post)),
        ]
        self._busy_until = time.monotonic() + fleet.controller_idle
        self._add_machines(fleet)
        for event in recall(self._db, jobs):
            self._loop.post(event)
        for name in {name for job in self._cluster.jobs.values() for name in allocation(job)} - set(fleet.machines):
            self._loop.post(MachineLost(name))
        self._loop.ring()

    def _recall_usage(self, fleet: Fleet) -> None:
        """What was used before: it decides who goes first, where there are accounts."""
        if fleet.accounts and fleet.priority.fair_share:
            now, half_life = time.time(), fleet.priority.half_life
            for run in queries.runs(self._db, now - REMEMBERED * half_life if half_life else 0.0):
                self._cluster.usage.add(run, fleet, now)

    def _load_fleet(self) -> Fleet:
        return load_file(
            lambda key: database.get_setting(self._db, key),
            lambda key, value: database.set_setting(self._db, key, value),
            self._fleet_path(),
        )

    def _fleet_path(self) -> str:
        """The fleet file of the last submission, else the one of whoever started this controller; "": none."""
        chosen = database.get_setting(self._db, database.FLEET_FILE)
        return fleet_file() or "" if chosen is None else chosen

    def _fleet_signature(self) -> tuple[object, ...]:
        """What tells that another fleet file counts, or that it was changed."""
        try:
            path = self._fleet_path()
            if not path:
                return ()
            status = os.stat(path)
        except (OSError, FleetError):
            return ("unreadable",)
        return (path, status.st_mtime_ns, status.st_size, status.st_ino)

    def ring(self) -> None:
        """There may be something to do."""
        self._loop.ring()

    async def turn(self) -> None:
        """Wait until there is something to do, and do it. Raises StateError."""
        await self._loop.sleep()
        self._follow_fleet()
        self._couriers.look()
        await self._loop.turn(self._hands)
        _raise_if_failed(*self._own_tasks, *self._tasks.values(), *self._hands.staging.tasks)
        if not self._loop.is_idle:
            self._busy_until = time.monotonic() + self._cluster.fleet.controller_idle

    @property
    def is_idle_for_long(self) -> bool:
        """Has there been nothing to do for the fleet's controller_idle?"""
        if not self._loop.is_idle or time.monotonic() <= self._busy_until:
            return False
        return not self._watch.is_needed and not self._couriers.is_busy and not self._loop.notices.is_busy

    def _clusters(self) -> Mapping[str, ClusterEntry]:
        """The clusters there are; without a fleet file, what PATH leads to."""
        fleet = self._cluster.file
        if fleet.path:
            return fleet.clusters
        found = detect()
        return {} if found is None else {found.name: found}

    @property
    def has_requests(self) -> bool:
        """Is there a request, or a call, that nobody has looked at?"""
        return self._couriers.is_busy or self._db.execute("SELECT 1 FROM request LIMIT 1").fetchone() is not None

    def _follow_fleet(self) -> None:
        """Take a changed fleet file; one that is wrong changes nothing."""
        signature = self._fleet_signature()
        if signature == self._signature:
            return
        self._signature = signature
        try:
            fleet = self._load_fleet()
        except FleetError as error:
            log.error("the changed fleet file is not used: %s", error)
            return
        before = self._cluster.file.machines
        gone = set(before) - set(fleet.machines)
        changed = {name for name, entry in fleet.machines.items() if name in before and before[name] != entry}
        set_fleet(self._cluster, fleet)
        for name in gone | changed:
            self._tasks.pop(name).cancel()
            del self._hands.machines[name]
        for name in gone:
            self._loop.post(MachineLost(name))
        self._add_machines(fleet)

    def _add_machines(self, fleet: Fleet) -> None:
        for name, entry in fleet.machines.items():
            if name in self._tasks:
                self._hands.machines[name].watch(_watch(fleet))
                continue
            hand = MachineHand(
                self._known.get(name) or Machine(name=name),
                make_link(entry, ssh_config=fleet.ssh_config),
                self._cluster.state_id,
                self._loop,
                self._outputs,
                self._hands.steps,
                time.time,
                fleet.node_timeout,
                _watch(fleet),
            )
            self._hands.machines[name] = hand
            self._tasks[name] = asyncio.get_running_loop().create_task(hand.run())

    async def close(self) -> None:
        """End all channels; what runs on the machines goes on."""
        self._watch.close()
        await self._couriers.close()
        await self._loop.notices.close()
        tasks = [*self._own_tasks, *self._tasks.values(), *self._hands.steps.errands.tasks]
        await end_all([*tasks, *self._hands.staging.tasks])
        self._hands.staging.close()
        self._db.close()


async def end_all(tasks: Sequence[asyncio.Task[None]], patience: float = END_PATIENCE) -> None:
    """Cancel these tasks and see them end; `patience`: seconds until one is cancelled anew, and finally left alone.

    One cancellation is not enough where a library, in the middle of connecting, takes it for its own.
    """
    left = set(tasks)
    for _ in range(END_TRIES):
        for task in left:
            task.cancel()
        if left:
            _, left = await asyncio.wait(left, timeout=patience)
    for task in set(tasks) - left:
        if not task.cancelled():
            task.exception()  # it has been looked at


def _watch(fleet: Fleet) -> messages.Watch:
    """How machines are to look at their use by others."""
    idle_after = float(fleet.idle_gpus_after or 0)
    return messages.Watch(fleet.watch_interval, fleet.foreign_gpu_memory, list(fleet.foreign_ignore), idle_after)


def _raise_if_failed(*tasks: asyncio.Task[None]) -> None:
    """A task that died takes the controller with it: the next one begins from what is on disk."""
    for task in tasks:
        if task.done() and not task.cancelled():
            task.result()
