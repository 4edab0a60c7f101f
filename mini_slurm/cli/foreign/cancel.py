"""mscancel, where a job is on a cluster."""

from __future__ import annotations

import os
from typing import NamedTuple

from mini_slurm.cli import cancel_request, common
from mini_slurm.cli.cancel_request import FILTERS
from mini_slurm.cli.cancel_targets import Target, agreed
from mini_slurm.cli.foreign import hand_over
from mini_slurm.cli.foreign.noting import note
from mini_slurm.clusters import words as command_line
from mini_slurm.clusters.base import Goal
from mini_slurm.desk import places
from mini_slurm.desk.foreign.place import Place
from mini_slurm.errors import MiniSlurmError, Refused
from mini_slurm.options import scancel
from mini_slurm.options.job_ids import JobId
from mini_slurm.options.listings import Chosen
from mini_slurm.store import foreign
from mini_slurm.store.queries import Where, exists_unfinished

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.model.foreign import ForeignJob

TABLE = (*scancel.OPTIONS, common.FLEET)


class Wish(NamedTuple):
    """What mscancel is asked for."""

    program: str
    arguments: list[str]
    chosen: Chosen
    ids: list[JobId]


def cancel(wish: Wish, state: str, db: sqlite3.Connection) -> tuple[list[JobId] | None, int]:
    """Cancel what is on clusters: the ids that are left for the fleet, None: nothing is; and the exit status so far."""
    there = places.survey(db)
    names = places.named(wish.program, wish.chosen.text("clusters"), db, warn=common.say)
    code = 0
    for name in names:
        if name in there.clusters:
            code = max(code, _cancel_there(wish, Place(state, db, there.clusters[name])))
    if names:
        return (wish.ids if there.fleet in names else None), code
    found = _search(wish, db)
    for name in {job.cluster for job in found if job.cluster in there.clusters}:
        goals = _goals(wish, [job for job in found if job.cluster == name])
        code = max(code, _end(wish, Place(state, db, there.clusters[name]), goals))
    numbers = {number for job in found for number in (job.job_id, job.array_job_id)}
    return [one for one in wish.ids if one.number not in numbers], code


def _cancel_there(wish: Wish, place: Place) -> int:
    """-M: the cluster's own command does it; where it is not Slurm's, we know what the words and filters mean."""
    if place.cluster.native:
        return hand_over.run(place, "scancel", wish.arguments, TABLE)
    contact = place.refresh(everybody=True)
    where = _conditions(wish)
    where.add("cluster = ?", place.entry.name)
    goals = _goals(wish, foreign.select(place.db, where))
    if contact.fault and not goals:  # it is not known that there is nothing to end
        raise MiniSlurmError(contact.fault)
    return _end(wish, place, goals)


def _conditions(wish: Wish) -> Where:
    where = cancel_request.conditions(wish.program, wish.chosen)
    if wish.ids:
        where.jobs({one.number for one in wish.ids})
    return where


def _search(wish: Wish, db: sqlite3.Connection) -> list[ForeignJob]:
    """The jobs from here that are meant. Raises Refused where a number has two jobs."""
    where = _conditions(wish)
    where.add("ours")
    found = foreign.select(db, where)
    for number in {one.number for one in wish.ids}:
        mine = {job.cluster for job in found if number in (job.job_id, job.array_job_id)}
        if mine and (len(mine) > 1 or exists_unfinished(db, number)):
            raise Refused(
                f"there is more than one job {number}: on {', '.join(sorted(mine))}"
                + (" and in the fleet" if exists_unfinished(db, number) else ""),
                hint="say which one is meant with -M NAME",
            )
    return found


def _goals(wish: Wish, jobs: list[ForeignJob]) -> list[Goal]:
    filtered = any(field in wish.chosen for field in FILTERS)
    if not wish.ids:
        return [Goal(job) for job in jobs]
    goals = []
    for one in wish.ids:
        mine = [job for job in jobs if one.number in (job.job_id, job.array_job_id)]
        if one.tasks is not None:
            goals += [Goal(job, one.tasks, text=one.text) for job in mine[:1]]
        elif mine and not filtered and mine[0].array_job_id == one.number:
            goals.append(Goal(mine[0], whole=True, text=one.text))
        else:
            goals += [Goal(job, text="" if job.array_job_id else one.text) for job in mine]
    return goals


def _end(wish: Wish, place: Place, goals: list[Goal]) -> int:
    if "interactive" in wish.chosen:
        goals = [goal for goal in goals if agreed(Target(goal.job))]
    if not goals:
        return 0
    signal = wish.chosen.text("signal")
    pieces, _ = command_line.split(wish.arguments, TABLE, permute=True)
    options = [piece for piece in pieces if piece.settings]
    kept = command_line.without(options, (*FILTERS, "interactive", *hand_over.OURS))
    if signal is None:
        note(place.db, goals, {"cancelled_by": os.getuid()})  # before: their ends may be seen at once
    code = hand_over.pass_on(place, [place.cluster.cancel(goals, signal, kept)])
    if code and signal is None and len(goals) == 1:  # of several, some were ended
        note(place.db, goals, {"cancelled_by": None})
    return code
