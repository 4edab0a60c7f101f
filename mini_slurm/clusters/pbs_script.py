"""The #PBS lines of a script that passes through, as qsub reads them: what of them matters here."""

from __future__ import annotations

import getopt
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress

MARK = "#PBS"


def options(script: bytes, letters: str) -> list[tuple[str, str]]:
    """The options in the lines, with their values; `letters`: those that this qsub knows, as for getopt."""
    found = []
    for line in _lines(script.decode(errors="surrogateescape")):
        with suppress(ValueError):  # qsub is to say what is wrong with it
            found += read(shlex.split(line), letters)
    return found


def read(words: Sequence[str], letters: str) -> list[tuple[str, str]]:
    """The options among these words, with their values; none where qsub would refuse them."""
    try:
        return getopt.getopt(words, letters)[0]
    except getopt.GetoptError:
        return []


def variables(found: list[tuple[str, str]]) -> str:
    """What the job is to have in its environment; of several such options the last one counts."""
    return next((value for option, value in reversed(found) if option == "-v"), "")


def stays(found: list[tuple[str, str]]) -> bool:
    """Does qsub stay until the job is over?"""
    attributes = ",".join(value for option, value in found if option == "-W").split(",")
    return any(name.partition("=")[::2] == ("block", "true") for name in attributes)


def _lines(text: str) -> Iterator[str]:
    """What follows the mark in each line; a backslash goes on in the next one, and the first command is the end."""
    begun = ""
    for number, line in enumerate(text.split("\n")):
        rest = line.lstrip()
        if begun or rest.startswith(MARK):
            begun += line if begun else rest.removeprefix(MARK)
            if begun.endswith("\\"):
                begun = begun[:-1]
                continue
            yield begun
            begun = ""
        elif rest and not rest.startswith("#") and (number or not rest.startswith(":")):
            return
