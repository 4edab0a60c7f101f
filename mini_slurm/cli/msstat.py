"""msstat: what running jobs use just now."""

from __future__ import annotations

from mini_slurm.cli import common, listing, stat_request
from mini_slurm.errors import BadUsage, Refused
from mini_slurm.options import sstat
from mini_slurm.output import stat_fields as fields
from mini_slurm.output.layout import Table, by_prefixes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.options.grammar import Option
    from mini_slurm.options.listings import Chosen

ABOUT = "Show what running jobs use just now."
WORDS = ""
NO_JOBS = "You didn't give me any jobs to stat."


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msstat", msstat, options))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, sstat.OPTIONS)


def msstat(program: str, arguments: list[str]) -> int:
    """Measure the steps that the arguments choose; the exit status."""
    read = listing.read(program, arguments, options(program), "msstat", advice=False)
    if read is None:
        return 0
    chosen, words = read
    if "helpformat" in chosen:
        print(fields.field_list())
        return 0
    table = _table(program, chosen)
    wanted = stat_request.steps_named(program, [*chosen.every("jobs"), *words])
    if not wanted:
        raise Refused(NO_JOBS)
    form = next((form for form in ("parsable2", "parsable") if form in chosen), "")
    view = listing.view(chosen)
    listing.show(table.text([], view, named="noheader" not in chosen, form=form))
    exit_code = 0
    for one in wanted:
        try:
            records = stat_request.measured(one, everything="allsteps" in chosen)
        except Refused as error:
            common.say(f"{program}: error: {error}")
            exit_code = 0 if common.is_slurms_name(program) else 1  # Slurm's is content to have said it
            continue
        listing.show(table.text(records, view, named=False, form=form))
    return exit_code


def _table(program: str, chosen: Chosen) -> Table:
    default = fields.PIDS if "pidformat" in chosen else fields.DEFAULT
    text = chosen.text("format")
    table, unknown = by_prefixes(default if text is None else text, fields.STAT_FIELDS)
    if unknown is not None:
        raise BadUsage(f'{program}: error: Invalid field requested: "{unknown}"', exit_code=1)
    return table
