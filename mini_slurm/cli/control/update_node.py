"""`scontrol update nodename=LIST KEY=VALUE...`."""

from __future__ import annotations

import os

from mini_slurm.cli import listing
from mini_slurm.cli.control.asking import ask_one
from mini_slurm.options.admin_updates import NEED_REASON, NODE_TAGS, BadWord, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session

NO_REASON = "You must specify a reason when DOWNING or DRAINING a node. Request denied"


def update(session: Session, words: list[str]) -> None:
    """Change the machines of a hostlist, or all of them."""
    try:
        changes = read(NODE_TAGS, words)
    except BadWord as error:
        for line in error.lines:
            session.fail(line if error.plain else f"{session.program}: error: {line}")
        if any("=" not in word for word in words):
            session.reject("slurm_update error: No error")
        elif not error.plain:  # scontrol goes on to see what else there is to change
            session.fail("No changes specified")
        return
    text = changes.pop("Names")
    if changes.get("State") in NEED_REASON and not changes.get("Reason"):
        session.fail(NO_REASON)
    elif not changes:
        session.fail("No changes specified")
    else:
        names = list(session.fleet.machines) if text.upper() == "ALL" else session.nodes(text) or [text]
        fault = ask_one(session, "nodes", {"names": names, "changes": {**changes, "Uid": _author(session)}})
        if fault:
            session.fail(f"slurm_update error: {fault}")


def _author(session: Session) -> int:
    """Who gives the reason."""
    found = listing.user_number(session.user) if session.user else None
    return os.getuid() if found is None else found
