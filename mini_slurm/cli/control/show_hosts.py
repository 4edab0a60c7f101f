"""`scontrol show hostnames`, `hostlist` and `hostlistsorted`: text to text, without a fleet."""

from __future__ import annotations

import os

from mini_slurm.cli import common, listing
from mini_slurm.model import loose_hostlist
from mini_slurm.model.hostlist import join

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session

LARGEST = 1 << 20  # bytes of a file of names


def hostnames(session: Session, verb: str, words: list[str]) -> None:
    """The names of a hostlist, else those of the job that this runs in, one to a line."""
    text = words[0] if words else os.environ.get("SLURM_NODELIST")
    if text is None:
        common.say(f"{session.program}: error: host list is empty")
        return
    listing.show("".join(host) for host in _read(session, text) or ())


def hostlist(session: Session, verb: str, words: list[str]) -> None:
    """The hostlist of these names, which a file may hold."""
    _encode(session, words, in_order=False)


def hostlistsorted(session: Session, verb: str, words: list[str]) -> None:
    """The same, in order."""
    _encode(session, words, in_order=True)


def _encode(session: Session, words: list[str], *, in_order: bool) -> None:
    if not words:
        session.fail("invalid encode argument")
        return
    text = _from_file(words[0]) if words[0].startswith("/") else words[0]
    hosts = None if text is None else _read(session, text)
    if hosts is None:
        session.exit_code = 1
        return
    listing.show([join(loose_hostlist.in_order(hosts) if in_order else hosts)])


def _read(session: Session, text: str) -> list[loose_hostlist.Host] | None:
    """The names; None when it is no hostlist, which is then said."""
    try:
        return loose_hostlist.hosts(text)
    except loose_hostlist.BadRange as error:
        common.say(f"{session.program}: error: _parse_single_range: {error}")
    except ValueError:
        pass
    common.say(f"Invalid hostlist: {text}")
    return None


def _from_file(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(LARGEST)
    except IsADirectoryError:
        common.say(f"Error reading {path}")
        return None
    except OSError:
        common.say(f"Can not open {path}")
        return None
    if len(text) == LARGEST:
        common.say(f"File {path} is too large")
        return None
    return text.replace("\n", ",")
