"""A command line for another system's command: what of it we understand, and the rest as it stands.

That system may know options that we do not. Some of those that we understand matter here: the place, the job's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from mini_slurm.model.tuples import NamedTuple
from mini_slurm.options.grammar import Option, Reader, Setting


class Piece(NamedTuple):
    """An argument, with the next one where that is its value; no settings: not understood."""

    words: tuple[str, ...]
    settings: tuple[Setting, ...]


def split(
    arguments: Sequence[str], options: Sequence[Option], *, permute: bool = False
) -> tuple[list[Piece], list[str]]:
    """The options, in their pieces, and the words that follow them; with `permute` other words are pieces, too."""
    pieces: list[Piece] = []
    position = 0
    while position < len(arguments):
        word = arguments[position]
        if word == "--":
            return pieces, list(arguments[position + 1 :])
        if not word.startswith("-") or word == "-":
            if not permute:
                break
            pieces.append(Piece((word,), ()))
            position += 1
            continue
        reader = Reader("", list(arguments), options)
        reader.position = after = position + 1
        settings: tuple[Setting, ...] = ()
        with suppress(ValueError):
            settings, after = tuple(reader.option(word)), reader.position
        pieces.append(Piece(tuple(arguments[position:after]), settings))
        position = after
    return pieces, list(arguments[position:])


def settings_of(pieces: Iterable[Piece]) -> list[Setting]:
    """Everything that was understood."""
    return [setting for piece in pieces for setting in piece.settings]


def without(pieces: Iterable[Piece], fields: Iterable[str]) -> list[str]:
    """The arguments as they were, less these options."""
    dropped = frozenset(fields)
    kept: list[str] = []
    for piece in pieces:
        if not any(setting.option.field in dropped for setting in piece.settings):
            kept += piece.words
            continue
        for setting in piece.settings:
            if setting.option.field not in dropped:
                kept.append(f"--{setting.option.long}" + ("" if setting.text is None else f"={setting.text}"))
    return kept
