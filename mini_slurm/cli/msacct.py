"""msacct: what became of jobs, and what they used."""

from __future__ import annotations

import os
import sys

from mini_slurm.cli import account_filters, account_request, common, listing
from mini_slurm.desk import places
from mini_slurm.errors import BadUsage
from mini_slurm.model.job import COLUMNS
from mini_slurm.options import sacct
from mini_slurm.output import accounting_fields as fields
from mini_slurm.output.accounting_lines import booked
from mini_slurm.output.layout import Table, View, by_prefixes
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.model.job import Job
    from mini_slurm.options.grammar import Option
    from mini_slurm.options.job_ids import JobId
    from mini_slurm.options.listings import Chosen
    from mini_slurm.output.accounting_lines import Line

ABOUT = "Show the accounting of jobs."
NAMED_BY_FLEET = {"AssocID", "Cluster", "QOSRAW"}  # columns that show what the fleet file says
WORDS = ""


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msacct", msacct))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    ours = () if common.is_slurms_name(program) else sacct.OURS
    return common.with_ours(program, (*sacct.OPTIONS, *ours))


def msacct(program: str, arguments: list[str]) -> int:
    """Show the accounting of the jobs that the arguments choose; the exit status."""
    read = listing.read(program, arguments, options(program), "msacct", advice=False)
    if read is None:
        return 0
    chosen, words = read
    chosen.gather(*sacct.GATHERED)
    if "helpformat" in chosen:
        print(fields.field_list())
        return 0
    named = account_request.job_list(program, chosen)  # Slurm looks at these as it reads them
    for name in chosen.every("file"):
        if not os.path.isfile(name):
            raise BadUsage(f"{name} is not a valid file", exit_code=1)
    if "completion" in chosen or "file" in chosen:
        raise BadUsage("Slurm job completion is disabled", exit_code=1)
    _check_unit(program, chosen)
    _check_parts(program, chosen)
    table = _table(program, chosen)
    if named is not None and ("batch_script" in chosen or "env_vars" in chosen):
        for one in named:
            one.step = None  # they are the job's, whichever of its steps was named
    if words:
        unknown = (f"{program}: error:  {word}" for word in words)
        raise BadUsage(f"{program}: error: Unknown arguments:", *unknown, exit_code=1)
    return _show(program, chosen, table, named)


def _check_contents(program: str, chosen: Chosen) -> None:
    """-B and --env-vars are of jobs that are named, and only one of them."""
    for field, what in (("env_vars", "environment"), ("batch_script", "scripts")):
        if field in chosen and "jobs" not in chosen:
            why = f"When requesting job {what} you must also request specific jobs with the '-j' option."
            raise BadUsage(f"{program}: fatal: {why}", exit_code=1)
    if "batch_script" in chosen and "env_vars" in chosen:
        why = "Options --batch-script and --env-vars are mutually exclusive"
        raise BadUsage(f"{program}: fatal: {why}", exit_code=1)


def _check_parts(program: str, chosen: Chosen) -> None:
    text = chosen.text("whole_hetjob")
    if text is not None and text.lower() not in account_request.WHOLE:
        why = f'Invalid --whole-hetjob value "{text}". Valid values: [yes|no].'
        raise BadUsage(f"{program}: error: {why}", exit_code=1)


def _check_unit(program: str, chosen: Chosen) -> None:
    unit = chosen.text("units")
    if unit is not None and (not unit or unit[0].upper() not in "KMGTP"):
        why = f"Invalid unit type '{unit[0]}'. Possible options are 'KMGTP'" if unit else "Invalid unit type '"
        raise BadUsage(f"{program}: error: {why}", f"{program}: fatal: Invalid unit type", exit_code=1)


