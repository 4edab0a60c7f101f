"""scontrol in a job: hostlists are read and written where it is called, all else is asked of the submit side."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST = 1 << 20  # bytes of a file of names


def main(program: str, arguments: list[str]) -> int:
    """`scontrol show hostnames [LIST]`, `show hostlist NAMES`; the exit status."""
    if len(arguments) >= 2 and "show".startswith(arguments[0]) and len(arguments[0]) > 1:
        answer = _answer_of(arguments[1])
        if answer is not None and len(arguments) <= 3:
            return answer(program, arguments[2:])
    from mini_slurm.steps import errand

    return errand.main(program, arguments)


def _answer_of(what: str) -> Callable[[str, list[str]], int] | None:
    answers = {"hostnames": _hostnames, "hostlist": _hostlist, "hostlistsorted": _sorted}
    shortened = [name for name in answers if name.startswith(what)]
    if what in answers or len(shortened) == 1:
        return answers[what if what in answers else shortened[0]]
    return None


def _hostnames(program: str, words: list[str]) -> int:
    text = words[0] if words else os.environ.get("SLURM_NODELIST")
    if text is None:
        sys.stderr.write(f"{program}: error: host list is empty\n")
        return 0
    sys.stdout.write("".join(f"{prefix}{number}\n" for prefix, number in _read(program, text) or ()))
    return 0


def _hostlist(program: str, words: list[str]) -> int:
    return _encode(program, words, in_order=False)


def _sorted(program: str, words: list[str]) -> int:
    return _encode(program, words, in_order=True)


def _encode(program: str, words: list[str], *, in_order: bool) -> int:
    from mini_slurm.model import loose_hostlist
    from mini_slurm.model.hostlist import join

    if not words:
        sys.stderr.write("invalid encode argument\n")
        return 1
    text = _from_file(words[0]) if words[0].startswith("/") else words[0]
    hosts = None if text is None else _read(program, text)
    if hosts is None:
        return 1
    sys.stdout.write(join(loose_hostlist.in_order(hosts) if in_order else hosts) + "\n")
    return 0


def _from_file(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return ",".join(file.read(LARGEST).split())
    except OSError:
        sys.stderr.write(f"Can not open {path}\n")
        return None


def _read(program: str, text: str) -> list[tuple[str, str]] | None:
    from mini_slurm.model import loose_hostlist

    try:
        return loose_hostlist.hosts(text)
    except loose_hostlist.BadRange as error:
        sys.stderr.write(f"{program}: error: _parse_single_range: {error}\n")
    except ValueError:
        pass
    sys.stderr.write(f"Invalid hostlist: {text}\n")
    return None
