"""What the listing commands share: help, their text on standard output, local time, users' numbers, hostlists."""

from __future__ import annotations

import os
import sys
import time

from mini_slurm.cli import common
from mini_slurm.config.paths import state_folder
from mini_slurm.controller.autostart import revive
from mini_slurm.errors import BadUsage, NotThere
from mini_slurm.model.hostlist import expand
from mini_slurm.model.numbers import leading_number
from mini_slurm.options.grammar import Option, parse
from mini_slurm.options.listings import Chosen
from mini_slurm.output.layout import View
from mini_slurm.output.values import CONTROLLER
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    from mini_slurm.model.fleet import Fleet
    from mini_slurm.model.job import Job

ISO = "%Y-%m-%dT%H:%M:%S"
LONGEST_FORM = 32  # letters of $SLURM_TIME_FORMAT, and the end
NO_USER = 2**32 - 1  # the first number that no user has
MOST_SHOWN = 4096  # characters of an array's waiting tasks
EXIT_CODE = 1  # of a command line that does not parse


def read(
    program: str, arguments: list[str], table: tuple[Option, ...], command: str, *, advice: bool = True
) -> tuple[Chosen, list[str]] | None:
    """The options and the other words; None when help or the version was asked for, and shown.

    `command` is our name for what is called.
    Raises BadUsage, without the advice to ask for help where Slurm's command does not give it.
    """
    try:
        given, words = parse(program, arguments, table, permute=True, exit_code=EXIT_CODE)
    except BadUsage as error:
        raise BadUsage(*error.lines[: None if advice else 1], exit_code=EXIT_CODE) from None
    chosen = Chosen(given)
    if "version" in chosen:
        print(common.version(program))
        return None
    if "help" in chosen or "usage" in chosen:
        from mini_slurm.cli import help

        help.show(program, command, short="help" not in chosen)
        return None
    if "fleet" in chosen:
        common.use_fleet(chosen.text("fleet") or "")
    return chosen, words


def leave(code: int) -> int:
    """End the process at once: a third of such a short one would go into taking the interpreter apart."""
    os._exit(code)  # common.run has brought all output out


def show(lines: Iterable[str]) -> None:
    """Write lines to standard output."""
    write("".join(line + "\n" for line in lines))


def write(text: str) -> None:
    """Write to standard output, also where its encoding lacks a character."""
    try:
        common.tell(text)
    except UnicodeEncodeError:
        sys.stdout.buffer.write(text.encode(sys.stdout.encoding, "backslashreplace"))


def open_to_read() -> sqlite3.Connection | None:
    """The database, if there is one. A controller that died while jobs wait or run is started again on the way."""
    state = state_folder(create=False)
    db = queries.open_to_read(state)
    if db is not None and queries.has_unfinished(db):
        revive(state)
    return db


def view(chosen: Chosen) -> View:
    """What the fields of a listing need to know now."""
    found = View(time.time(), moment_format(), unit=(chosen.text("units") or "")[:1].upper())
    found.convert = "noconvert" not in chosen
    found.user_name = user_name
    found.shown_tasks = shown_tasks(found.shown_tasks)
    found.whole_ids = "SLURM_BITSTR_LEN" in os.environ
    return found


def shown_tasks(default: int) -> int:
    """How many characters of an array's waiting tasks are shown."""
    text = os.environ.get("SLURM_BITSTR_LEN")
    length = -1 if text is None else leading_number(text)[0]
    return default if length < 0 else min(length, MOST_SHOWN)


def moment_format() -> Callable[[float], str]:
    """How moments are written: as $SLURM_TIME_FORMAT says, in local time."""
    form = os.environ.get("SLURM_TIME_FORMAT") or "standard"
    if form == "relative":
        return _relative
    if form == "standard":
        form = ISO
    elif "%" not in form or len(form) >= LONGEST_FORM:
        return _complaining(form)
    return lambda moment: time.strftime(form, time.localtime(moment))


def _complaining(form: str) -> Callable[[float], str]:
    """The first moment says that it cannot be written in this form."""
    complaints = [f"{os.path.basename(sys.argv[0])}: error: invalid SLURM_TIME_FORMAT = '{form}'"]

    def write(moment: float) -> str:
        while complaints:
            common.say(complaints.pop())
        return time.strftime(ISO, time.localtime(moment))

    return write


def _relative(moment: float) -> str:
    there, here = time.localtime(moment), time.localtime()
    days = (there.tm_year - here.tm_year) * 365 + there.tm_yday - here.tm_yday
    if days in (-1, 0, 1):
        form = {-1: "Ystday %H:%M", 0: "%H:%M:%S", 1: "Tomorr %H:%M"}[days]
    elif abs(days) > 365:
        form = "%-d %b %Y"
    else:
        form = "%-d %b %H:%M" if days < -1 or days > 6 else "%a %H:%M"
    return time.strftime(form, there)


