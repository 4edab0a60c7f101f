"""`scontrol update partitionname=NAME KEY=VALUE...`, and `create` and `delete`."""

from __future__ import annotations

from mini_slurm.cli import common, listing
from mini_slurm.cli.control.asking import ask_one
from mini_slurm.options.admin_updates import PARTITION_TAGS, BadWord, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_slurm.cli.control.session import Session

FORMAT = "Proper format is 'delete <ENTITY>=<ID>' or 'delete <ENTITY> <ID>'"
SHORTEST = 3  # letters of the word partitionname


def update(session: Session, words: list[str]) -> None:
    """Change a partition."""
    changes = _changes(session, words)
    if changes is None:
        return
    name = changes.pop("name", None)
    if name is None:
        _complain(session, "PartitionName must be given.")
    elif not changes:
        _complain(session, "No changes specified")
    else:
        error = ask_one(session, "partition", {"name": name, "changes": changes, "create": False})
        if error:
            session.fail(f"slurm_update error: {error}")


def create(session: Session, verb: str, words: list[str]) -> None:
    """Make a partition."""
    if not any(_is_partition(word.partition("=")[0]) for word in words):
        _complain(session, f"Invalid creation entity: {words[0]}")
        return
    changes = _changes(session, words)
    if changes is None:
        return
    name = changes.pop("name", None)
    if name is None:
        _complain(session, "PartitionName must be given.")
    elif name.lower() == "default":
        _complain(session, 'PartitionName cannot be "DEFAULT".')
    else:
        error = ask_one(session, "partition", {"name": name, "changes": changes, "create": True})
        if error:
            session.fail(f"Error creating the partition: {error}")


def delete(session: Session, verb: str, words: list[str]) -> None:
    """Take a partition away."""
    entity, equals, name = words[0].partition("=")
    if len(words) > 2 or (len(words) == 1 and not equals):
        _complain(session, FORMAT)
    elif not _is_partition(words[0] if len(words) == 2 else entity):
        session.fail(f"Invalid deletion entity: {words[0]}")
    else:
        error = ask_one(session, "no partition", {"name": name if len(words) == 1 else words[1]})
        if error:
            session.fail(f"delete_partition {words[0]}: {error}")


def _changes(session: Session, words: list[str]) -> dict[str, Any] | None:
    """What the words say; None when they do not parse."""
    try:
        changes = read(PARTITION_TAGS, words)
    except BadWord as error:
        for line in error.lines:
            _complain(session, line)
        return None
    if "machines" in changes:
        text = changes["machines"]
        changes["machines"] = ["ALL"] if text.upper() == "ALL" else listing.names(text) or [text] * bool(text)
    return changes


def _is_partition(word: str) -> bool:
    return len(word) >= SHORTEST and "partitionname".startswith(word.lower())


def _complain(session: Session, text: str) -> None:
    """In the words that Slurm's log has for errors, which --quiet does not silence."""
    session.exit_code = 1
    common.say(f"{session.program}: error: {text}")
