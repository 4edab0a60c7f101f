"""`--json` and `--yaml`: everything there is, whatever else was asked for, as one document."""

from __future__ import annotations

from mini_slurm.cli import common, listing, plans
from mini_slurm.desk import places
from mini_slurm.model.job import COLUMNS
from mini_slurm.output import documents, job_document, yaml_text
from mini_slurm.output.job_order import in_order_of_making
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from mini_slurm.model.fleet import Fleet
    from mini_slurm.options.listings import Chosen
    from mini_slurm.output.accounting_lines import Line
    from mini_slurm.output.layout import View
    from mini_slurm.output.nodes import Node


def show_jobs(program: str, chosen: Chosen) -> int:
    """squeue's: the jobs of each place that are not over, or have not been over for long. Raises MiniSlurmError."""
    db = listing.open_to_read()
    for place in places.chosen(program, chosen, db, warn=common.say) or [""]:
        _show_jobs(program, chosen, db, place)
    return 0


def _show_jobs(program: str, chosen: Chosen, db: sqlite3.Connection | None, place: str) -> None:
    view = listing.view(chosen)
    fleet = listing.fleet(db)
    view.cluster, view.associations = place or fleet.name, fleet.association_numbers()
    view.default_memory = fleet.default_memory_per_cpu
    listing.refresh(program, db, place, None)
    where = queries.Where()
    where.states(None, view.now)
    jobs = [*listing.jobs(db, place, COLUMNS, where)]
    in_order_of_making(jobs)
    if place in ("", fleet.name):
        plans.note(program, jobs, db, view.now)
    write(chosen, documents.PLUGIN, "jobs", [job_document.record(job, view) for job in jobs])


def show_nodes(chosen: Chosen, db: sqlite3.Connection | None) -> int:
    """sinfo's: all machines of the fleet."""
    from mini_slurm.cli.msinfo import all_nodes

    fleet = listing.fleet(db)
    return write_nodes(chosen, fleet, all_nodes(fleet, db), queries.last_ends(db))


def write_nodes(chosen: Chosen, fleet: Fleet, nodes: Mapping[str, Node], last_ends: Mapping[str, float]) -> int:
    """These nodes; `last_ends`: when a job ended last on one, seconds since the epoch."""
    from mini_slurm.output import node_document

    view, records = listing.view(chosen), []
    for name, node in nodes.items():
        homes = [partition.name for partition in fleet.partitions.values() if name in partition.machines]
        records.append(node_document.record(node, homes, last_ends, view))
    return write(chosen, documents.PLUGIN, "nodes", records)


def show_accounting(chosen: Chosen, lines: list[Line], view: View) -> int:
    """sacct's: the jobs that it would list, each with its steps."""
    from mini_slurm.output import accounting_document

    jobs: list[tuple[Line, list[Line]]] = []
    for line in lines:
        if line.step is None:
            jobs.append((line, []))
        elif jobs and jobs[-1][0].job is line.job:
            jobs[-1][1].append(line)
    jobs.sort(key=lambda job: job[0].job.job_id)  # as Slurm's database gives them
    records = [accounting_document.record(line, steps, view) for line, steps in jobs]
    return write(chosen, documents.ACCOUNTING_PLUGIN, "jobs", records, [] if records else [documents.NOTHING_FOUND])


def write(
    chosen: Chosen,
    plugin: tuple[str, str],
    name: str,
    records: list[dict[str, object]],
    errors: Sequence[dict[str, object]] = (),
) -> int:
    """Print the document in the notation that was asked for last; the exit status."""
    whole = documents.document(plugin, name, records, errors)
    last = next(field for field in reversed(chosen.fields) if field in ("json", "yaml"))
    listing.write(documents.to_json(whole) if last == "json" else yaml_text.to_yaml(whole))
    return 0