def names(text: str) -> list[str]:
    """The names of a hostlist; one that does not parse names nothing, as in Slurm's filters."""
    try:
        return expand(text)
    except ValueError:
        return []


def host_names(program: str, text: str, option: str) -> list[str]:
    """The names of a hostlist, as the option of this name takes it. Raises BadUsage in Slurm's words."""
    from mini_slurm.model import loose_hostlist

    complaints = []
    try:
        return loose_hostlist.expand(text)
    except loose_hostlist.BadRange as error:
        complaints.append(f"{program}: error: _parse_single_range: {error}")
    except ValueError:
        pass
    raise BadUsage(*complaints, f"{program}: error: '{text}' invalid entry for --{option}", exit_code=EXIT_CODE)


def nodes(text: str) -> list[str]:
    """The nodes of such a hostlist, by the names they are shown by. Raises FleetError."""
    known = fleet(queries.open_to_read(state_folder(create=False)))
    return [known.node_name(name) for name in names(text)]


def user_number(name: str) -> int | None:
    """A user's uid; None when there is no such user. Who only has an account in the fleet file has no jobs yet."""
    import pwd

    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        if name.isascii() and name.isdigit():
            return _known_number(name)
        accounts = fleet(queries.open_to_read(state_folder(create=False))).accounts
        return NO_USER if any(name in users for users in accounts.values()) else None


def _known_number(text: str) -> int | None:
    import pwd

    try:
        return pwd.getpwuid(int(text)).pw_uid
    except (KeyError, OverflowError):
        return None


def user_name(uid: int) -> str | None:
    """A user's login name; None when there is no such user. The controller has the name of Slurm's."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "slurm" if uid == CONTROLLER else None


def fleet(db: sqlite3.Connection | None) -> Fleet:
    """The fleet that counts now, read without writing anything. Raises FleetError."""
    from mini_slurm.config import cache

    return cache.load(lambda key: queries.get_setting(db, key), lambda key, value: None)


def cluster_name(db: sqlite3.Connection | None) -> str:
    """The fleet's name. Raises FleetError."""
    return fleet(db).name


def first_memory(fleet: Fleet, db: sqlite3.Connection | None) -> dict[str, int]:
    """The memory in MiB of each partition's first machine: what Slurm counts for --mem=0 until the job starts."""
    known = queries.load_machines(db)
    found = {}
    for name, partition in fleet.partitions.items():
        first = partition.machines[0] if partition.machines else ""
        entry, machine = fleet.machines.get(first), known.get(first)
        found[name] = (entry.memory if entry else None) or (machine.memory if machine else 0)
    return found


def check_cluster(program: str, chosen: Chosen, name: str, field: str = "clusters") -> None:
    """Only the fleet can be asked this. Raises BadUsage when another cluster was asked for."""
    from mini_slurm.desk import places

    text = chosen.text(field)
    if text is not None:
        places.check(program, text, [name], by_variable=field not in chosen.fields, warn=common.say)


def jobs(db: sqlite3.Connection | None, place: str, columns: Iterable[str], where: queries.Where) -> Sequence[Job]:
    """The jobs of a place; "": those of the fleet, and those that were submitted to clusters from here."""
    if not place and not queries.has_foreign(db):
        return queries.select_jobs(db, columns, where)
    from mini_slurm.desk.foreign import jobs as everywhere

    return everywhere.select(db, place, columns, where)


def refresh(program: str, db: sqlite3.Connection | None, place: str, wanted: Iterable[int] | None) -> None:
    """Bring what is known of jobs on clusters up to date, where any are to be shown. Raises MiniSlurmError."""
    if place or queries.has_foreign(db):
        from mini_slurm.desk.foreign import jobs as everywhere

        def hint(line: str) -> None:
            if not common.is_slurms_name(program):
                common.say(f"{program}: hint: {line}")

        everywhere.refresh(db, place, wanted, hint)


def knows_job(db: sqlite3.Connection | None, place: str, number: int, now: float) -> bool:
    """Is there a job of this number that is not over, or has not been over for long?"""
    if not place and not queries.has_foreign(db):
        return queries.knows_job(db, number, now)
    from mini_slurm.desk.foreign import jobs as everywhere

    return everywhere.knows(db, place, number, now)


def interval(program: str, chosen: Chosen, complaint: str) -> int:
    """Seconds from one listing to the next, 0 when there is to be one. Raises BadUsage with Slurm's complaint."""
    text = chosen.text("iterate")
    if text is None:
        return 0
    seconds, _ = leading_number(text)
    if seconds <= 0:
        raise BadUsage(f"{program}: error: {complaint.format(text)}", exit_code=EXIT_CODE)
    return seconds


def repeat(seconds: int, once: Callable[[], int]) -> int:
    """Do it once, or again and again with so many seconds between. The exit status. Raises NotThere."""
    if not seconds:
        return once()
    while True:
        try:
            once()
        except NotThere as missing:
            for line in missing.lines:
                common.say(line)
        print(flush=True)
        time.sleep(seconds)
