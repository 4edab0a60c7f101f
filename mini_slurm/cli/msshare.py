"""msshare: what accounts and users may use, and what they have used."""

from __future__ import annotations

import os
import pwd
import sys

from mini_slurm.cli import common, listing, shares
from mini_slurm.errors import BadUsage, visible
from mini_slurm.model import fair_share
from mini_slurm.model.associations import Association, tree
from mini_slurm.options import sshare
from mini_slurm.output import share_fields, tres
from mini_slurm.output.share_fields import Record
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.model.fleet import Fleet
    from mini_slurm.model.job import Job
    from mini_slurm.options.grammar import Option
    from mini_slurm.options.listings import Chosen
    from mini_slurm.output.layout import Table, View

ABOUT = "Show what accounts and users may use, and what they have used."
WORDS = ""
RUNNING = (*queries.RUN_COLUMNS, "time_limit", "alloc_memory", "nodes", "node", "node_list", "alloc_gpus")


def main() -> int:
    """The console script."""
    return listing.leave(common.run("msshare", msshare, options))


def options(program: str) -> tuple[Option, ...]:
    """The options of the command under this name."""
    return common.with_ours(program, sshare.OPTIONS)


def msshare(program: str, arguments: list[str]) -> int:
    """Show the shares that the arguments choose; the exit status."""
    read = listing.read(program, arguments, options(program), "msshare")
    if read is None:
        return 0
    chosen = read[0]
    if "helpformat" in chosen:
        listing.show([share_fields.field_list()])
        return 0
    table = _table(program, chosen)
    if "verbose" in chosen:
        _tell(chosen)
    db = listing.open_to_read()
    fleet = listing.fleet(db)
    if "cluster" in chosen:
        listing.check_cluster(program, chosen, fleet.name, field="cluster")
        listing.show([f"CLUSTER: {fleet.name}"])
    view = listing.view(chosen)
    view.cluster = fleet.name
    form = next((form for form in ("parsable2", "parsable") if form in chosen), "")
    records = _chosen(_records(fleet, db, view), chosen)
    listing.show(table.text(records, view, named="noheader" not in chosen, form=form))
    return 0


def _tell(chosen: Chosen) -> None:
    """-v: whose shares are looked for."""
    common.say("Users requested:")
    for name in ["all"] if _everybody(chosen) else _users(chosen):
        print(f"\t: {visible(name)}", file=sys.stderr)
    common.say("Accounts requested:")
    for name in chosen.words("accounts") or ["all"]:
        print(f"\t: {visible(name)}", file=sys.stderr)


def _table(program: str, chosen: Chosen) -> Table:
    default = share_fields.LONG if "long" in chosen else share_fields.DEFAULT
    if "partition" in chosen:
        default = default.replace("User,", "User,Partition,")
    try:
        return share_fields.table(chosen.text("format", default) or "")
    except share_fields.UnknownField as error:
        raise BadUsage(f'{program}: error: Invalid field requested: "{error}"', exit_code=1) from None


def _chosen(records: list[Record], chosen: Chosen) -> list[Record]:
    """Those that are asked for, each indented as far as what is above it is shown too."""
    wanted = [record for record in records if _is_wanted(record.association, chosen)]
    shown: dict[Association, Record] = {}
    for record in wanted:
        shown[record.association] = record
        above = shown.get(record.association.parent) if record.association.parent else None
        record.depth = above.depth + 1 if above else 0
    return wanted


def _is_wanted(one: Association, chosen: Chosen) -> bool:
    accounts = chosen.words("accounts")
    if accounts is not None and one.account.lower() not in [name.lower() for name in accounts]:
        return False
    if not one.user:
        return "Users" not in chosen
    return _everybody(chosen) or one.user.lower() in _users(chosen)


def _everybody(chosen: Chosen) -> bool:
    return "all" in chosen or chosen.text("users") == "-1"


def _users(chosen: Chosen) -> list[str]:
    """The names of the users that are asked for, by name or number; without any, the caller's own. Raises BadUsage."""
    words = chosen.words("users")
    return [_name(word).lower() for word in words] if words else [pwd.getpwuid(os.getuid()).pw_name.lower()]


def _name(word: str) -> str:
    if not (word.isascii() and word.isdigit()):
        return word
    try:
        return pwd.getpwuid(int(word)).pw_name
    except (KeyError, OverflowError):
        raise BadUsage(f"Invalid user id: {word}", exit_code=1) from None


def _records(fleet: Fleet, db: sqlite3.Connection | None, view: View) -> list[Record]:
    """All associations, with what the jobs so far have used."""
    associations = tree(fleet)
    found = fair_share.shares(associations, shares.usage(fleet, db, view.now))
    records = {one: Record(one, share) for one, share in found.items()}
    _add_rest(records, queries.select_jobs(db, RUNNING, queries.Where("state = 'RUNNING'")), view.now)
    return [records[one] for one in associations]


def _add_rest(records: dict[Association, Record], running: list[Job], now: float) -> None:
    """What running jobs may still use counts for their users, and for the accounts above these."""
    by_name = {(one.account, one.user): one for one in records if one.user}
    for job in running:
        one = by_name.get((job.account or "", job.user))
        while one is not None:
            _add(records[one].rest, job, now)
            one = one.parent


def _add(rest: dict[str, float], job: Job, now: float) -> None:
    if job.time_limit is None or job.start_time is None:
        return
    left = max(job.time_limit - (now - job.start_time), 0.0)
    for name, amount in tres.held(job).items():
        rest[name] = rest.get(name, 0.0) + amount * left
