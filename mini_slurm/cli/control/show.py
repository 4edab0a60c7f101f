"""`scontrol show ENTITY [ID]`."""

from __future__ import annotations

from mini_slurm.cli.control.verbs import ENTITIES, find

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session


def show(session: Session, verb: str, words: list[str]) -> None:
    """Show what is named, written `ENTITY ID` or `ENTITY=ID`."""
    word, equals, glued = words[0].partition("=")
    entity = find(word, ENTITIES)
    if len(words) > 2 and (entity is None or entity.most == 1):
        session.fail(f"too many arguments for keyword:{verb}")
    elif entity is None:
        session.fail(f"invalid entity:{words[0]} for keyword:{verb} ")
    else:
        session.call(entity, verb, [glued] if equals else words[1:])
