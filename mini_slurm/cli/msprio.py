"""msprio: what the priorities of waiting jobs are made of."""

from __future__ import annotations

import os

from mini_slurm.cli import common, listing, shares
from mini_slurm.errors import BadUsage
from mini_slurm.options import sprio
from mini_slurm.output import job_order, nodes, priority_fields
from mini_slurm.output.layout import Layout, by_letters
from mini_slurm.output.priority_fields import Rank
from mini_slurm.scheduler import priority
from mini_slurm.scheduler.usage import factor, factors
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from mini_slurm.model.fleet import Fleet
    from mini_slurm.model.job import Job
    from mini_slurm.options.grammar import Option
    from mini_slurm.options.listings import Chosen

ABOUT = "Show what the priorities of waiting jobs are made of."
WORDS = ""
COLUMNS = (
    *("job_id", "user", "partition", "qos", "account", "priority", "priority_set", "nice", "nodes", "ntasks"),
    *("cpus_per_task", "alloc_cpus", "eligible_time", "dependency", "extra"),
)
ARRAY_LIMIT = "JobArrayTaskLimit"  # the reason of tasks that may not start yet, whatever room there is
NOBODY = -1
EXCLUSIVE = "Options -o(--format) and -l(--long) are mutually exclusive. Please remove one and retry."


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msprio", msprio, options))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, sprio.OPTIONS)


def msprio(program: str, arguments: list[str]) -> int:
    """Show the jobs that the arguments choose, or the weights; the exit status."""
    read = listing.read(program, arguments, options(program), "msprio")
    if read is None:
        return 0
    chosen, words = read
    _check(program, chosen, words)
    db = listing.open_to_read()
    fleet = listing.fleet(db)
    chosen.default("clusters", os.environ.get("SLURM_CLUSTERS"))
    listing.check_cluster(program, chosen, fleet.name)
    weights = {name: int(getattr(fleet.priority, name, 0)) for _, name, _ in priority_fields.PARTS}
    layout = _layout(program, chosen, weights)
    view = listing.view(chosen)
    view.cluster = fleet.name
    if "verbose" in chosen:
        from mini_slurm.cli.verbose import loaded, sprio_options

        listing.show(sprio_options(chosen))
        for line in loaded(chosen, records=False):
            common.say(f"{program}: {line}")
    ranks = _ranks(program, chosen, db, fleet, weights)
    if chosen.text("jobs") is not None and not ranks:
        listing.show(["Unable to find jobs matching user/id(s) specified"])
        return 0
    shown = [Rank(None, 0, {}, weights)] if "weights" in chosen else ranks
    header = [] if "noheader" in chosen else [layout.header()]
    listing.show([*header, *layout.lines(shown, view)])
    return 0


def _check(program: str, chosen: Chosen, words: list[str]) -> None:
    """Take what may stand apart, and refuse what does not fit together. Raises BadUsage."""
    if "long" in chosen and "format" in chosen:
        raise BadUsage(f"{program}: fatal: {EXCLUSIVE}", exit_code=1)
    if "long" not in chosen:
        chosen.default("format", os.environ.get("SPRIO_FORMAT"))
    if "jobs" in chosen and chosen.text("jobs") is None and words:
        chosen.put("jobs", words.pop(0))
    if words:
        print(sprio.SUMMARY)
        raise BadUsage(f"{program}: error: Unrecognized option: {words[0]}", exit_code=1)


def _layout(program: str, chosen: Chosen, weights: Mapping[str, int]) -> Layout:
    """The columns. Raises BadUsage."""
    if "long" in chosen:
        text = priority_fields.LONG_NORMAL if "norm" in chosen else priority_fields.LONG
    else:
        usual = priority_fields.default(
            weights, normal="norm" in chosen, users="user" in chosen, clusters="sib" in chosen
        )
        text = chosen.text("format", usual) or ""
    layout, unknown = by_letters(text, priority_fields.FIELDS, drops=True)
    for letter in unknown:
        common.say(f"{program}: error: Invalid job format specification: {letter}")
    return layout


def _ranks(
    program: str, chosen: Chosen, db: sqlite3.Connection | None, fleet: Fleet, weights: Mapping[str, int]
) -> list[Rank]:
    """The jobs that could start as soon as there is room for them, each in each of its partitions. Raises BadUsage."""
    views = nodes.node_list(fleet, queries.load_machines(db), [])
    cpus = sum(node.cpus for node in views.values())
    now = listing.view(chosen).now
    where = queries.Where("state = 'PENDING'", "priority > 0", "dependency IS NULL")
    where.add("eligible_time <= ? AND reason != ?", now, ARRAY_LIMIT)
    where.among("job_id", _numbers(program, chosen))
    where.among("uid", _users(program, chosen))
    jobs = job_order.by_partition(queries.select_jobs(db, COLUMNS, where), chosen.words("partition"))
    fair = factors(fleet, shares.usage(fleet, db, now)) if fleet.accounts else {}
    ranks = [_rank(job, fleet, cpus, now, weights, factor(fair, job, fleet)) for job in jobs]
    if not ranks:
        return []  # then the letters of -S are not looked at
    try:
        return priority_fields.in_order(ranks, chosen.text("sort") or "i")
    except ValueError as error:
        raise BadUsage(f"{program}: error: Invalid sort specification: {error}", exit_code=1) from None


def _rank(job: Job, fleet: Fleet, cpus: int, now: float, weights: Mapping[str, int], fair: float) -> Rank:
    if job.priority_set:
        return Rank(job, job.priority, {}, weights)
    parts = priority.factors(job, fleet, cpus, fair, now)
    return Rank(job, priority.total(job, fleet, parts), parts._asdict(), weights, priority.site(job))


def _numbers(program: str, chosen: Chosen) -> list[int] | None:
    """The jobs that are asked for; None: all. Raises BadUsage."""
    words = chosen.words("jobs")
    for word in words or ():
        if not (word.isascii() and word.isdigit() and int(word)):
            raise BadUsage(f"{program}: error: Invalid job id: {word}", exit_code=1)
    return [int(word) for word in words] if words else None


def _users(program: str, chosen: Chosen) -> list[int] | None:
    """The users that are asked for; None: all."""
    words = chosen.words("user")
    if words is None:
        return None
    numbers = []
    for word in words:
        number = listing.user_number(word)
        if number is None:  # Slurm's shows nobody's jobs then, and is content
            common.say(f"{program}: error: Invalid user: {word}")
            common.say("")
        numbers.append(NOBODY if number is None else number)
    return numbers
