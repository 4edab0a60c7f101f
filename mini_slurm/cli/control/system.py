"""Verbs and entities that tell of the whole: configuration, controller, licenses, topology."""

from __future__ import annotations

import os
import time

from mini_slurm.cli import common, listing
from mini_slurm.config.paths import state_folder
from mini_slurm.controller import autostart
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from mini_slurm.cli.control.session import Session

PATIENCE = 10.0  # seconds for a controller to come up
_INDENT = "\n    "
PAUSE = 0.02  # seconds between two looks


def host() -> str:
    """The login node's name, as Slurm shortens it."""
    return os.uname().nodename.partition(".")[0]


def ping(session: Session, verb: str, words: list[str]) -> None:
    """Does a controller answer? One that had nothing to do and ended is started."""
    session.speaks()
    state = state_folder()
    answers = autostart.ring(state)
    if not answers:
        autostart.start(state)
        deadline = time.monotonic() + PATIENCE
        while not answers and time.monotonic() < deadline:
            time.sleep(PAUSE)
            answers = autostart.ring(state)
    session.exit_code = int(not answers)
    listing.show([f"Slurmctld(primary) at {host()} is {'UP' if answers else 'DOWN'}"])


def config(session: Session, verb: str, words: list[str]) -> None:
    """The settings, and whether the controller answers."""
    from mini_slurm.output import config_record

    state = state_folder(create=False)
    moment = listing.moment_format()
    known = config_record.Known(
        session.fleet, host(), state, int(queries.get_setting(session.db, "next_job_id") or "1"), _since(state, moment)
    )
    listing.show(config_record.lines(known, moment(time.time())))
    ping(session, verb, words)


def _since(state: str, moment: Callable[[float], str]) -> str:
    """When the controller of this state folder was started last."""
    try:
        return moment(os.stat(os.path.join(state, autostart.LOCK)).st_mtime)
    except OSError:
        return moment(time.time())


def licenses(session: Session, verb: str, words: list[str]) -> None:
    """The licenses of the fleet file, and how many of them jobs hold."""
    if not session.fleet.licenses:
        listing.show(["No licenses configured in Slurm."])
        return
    from mini_slurm.scheduler.licenses import Free, in_all, parse

    active = [one for one in session.fleet.reservations.values() if one.is_active(time.time())]
    reserved = in_all(parse(one.licenses) for one in active)
    free = Free(session.fleet.licenses, queries.license_holders(session.db))
    for name, total in sorted(session.fleet.licenses.items()):
        if not words or name == words[0]:
            left = free.count(name)
            kept = reserved.get(name, 0)
            counts = f"Total={total} Used={total - left} Free={max(left - kept, 0)} Reserved={kept} Remote=no"
            listing.show([f"LicenseName={name}{' ' if session.oneliner else _INDENT}{counts}"])


def nothing(session: Session, verb: str, words: list[str]) -> None:
    """Federations and burst buffers: there are none, and scontrol says nothing then."""


def topology(session: Session, verb: str, words: list[str]) -> None:
    """Nothing is known of switches."""
    named = f"Topology information contains no switch or node named {words[0]}" if words and words[0] else ""
    common.say(f"{session.program}: error: {named or 'No topology information available'}")


def frontends(session: Session, verb: str, words: list[str]) -> None:
    """No machine stands before others."""
    if words:
        session.exit_code = 1
    session.tell(f"Node {words[0]} not found" if words else "No nodes in the system")


def daemons(session: Session, verb: str, words: list[str]) -> None:
    """What runs on this machine: the controller, and an agent where it is one of the fleet."""
    here = host()
    listing.show(["slurmctld " + "slurmd" * (session.fleet.node_name(here) in session.fleet.machines)])


def aliases(session: Session, verb: str, words: list[str]) -> None:
    """The machines of the fleet that are reached by this name."""
    name = words[0] if words else host()
    known = queries.load_machines(session.db)
    found = [
        entry.name
        for entry in session.fleet.machines.values()
        if name in (entry.name, entry.host, entry.alias) or (entry.name in known and known[entry.name].hostname == name)
    ]
    if found:
        listing.show([" ".join(found)])


def completing(session: Session, verb: str, words: list[str]) -> None:
    """The jobs whose end is not complete, and the machines that they wait for."""
    from mini_slurm.model.units import format_elapsed

    columns = ("job_id", "end_time", "node", "node_list")
    view = session.view()
    session.speaks_of_records()
    for job in queries.select_jobs(session.db, columns, queries.Where("state = 'COMPLETING'")):
        since = view.now - (job.end_time or view.now)
        where = job.node_list or job.node or ""
        listing.show(
            [
                f"JobId={job.job_id} EndTime={view.when(job.end_time)} CompletingTime={format_elapsed(since)} "
                f"Nodes(COMPLETING)={where} "
            ]
        )


def errnumstr(session: Session, verb: str, words: list[str]) -> None:
    """What an error number means."""
    from mini_slurm.output.error_numbers import meaning

    number = words[0].strip()
    digits = number[1:] if number[:1] in ("-", "+") else number
    if not (digits.isascii() and digits.isdigit() and len(digits) < 9):
        session.fail(f"numeric arguments required for keyword:{verb}")
    else:
        listing.show([meaning(int(number)) or os.strerror(int(number))])


def cluster(session: Session, verb: str, words: list[str]) -> None:
    """Speak to this cluster from now on; there is one."""
    from mini_slurm.desk import places

    if words:
        places.check(session.program, words[0], [session.fleet.name], warn=common.say)


def reconfigure(session: Session, verb: str, words: list[str]) -> None:
    """The fleet file is read again by itself as soon as it changes: here one only learns whether it can be read."""
    assert session.fleet
