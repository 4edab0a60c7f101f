"""Reservations: `scontrol create reservation`, `update reservationname=`, `delete` and `show`."""

from __future__ import annotations

import grp
import pwd
import time

from mini_slurm.cli import common, listing
from mini_slurm.cli.control.asking import ask, ask_one, caller

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_slurm.cli.control.session import Session

NO_ROOM = (
    "Note, unless nodes are directly requested a reservation must exist in a single partition.",
    "If no partition is requested the default partition is assumed.",
)
ABOUT_ROOM = ("Requested node configuration is not available", "Requested nodes are busy")


def create(session: Session, words: list[str]) -> None:
    """Make a reservation."""
    from mini_slurm.options.reserve import BadReservation, for_new

    changes = _changes(session, words, "No reservation created.")
    if changes is None:
        return
    try:
        changes = for_new(changes)
    except BadReservation as error:
        session.complain(str(error))
        return
    answer = _ask(session, changes, create=True)
    if answer is None:
        return
    if not answer["error"]:
        listing.show([f"Reservation created: {answer['name']}"])
        return
    session.fail(f"Error creating the reservation: {answer['error']}")
    if answer["error"] in ABOUT_ROOM:
        listing.show(NO_ROOM)


def update(session: Session, words: list[str]) -> None:
    """Change a reservation."""
    changes = _changes(session, words, "No reservation update.")
    if changes is None:
        session.reject("slurm_update error: No error")
        return
    if "name" not in changes:
        session.complain("Reservation must be given.  No reservation update.")
        return
    answer = _ask(session, changes, create=False)
    if answer is None:
        return
    if answer["error"]:
        session.fail(f"Error updating the reservation: {answer['error']}")
        session.fail(f"slurm_update error: {answer['error']}")
    else:
        listing.show(["Reservation updated."])


def delete(session: Session, name: str) -> str:
    """Take a reservation away; the error."""
    return ask_one(session, "no reservation", {"name": name})


def _ask(session: Session, changes: dict[str, Any], *, create: bool) -> dict[str, Any] | None:
    if "machines" in changes:
        text = changes["machines"]
        changes["machines"] = session.nodes(text) or [text] * bool(text)
    (answer,) = ask(session, "reservation", [{**caller(session), "changes": changes, "create": create}])
    return answer


def _changes(session: Session, words: list[str], advice: str) -> dict[str, Any] | None:
    """What the words say, with the numbers of users looked up; None when they do not parse."""
    from mini_slurm.options.reserve import BadReservation, Wish

    try:
        changes = Wish(words, advice, lambda text: _moment(session, text)).changes
    except BadReservation as error:
        session.complain(str(error))
        return None
    if "users" in changes:
        changes["uids"] = {name: _uid(name) for name in (word.lstrip("+-") for word in changes["users"])}
    if "groups" in changes:
        changes["members"] = _members(changes["groups"])
    return changes


def _moment(session: Session, text: str) -> float:
    from mini_slurm.model.moments import BadMoment, parse_moment

    try:
        return parse_moment(text, time.time(), time.localtime, time.mktime)
    except BadMoment as error:
        common.say(str(error))
        raise


def _uid(name: str) -> int | None:
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return int(name) if name.isascii() and name.isdigit() else None


def _members(groups: list[str]) -> list[int] | None:
    """The numbers of all users in these groups; None where there is no such group."""
    found = set()
    for name in groups:
        try:
            group = grp.getgrnam(name)
        except KeyError:
            return None
        found |= {number for number in map(_uid, group.gr_mem) if number is not None}
        found |= {user.pw_uid for user in pwd.getpwall() if user.pw_gid == group.gr_gid}
    return sorted(found)


def show(session: Session, verb: str, words: list[str]) -> None:
    """Show all reservations, or the one of this name."""
    from mini_slurm.output import reservation_record

    view = session.view()
    known = reservation_record.current(session.fleet.reservations, view.now)
    session.count(len(known))
    found = [one for one in known if not words or one.name == words[0]]
    if not found:
        session.exit_code = session.exit_code or int(bool(words))
        session.tell(f"Reservation {words[0]} not found" if words else "No reservations in the system")
    cpus = _cpus(session) if found else {}
    for one in found:
        session.show(reservation_record.lines(one, cpus, view), closed=False)


def _cpus(session: Session) -> dict[str, int]:
    from mini_slurm.output.nodes import node_list
    from mini_slurm.store import queries

    nodes = node_list(session.fleet, queries.load_machines(session.db), [])
    return {name: node.cpus for name, node in nodes.items()}
