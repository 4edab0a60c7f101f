"""`scontrol create` and `delete`: which thing is meant decides which module does it."""

from __future__ import annotations

from mini_slurm.cli.control import reserve, update_partition

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session

FORMAT = "Proper format is 'delete <ENTITY>=<ID>' or 'delete <ENTITY> <ID>'"
# the entity, what makes one, and what takes one away
ENTITIES = (
    ("partitionname", update_partition.create, update_partition.delete, "delete_partition"),
    ("reservationname", reserve.create, reserve.delete, "delete_reservation"),
)
NOT_HERE = "Requested operation not supported on this system"
NOT_YOURS = "Invalid user id"
SHORTEST = 3  # letters of the entity


def _is(word: str, name: str) -> bool:
    return len(word) >= SHORTEST and name.startswith(word.lower())


def create(session: Session, verb: str, words: list[str]) -> None:
    """Make a partition or a reservation."""
    for word in words:
        if _is(word.partition("=")[0], "nodename"):
            session.fail(f"Error creating the node(s): {NOT_HERE}")
            session.advise("mini-slurm add HOST adds a machine")
            return
        for name, make, _, _ in ENTITIES:
            if _is(word.partition("=")[0], name):
                make(session, words)
                return
    session.complain(f"Invalid creation entity: {words[0]}")


def delete(session: Session, verb: str, words: list[str]) -> None:
    """Take a partition or a reservation away."""
    entity, equals, name = words[0].partition("=")
    if len(words) > 2 or (len(words) == 1 and not equals):
        session.complain(FORMAT)
        return
    if len(words) == 2:
        entity, name = words
    if _is(entity, "nodename"):
        session.fail(f"delete_node {words[0]}: {NOT_YOURS}")
        session.advise("a machine leaves the fleet when the fleet file names it no more")
        return
    for known, _, take_away, failure in ENTITIES:
        if _is(entity, known):
            error = take_away(session, name)
            if error:
                session.fail(f"{failure} {words[0]}: {error}")
            return
    session.fail(f"Invalid deletion entity: {words[0]}")
