"""mscontrol, where a job is on a cluster."""

from __future__ import annotations

from contextlib import suppress

from mini_slurm.cli import common
from mini_slurm.cli.control.asking import without_prefix
from mini_slurm.cli.control.verbs import ENTITIES, VERBS, find
from mini_slurm.cli.foreign.hand_over import pass_on
from mini_slurm.cli.foreign.noting import changes, note
from mini_slurm.clusters.base import Call, Goal
from mini_slurm.desk import places
from mini_slurm.desk.foreign.place import Place, status
from mini_slurm.errors import Refused
from mini_slurm.options import job_ids
from mini_slurm.options.job_ids import JobId
from mini_slurm.output import job_record
from mini_slurm.store import foreign, queries
from mini_slurm.store.queries import Where
from mini_slurm.store.schema import UNFINISHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session
    from mini_slurm.model.foreign import ForeignJob

SHOWN = frozenset({"jobs", "jobid", "steps"})
PARTITIONS = frozenset({"partitions", "partitionname"})
NOWHERE = frozenset({"hostnames", "hostlist", "hostlistsorted"})  # what is shown without asking anybody
SITE = frozenset({"nodes", *PARTITIONS})
ACTED_UPON = frozenset({"hold", "uhold", "holdu", "release", "requeue", "requeuehold", "suspend", "resume", "top"})
FLAGS = (("details", "--details"), ("oneliner", "--oneliner"), ("all", "--all"), ("quiet", "--quiet"))
UNKNOWN = "slurm_load_jobs error: Invalid job id specified"


def elsewhere(session: Session, words: list[str]) -> bool:
    """Do what a line asks for where the job that it names is on a cluster; False: it is the fleet's to do.

    Raises MiniSlurmError.
    """
    if len(words) > 1 and _is_shown(words, NOWHERE):
        return False
    ids = _named(words)
    owners = {_owner(session, one.number) for one in ids}
    if session.place is None and owners <= {""}:
        return False
    if session.place is None and len(owners) > 1:
        raise Refused("these jobs are in several places", hint="name the jobs of one place at a time")
    if session.place is not None:
        place = session.place
    else:
        found = _place(session, owners.pop())
        if found is None:
            return False
        place = found
    if place.cluster.native:
        _pass_on(session, place, words, ids)
    else:
        _translate(session, place, words, ids)
    return True


def _is_shown(words: list[str], names: frozenset[str]) -> bool:
    """Is this `show` of one of these?"""
    verb = find(words[0], VERBS)
    entity = find(words[1], ENTITIES) if len(words) > 1 else None
    return verb is not None and verb.name == "show" and entity is not None and entity.name in names


def _named(words: list[str]) -> list[JobId]:
    """The jobs that a line names."""
    verb = find(words[0], VERBS)
    texts: list[str] = []
    if verb is not None and verb.name == "show" and len(words) > 2:
        entity = find(words[1], ENTITIES)
        texts = words[2:3] if entity is not None and entity.name in SHOWN else []
    elif verb is not None and verb.name in ACTED_UPON:
        texts = [without_prefix(word, "jobid=", "job=") for word in words[1:]]
    elif verb is not None and verb.name in ("update", "wait_job", "write"):
        texts = [without_prefix(word, "jobid=", "job=") for word in words[1:] if _is_id(verb.name, word)]
    found: list[JobId] = []
    for text in texts:
        for word in job_ids.split_acted(text) or ():  # what is wrong with it is said by who does it
            with suppress(ValueError):
                found.append(job_ids.parse_acted(word))
    return found


def _is_id(verb: str, word: str) -> bool:
    return word.lower().startswith(("jobid=", "job=")) if verb == "update" else word[:1].isdigit()


def _owner(session: Session, number: int) -> str:
    """The cluster that has the job of this number; "": the fleet, if anybody. The job that got it last counts."""
    where = Where("ours")
    where.jobs([number])
    jobs = foreign.select(session.db, where, ("submit_time", "array_job_id"))
    last = max(jobs, key=lambda job: (not job.state.is_over, job.submit_time), default=None)
    if last is None:
        return ""
    if queries.exists_unfinished(session.db, number):
        if not last.state.is_over:
            raise Refused(
                f"there is more than one job {number}: on {last.cluster} and in the fleet",
                hint="say which one is meant with -M NAME",
            )
        return ""
    return last.cluster


def _place(session: Session, name: str) -> Place | None:
    entry = places.survey(session.db).clusters.get(name)
    if entry is None:
        return None
    return Place(*common.open_store(), entry)


def _pass_on(session: Session, place: Place, words: list[str], ids: list[JobId]) -> None:
    """scontrol there does it; what it has forgotten, we still know."""
    flags = [flag for attribute, flag in FLAGS if getattr(session, attribute)]
    answer = place.runner.run(Call(("scontrol", *flags, *words)))
    verb = find(words[0], VERBS)
    if answer.code != 0 and ids and verb is not None and verb.name == "show":
        records = _records(place, ids[0])
        if records and all(job.state.is_over for job in records):
            return _show(session, records)
    common.echo(answer.out, answer.err)
    session.exit_code = max(session.exit_code, status(answer.code))
    if verb is not None and verb.name != "show":
        place.outdate()


def _show(session: Session, records: list[ForeignJob]) -> None:
    view = session.view()
    for job in records:
        session.show(job_record.lines(job, view))


def _records(place: Place, one: JobId) -> list[ForeignJob]:
    where = foreign.of_cluster(place.entry.name)
    where.jobs([one.number])
    records = foreign.select(place.db, where)
    return [job for job in records if one.tasks is None or job.array_task_id in one.tasks]


def _translate(session: Session, place: Place, words: list[str], ids: list[JobId]) -> None:
    """A system that has other commands: what it can be asked for is a job's record, and changes of jobs."""
    verb = find(words[0], VERBS)
    if verb is not None and verb.name == "show" and not ids and _show_all(session, place, words[1:]):
        return
    if verb is None or not ids:
        raise Refused(f"{words[0]} is not to be had for {place.entry.name}, which has no scontrol")
    place.refresh()
    records = [(one, _records(place, one)) for one in ids]
    for _, found in records:
        if not found:
            session.fail(UNKNOWN)
            return
    if verb.name == "show":
        for _, found in records:
            _show(session, found)
        return
    goals = [_goal(one, found) for one, found in records]
    calls = place.cluster.change(verb.name, goals, words[1:])
    code = pass_on(place, calls)
    if not code and verb.name == "update":
        note(place.db, goals, changes(words[1:]))
    session.exit_code = max(session.exit_code, code)


def _show_all(session: Session, place: Place, words: list[str]) -> bool:
    """`show` of something that is no one job: nodes, partitions, all jobs; False: there is nothing like it there."""
    entity = find(words[0], ENTITIES) if words else None
    if entity is None or entity.name not in (*SITE, *SHOWN):
        return False
    if entity.name in SHOWN:
        place.refresh(everybody=True)
        records = foreign.select(place.db, foreign.of_cluster(place.entry.name, UNFINISHED))
        if not records:
            session.tell("No jobs in the system")
        _show(session, records)
        return True
    from mini_slurm.cli.control import show_nodes
    from mini_slurm.cli.foreign.nodes import load

    fleet, nodes = load(place)
    show = show_nodes.show_partitions if entity.name in PARTITIONS else show_nodes.show_nodes
    show(session, words[1:], fleet.partitions, nodes)
    return True


def _goal(one: JobId, found: list[ForeignJob]) -> Goal:
    return Goal(found[0], one.tasks, whole=one.tasks is None and found[0].array_job_id == one.number)