def _table(program: str, chosen: Chosen) -> Table:
    if "long" in chosen and "format" in chosen:
        why = "Options -o(--format) and -l(--long) are mutually exclusive. Please remove one and retry."
        raise BadUsage(f"{program}: fatal: {why}", exit_code=1)
    given = [chosen.text("format")] if "format" in chosen else []
    given += [form for field, form in (("brief", fields.BRIEF), ("long", fields.LONG)) if field in chosen]
    text = ",".join(map(str, given)) if given else os.environ.get("SACCT_FORMAT", fields.DEFAULT)
    table, unknown = by_prefixes(text, fields.ACCOUNTING_FIELDS)
    for gone, instead in fields.REMOVED.items():
        if (unknown or "").lower() != gone.lower():
            continue
        why = f"{gone} has been removed, please use {instead}"
        raise BadUsage(f"{program}: fatal: {why}", exit_code=1)
    if unknown is not None:
        raise BadUsage(f'{program}: error: Invalid field requested: "{unknown}"', exit_code=1)
    return table


def _show(program: str, chosen: Chosen, table: Table, named: list[JobId] | None) -> int:
    _check_contents(program, chosen)
    view = listing.view(chosen)
    span = account_request.Span(program, chosen, view.now)
    where = account_request.where(program, chosen, span, named)
    db = listing.open_to_read()
    if "qos" in chosen or "associations" in chosen:
        account_filters.add_fleets(program, where, chosen, listing.fleet(db))
    if "report" in chosen:
        from mini_slurm.cli import usage_request

        return usage_request.show(program, chosen, where, span, db)
    if "foreign" in chosen:
        from mini_slurm.cli import foreign_use

        return foreign_use.show_books(chosen, span, db)
    is_document = "json" in chosen or "yaml" in chosen
    if is_document or NAMED_BY_FLEET & {field.name for field in table.fields}:
        _add_fleet(view, db)
    columns = set(COLUMNS) if is_document else _columns(table) | ({"environment"} if "env_vars" in chosen else set())
    jobs: list[Job] = []
    asked = places.there(chosen.text("clusters"), db)
    for place in asked:
        listing.refresh(program, db, place, None if named is None else {one.number for one in named})
        jobs += listing.jobs(db, place, columns, where)
    if {"", places.survey(db).fleet} & {*asked}:
        earlier = queries.select_jobs(db, columns, where, "run")
        jobs += earlier if is_document or "duplicates" in chosen else account_request.instead(earlier, jobs)
        jobs += queries.select_jobs(db, columns, where, "size")
    jobs = [*map(booked, jobs)]
    lines = [*account_request.lines(jobs, account_request.steps_of(db, jobs), chosen, named, span)]
    if "truncate" in chosen:
        for line in lines:
            line.cut(span.since, span.until)
    if "verbose" in chosen and not is_document:
        for text in span.described(chosen, account_request.state_names(chosen)):
            sys.stderr.write(f"{program}: {text}\n")
    return _print(chosen, table, lines, view, db)


def _print(chosen: Chosen, table: Table, lines: list[Line], view: View, db: sqlite3.Connection | None) -> int:
    """Show what was found in the form that is asked for; the exit status."""
    if "batch_script" in chosen or "env_vars" in chosen:
        return account_request.show_contents(db, lines, environments="env_vars" in chosen)
    if "json" in chosen or "yaml" in chosen:
        from mini_slurm.cli import documents

        return documents.show_accounting(chosen, lines, view)
    listing.show(_text(chosen, table, lines, view))
    return 0


def _add_fleet(view: View, db: sqlite3.Connection | None) -> None:
    fleet = listing.fleet(db)
    view.cluster, view.associations = fleet.name, fleet.association_numbers()
    view.qualities = {name: number for number, name in enumerate(fleet.qos, start=1)}


def _columns(table: Table) -> set[str]:
    """What the listing reads of the database."""
    return {column for field in table.fields for column in field.columns.split()} | {*fields.ALWAYS.split()}


def _text(chosen: Chosen, table: Table, lines: list[Line], view: View) -> list[str]:
    named = "noheader" not in chosen
    if "parsable" in chosen or "parsable2" in chosen:
        forms = [field for field in chosen.fields if field in ("parsable", "parsable2")]
        delimiter, last = chosen.text("delimiter", "|") or "", forms[-1] == "parsable"
        names = delimiter.join(field.name for field in table.fields) + (delimiter if last else "")
        return [*([names] if named else []), *table.joined(lines, view, delimiter, last)]
    return [*(table.header() if named else []), *table.lines(lines, view)]
