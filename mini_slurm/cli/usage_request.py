"""msacct --report: which runs count, and in which form their hours are shown."""

from __future__ import annotations

import time

from mini_slurm.cli import listing
from mini_slurm.errors import BadUsage
from mini_slurm.output import usage_report
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from mini_slurm.cli.account_request import Span
    from mini_slurm.options.listings import Chosen
    from mini_slurm.output.usage_report import Row


def show(program: str, chosen: Chosen, where: queries.Where, span: Span, db: sqlite3.Connection | None) -> int:
    """Print the report; the exit status. Raises BadUsage."""
    keys = _keys(program, chosen)
    where.add("start_time < ? AND coalesce(end_time, ?) > ?", span.after, span.after, span.since)
    runs = [
        job for source in ("job", "run") for job in queries.select_jobs(db, usage_report.COLUMNS, where, table=source)
    ]
    rows = usage_report.rows(runs, keys, span.since, span.until, _months)
    listing.write(_text(chosen, keys, rows))
    return 0


def _keys(program: str, chosen: Chosen) -> tuple[str, ...]:
    words = chosen.words("report") or list(usage_report.KEYS)
    unknown = [word for word in words if word not in usage_report.KEYS]
    if unknown:
        known = ", ".join(usage_report.KEYS)
        raise BadUsage(f"{program}: error: --report cannot add up by {unknown[0]}: write some of {known}", exit_code=1)
    return tuple(dict.fromkeys(words))


def _text(chosen: Chosen, keys: tuple[str, ...], rows: list[Row]) -> str:
    names, named = [*keys, *usage_report.FIGURES], "noheader" not in chosen
    if "json" in chosen:
        import json

        report = [dict(zip(names, row.values(), strict=True)) for row in rows]
        return json.dumps({"report": report}, indent=1) + "\n"
    if "csv" in chosen:
        import csv
        import io

        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([*([names] if named else []), *(row.values() for row in rows)])
        return text.getvalue()
    return "".join(f"{line}\n" for line in usage_report.table(keys, rows, named=named))


def _months(begin: float, end: float) -> Iterator[tuple[str, float]]:
    """The months of a span, by the calendar here, and how many seconds of it lie in each."""
    while begin < end:
        year, month = time.localtime(begin)[:2]
        following = time.mktime((year, month + 1, 1, 0, 0, 0, 0, 0, -1))
        yield f"{year:04}-{month:02}", min(following, end) - begin
        begin = following
