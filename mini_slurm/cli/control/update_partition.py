"""`scontrol update partitionname=NAME KEY=VALUE...`; how one is made and taken away."""

from __future__ import annotations

from mini_slurm.cli.control.asking import ask_one
from mini_slurm.options.admin_updates import PARTITION_TAGS, BadWord, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from mini_slurm.cli.control.session import Session


def update(session: Session, words: list[str]) -> None:
    """Change a partition."""
    changes = _changes(session, words, is_update=True)
    if changes is None:
        return
    name = changes.pop("name", None)
    if name is None:
        session.complain("PartitionName must be given.")
    elif len(words) < 2:
        session.complain("No changes specified")
    else:
        error = ask_one(session, "partition", {"name": name, "changes": changes, "create": False})
        if error:
            session.fail(f"slurm_update error: {error}")


def create(session: Session, words: list[str]) -> None:
    """Make a partition."""
    changes = _changes(session, words, is_update=False)
    if changes is None:
        return
    name = changes.pop("name", None)
    if name is None:
        session.complain("PartitionName must be given.")
    elif name.lower() == "default":
        session.complain('PartitionName cannot be "DEFAULT".')
    else:
        error = ask_one(session, "partition", {"name": name, "changes": changes, "create": True})
        if error:
            session.fail(f"Error creating the partition: {error}")


def delete(session: Session, name: str) -> str:
    """Take a partition away; the error."""
    return ask_one(session, "no partition", {"name": name})


def _changes(session: Session, words: list[str], *, is_update: bool) -> dict[str, Any] | None:
    """What the words say; None when they do not parse."""
    try:
        changes = read(PARTITION_TAGS, words)
    except BadWord as error:
        for line in error.lines:
            session.complain(line)
            if error.plain and line is error.lines[0]:
                session.reject("")
        if error.ends and is_update:
            session.reject("slurm_update error: No error")
        return None
    changes.pop("", None)
    if "machines" in changes:
        text = changes["machines"]
        changes["machines"] = ["ALL"] if text.upper() == "ALL" else session.nodes(text) or [text] * bool(text)
    return changes
