"""The types of a template's variables: what each takes, as text of the command line or as Python's values."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from mini_slurm.model.units import parse_memory, parse_time_limit

YES, NO = frozenset({"yes", "true", "on", "1"}), frozenset({"no", "false", "off", "0"})
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Code(str):
    """Lines of shell, which are there to be run as they stand; only a variable of type `shell` is of this class."""


class Kind(NamedTuple):
    """A type: `read` gives what a template sees, or raises ValueError with what to write instead."""

    name: str
    read: Callable[[object], object]
    help: str
    example: str
    several: bool = False  # may --set be given several times, each adding to it?


def text(value: object) -> str:
    """Any text. Raises ValueError for what is none."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"write text, not {type(value).__name__}")
    if "\0" in str(value):
        raise ValueError("no NUL character can be in it")
    return str(value)


def line(value: object) -> str:
    """Text of one line."""
    found = text(value)
    if CONTROL.search(found):
        raise ValueError("write one line, without control characters")
    return found


def name(value: object) -> str:
    """What programs take for a name, and not for an option of theirs."""
    found = line(value)
    if not found or found.startswith("-"):
        raise ValueError("write a name, which does not begin with -")
    return found


def file(value: object) -> str:
    """A file's name; one that looks like an option gets ./ in front."""
    found = text(value)
    if not found:
        raise ValueError("write a file's name")
    return f"./{found}" if found.startswith("-") else found


def number(value: object) -> int:
    """A whole number from 0."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not re.fullmatch(r"\d{1,18}", str(value), re.A):
        raise ValueError("write a whole number, 0 or more")
    return int(value)


def flag(value: object) -> bool:
    """Yes or no."""
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.lower() not in YES | NO:
        raise ValueError("write yes or no")
    return value.lower() in YES


def time(value: object) -> str:
    """A time limit, as --time takes it."""
    if isinstance(value, timedelta):
        minutes, seconds = divmod(round(value.total_seconds()), 60)
        value = f"{minutes}:{seconds:02}"
    found = line(value)
    try:
        parse_time_limit(found)
    except ValueError:
        raise ValueError("write a time: minutes, H:M:S or D-H:M:S") from None
    return found


def memory(value: object) -> str:
    """An amount of memory, as --mem takes it."""
    found = line(value)
    try:
        parse_memory(found)
    except ValueError:
        raise ValueError("write an amount of memory: 500M, 16G") from None
    return found


def identifier(value: object) -> str:
    """The name of an environment variable."""
    found = text(value)
    if not IDENTIFIER.fullmatch(found):
        raise ValueError("write letters, digits and _, a letter first")
    return found


def words(value: object) -> list[str]:
    """A command line: split as a shell does it, but nothing in it is expanded. A list is taken as it is."""
    if not isinstance(value, str):
        found = several(value)
    else:
        try:
            found = shlex.split(text(value))
        except ValueError as error:
            raise ValueError(f"write a command line ({str(error).lower()})") from None
    return found


def command(value: object) -> list[str]:
    """A command line that begins with a program."""
    found = words(value)
    if not found or found[0].startswith("-"):
        raise ValueError("write a command line that begins with a program")
    return found


def lines(value: object) -> list[str]:
    """The lines of a file that are not empty, read now; a list is taken as it is."""
    if not isinstance(value, str | os.PathLike):
        return _not_none([line(one) for one in several(value)])
    try:
        with open(os.path.expanduser(text(value)), encoding="utf-8") as file:
            found = [line(one) for one in file.read().split("\n") if one.strip()]
    except OSError as error:
        raise ValueError(f"the file cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8 text") from None
    return _not_none(found)


def _not_none(found: list[str]) -> list[str]:
    if not found:
        raise ValueError("write a file that has lines")
    return found


def several(value: object) -> list[str]:
    """Some texts; one alone is a list of one."""
    if isinstance(value, str | os.PathLike):
        return [text(value)]
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        raise ValueError(f"write a list, not {type(value).__name__}")
    return [text(one) for one in value]


def names(value: object) -> list[str]:
    """Some names."""
    return [name(one) for one in several(value)]


def options(value: object) -> list[str]:
    """Options of sbatch, each one word: --gres=gpu:1."""
    found = [line(one) for one in several(value)]
    odd = next((one for one in found if not re.match(r"--[a-z]|-[A-Za-z]", one)), None)
    if odd is not None:
        raise ValueError(f"write options as --NAME=VALUE, not {odd!r}")
    return found


def pairs(value: object) -> dict[str, str]:
    """Environment variables: NAME=VALUE, or a mapping."""
    if isinstance(value, Mapping):
        return {identifier(key): text(one) for key, one in value.items()}
    found = {}
    for one in several(value):
        key, equals, rest = one.partition("=")
        if not equals:
            raise ValueError(f"write NAME=VALUE, not {one!r}")
        found[identifier(key)] = rest
    return found


def shell(value: object) -> Code:
    """Lines of shell, run as they stand."""
    return Code("\n".join(several(value)).rstrip("\n"))


KINDS = {
    kind.name: kind
    for kind in (
        Kind("text", text, "any text", "two words"),
        Kind("line", line, "text of one line", "train"),
        Kind("name", name, "a line that does not begin with -", "base"),
        Kind("identifier", identifier, "the name of an environment variable", "RANK"),
        Kind("file", file, "a file's name", "train.py"),
        Kind("number", number, "a whole number, 0 or more", "4"),
        Kind("flag", flag, "yes or no", "yes"),
        Kind("time", time, "a time limit, as --time takes it", "8:00:00"),
        Kind("memory", memory, "an amount of memory, as --mem takes it", "16G"),
        Kind("command", command, "a command line; quotes count, nothing is expanded", "python3 train.py --lr 0.1"),
        Kind("words", words, "words; quotes count, nothing is expanded", "--lr 0.1 --name 'a b'"),
        Kind("lines", lines, "a file, whose lines are read when the script is made", "parameters.txt"),
        Kind("list", several, "texts; --set adds one each time", "two words", True),
        Kind("names", names, "names; --set adds one each time", "cuda/12.1", True),
        Kind("options", options, "options of sbatch; --set adds one each time", "--gres=gpu:1", True),
        Kind("pairs", pairs, "NAME=VALUE; --set adds one each time", "SEED=7", True),
        Kind(
            "shell",
            shell,
            "lines of shell, which are run as they stand; --set adds one each time",
            "umask 027",
            True,
        ),
    )
}
CHOICE = Kind("choice", line, "one of those in the parentheses: choice(a, b)", "a")


def kind_of(declared: str) -> Kind | None:
    """The type of this name; `choice(a, b)` is one of those texts. None: there is no such type."""
    first, _, inside = declared.partition("(")
    if first.strip() != "choice":
        return KINDS.get(declared.strip())
    known = tuple(word.strip() for word in inside.rstrip(")").split(",") if word.strip())

    def read(value: object) -> str:
        found = text(value)
        if found not in known:
            raise ValueError(f"write one of {', '.join(known)}")
        return found

    return CHOICE._replace(name=f"choice({', '.join(known)})", read=read) if known else None
