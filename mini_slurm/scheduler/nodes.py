"""What administrators change of machines: their states, reasons, features and weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mini_slurm.model.overrides import NO_OVERRIDE, NodeOverride
from mini_slurm.scheduler.books import Books
from mini_slurm.scheduler.cluster import Cluster, override
from mini_slurm.scheduler.decisions import Answer, Decision, Drop
from mini_slurm.scheduler.ending import leave, lose
from mini_slurm.scheduler.events import NodesUpdateRequested
from mini_slurm.scheduler.targets import is_operator

NOT_ADMIN = "Invalid user id"
NO_SUCH_NODE = "Invalid node name specified"
BAD_STATE = "Invalid node state specified"
BAD_GRES = "Invalid generic resource (gres) specification"
NOT_SUBSET = "Active features not subset of available features"

Transition = Callable[[Books, NodeOverride], NodeOverride | None]


def on_nodes_update_requested(cluster: Cluster, event: NodesUpdateRequested, now: float) -> list[Decision]:
    """Each machine is changed by itself; the last error is told."""
    if not is_operator(cluster, event.by):
        return [Answer(event.number, NOT_ADMIN)]
    error = ""
    decisions: list[Decision] = []
    changed = dict(cluster.overrides.nodes)
    for name in event.names:
        books = cluster.machines.get(name)
        if books is None:
            error = NO_SUCH_NODE
            break
        update = Update(books, event.changes, now)
        update.run()
        error = update.error or error
        changed[name] = update.change
        if update.change.state:
            decisions += _empty(cluster, name, now)
    kept = {name: change for name, change in changed.items() if change != NO_OVERRIDE}
    override(cluster, cluster.overrides._replace(nodes=kept))
    return [*decisions, Answer(event.number, error)]


def _empty(cluster: Cluster, name: str, now: float) -> list[Decision]:
    """The machine is down: what runs there is ended, and requeued where it may be, after a while as in Slurm."""
    decisions: list[Decision] = []
    for job in cluster.on_machine(name):
        if job.end_time is None:
            decisions += [Drop(cluster.attempt_name(job)), *leave(cluster, job)]
            lose(cluster, job, now, delay=cluster.fleet.requeue_delay)
    return decisions


class Update:
    """One machine's part of a request."""

    def __init__(self, books: Books, changes: Mapping[str, Any], now: float) -> None:
        self._books = books
        self._wish = changes
        self._now = now
        self.change = books.entry.override
        self.error = ""

    def run(self) -> None:
        """Do what is asked for as far as it can be done."""
        self._take_features()
        if "Gres" in self._wish:  # a machine has the GPUs that it has
            self.error = BAD_GRES
        for key, field in (("Weight", "weight"), ("Comment", "comment"), ("Extra", "extra")):
            if key in self._wish:
                self.change = self.change._replace(**{field: self._wish[key]})
        if not self._is_nothing_new:
            self._take_state()

    def _take_features(self) -> None:
        """Those that are active have to stay available, unless it is said which are active."""
        if "Features" not in self._wish and "ActiveFeatures" not in self._wish:
            return
        present = self._books.entry.features
        available = tuple(self._wish.get("Features", present if self.change.features is None else self.change.features))
        active = tuple(self._wish.get("ActiveFeatures", present))
        if set(active).issubset(available):
            self.change = self.change._replace(features=available, active_features=active)
        else:
            self.error = NOT_SUBSET

    @property
    def _is_nothing_new(self) -> bool:
        state, reason = self._wish.get("State"), self._wish.get("Reason", "")
        is_down = state == "DOWN" and _is_down(self._books)
        is_same = state in (None, *self.change.flags) or (state == "FUTURE" and self.change.is_future) or is_down
        return is_same and reason == self.change.reason

    def _take_state(self) -> None:
        if self._wish.get("Reason"):
            by = {"reason_time": self._now, "reason_uid": self._wish["Uid"]}
            self.change = self.change._replace(reason=self._wish["Reason"], **by)
        state = self._wish.get("State")
        if state is not None:
            changed = TRANSITIONS[state](self._books, self.change) if state in TRANSITIONS else None
            self.error = BAD_STATE if changed is None else self.error
            self.change = changed or self.change
        if not self.change.is_closed or (state == "FUTURE" and not self.error):
            self.change = self.change._replace(reason="", reason_time=0.0, reason_uid=None)


def _is_down(books: Books) -> bool:
    order = books.entry.override
    return order.state == "DOWN" or not (books.is_up or order.is_future)


def _flag(flag: str) -> Transition:
    return lambda books, change: change._replace(flags=(flag,))


def _down(books: Books, change: NodeOverride) -> NodeOverride:
    return change._replace(state="DOWN")


def _future(books: Books, change: NodeOverride) -> NodeOverride | None:
    """The machine is as if it were not there yet; what has jobs is there."""
    if not _is_down(books) and books.jobs:
        return None
    return change._replace(state="FUTURE", flags=())


def _resume(books: Books, change: NodeOverride) -> NodeOverride | None:
    if not (_is_down(books) or change.is_closed):
        return None
    return change._replace(state="", flags=())


def _undrain(books: Books, change: NodeOverride) -> NodeOverride:
    return change._replace(flags=tuple(flag for flag in change.flags if flag != "DRAIN"))


def _idle(books: Books, change: NodeOverride) -> NodeOverride | None:
    if change.is_future or (not _is_down(books) and books.jobs):
        return None
    return change._replace(state="", flags=())


# From which states a machine can be brought into which, as in Slurm; what is not here never can be asked for.
TRANSITIONS: dict[str, Transition] = {
    "DRAIN": _flag("DRAIN"),
    "FAIL": _flag("FAIL"),
    "DOWN": _down,
    "FUTURE": _future,
    "RESUME": _resume,
    "UNDRAIN": _undrain,
    "IDLE": _idle,
}
