"""The core's entry: events and the time go in, decisions come out. Nothing here touches the world."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from mini_slurm.scheduler import (
    attempts,
    booking,
    dependents,
    events,
    interventions,
    nodes,
    partitions,
    requests,
    reservations,
    staging,
    top,
    updates,
    yielding,
)
from mini_slurm.scheduler.cluster import Cluster
from mini_slurm.scheduler.decisions import Decision
from mini_slurm.scheduler.filing import file_jobs
from mini_slurm.scheduler.heterogeneous import follow
from mini_slurm.scheduler.priority import refresh_priorities
from mini_slurm.scheduler.scheduling import start_pending

Handler = Callable[[Cluster, Any, float], list[Decision]]

HANDLERS: dict[type[Any], Handler] = {
    events.JobSubmitted: requests.on_job_submitted,
    events.CancelRequested: requests.on_cancel_requested,
    events.ReleaseRequested: requests.on_release_requested,
    events.SignalRequested: requests.on_signal_requested,
    events.UpdateRequested: updates.on_update_requested,
    events.RequeueRequested: interventions.on_requeue_requested,
    events.SuspendRequested: interventions.on_suspend_requested,
    events.StepLimitRequested: interventions.on_step_limit_requested,
    events.NotifyRequested: interventions.on_notify_requested,
    events.TopRequested: top.on_top_requested,
    events.MeasureRequested: interventions.on_measure_requested,
    events.NodesUpdateRequested: nodes.on_nodes_update_requested,
    events.PartitionUpdateRequested: partitions.on_partition_update_requested,
    events.PartitionDeleteRequested: partitions.on_partition_delete_requested,
    events.ReservationRequested: booking.on_reservation_requested,
    events.ReservationDeleteRequested: booking.on_reservation_delete_requested,
    events.EndsRecalled: dependents.on_ends_recalled,
    events.MachineConnected: attempts.on_machine_connected,
    events.UseSeen: attempts.on_use_seen,
    events.MachineDisconnected: attempts.on_machine_disconnected,
    events.MachineLost: attempts.on_machine_lost,
    events.AttemptStarted: attempts.on_attempt_started,
    events.AttemptRefused: attempts.on_attempt_refused,
    events.AttemptEnded: attempts.on_attempt_ended,
    events.AttemptUnknown: attempts.on_attempt_unknown,
    events.OutputStored: attempts.on_output_stored,
    events.OutputFailed: attempts.on_output_failed,
    events.StageNews: staging.on_stage_news,
    events.StageFailed: staging.on_stage_failed,
}


def step(cluster: Cluster, happened: Iterable[events.Event], now: float) -> list[Decision]:
    """Apply what happened, in order, then start whatever can start. The jobs that changed are in cluster.touched."""
    decisions: list[Decision] = []
    for event in happened:
        decisions += HANDLERS[type(event)](cluster, event, now)
    decisions += reservations.settle(cluster, now)
    decisions += yielding.settle(cluster, now)
    follow(cluster, now)
    file_jobs(cluster, now)
    dependents.settle_dependencies(cluster, now)
    refresh_priorities(cluster, now)
    decisions += start_pending(cluster, now)
    follow(cluster, now)
    return decisions


def next_moment(cluster: Cluster, now: float) -> float | None:
    """When step() has something to do even if nothing happens; None: never."""
    moments = [books.paused_until for books in cluster.machines.values()]
    moments += cluster.quiet.values()
    moments += reservations.moments(cluster)
    moments += [*yielding.moments(cluster), cluster.look_again]
    moments += filter(None, [cluster.queue.next_moment(), cluster.dependency_moment])
    return min((moment for moment in moments if moment > now), default=None)
