"""The result that a program printed: a line `NAME_RESULT:{json}`, looked for from the end of its output."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MARK = b"_RESULT:"
LONGEST_NAME = 100  # bytes before the mark that are looked at
LARGEST_RESULT = 256 * 1024 * 1024  # bytes of one line
BLOCK = 1 << 20  # bytes that are looked through at a time
# What may stand before a name: nothing, or the number of a task as srun --label writes it.
_HEAD = re.compile(rb"[\r\n](?: *\d+: )?(?P<name>[A-Za-z][A-Za-z0-9_]*)$")


class NoResult(ValueError):
    """There is no result in an output, or none that can be read; the text says which of the two."""


def find_result(output: Path, name: str | None = None) -> dict[str, Any]:
    """The last result in a file; `name`: what stands before `_RESULT:`, None: any name.

    The file is read backwards in pieces, so its size does not matter. Raises NoResult, also where there is no file.
    """
    try:
        with open(output, "rb", buffering=0) as file:
            for place in _marks(file.fileno()):
                if _is_meant(file.fileno(), place, name):
                    return _read(file.fileno(), place + len(MARK), output)
    except OSError as error:
        raise NoResult(f"{output} cannot be read: {error.strerror}") from error
    raise NoResult(f"{output} has no line {name or 'NAME'}_RESULT:{{...}}")


def _marks(file: int) -> Iterator[int]:
    """Where marks stand, the last one first. Blocks overlap, as a mark may lie across their border."""
    end = os.fstat(file).st_size
    while end > 0:
        start = max(end - BLOCK, 0)
        block = os.pread(file, end - start + len(MARK) - 1, start)
        found = block.rfind(MARK)
        while found >= 0:
            yield start + found
            found = block.rfind(MARK, 0, found + len(MARK) - 1)
        end = start


def _is_meant(file: int, place: int, name: str | None) -> bool:
    """Is it a name at the beginning of a line, and an object that follows?"""
    start = max(place - LONGEST_NAME, 0)
    before = os.pread(file, place - start, start)
    head = _HEAD.search(before if start else b"\n" + before)
    if head is None or os.pread(file, 1, place + len(MARK)) != b"{":
        return False
    return name is None or head["name"].decode() == name


def _read(file: int, place: int, output: Path) -> dict[str, Any]:
    """The object that begins there and ends with its line."""
    line = bytearray()
    while b"\n" not in line[-BLOCK:]:
        piece = os.pread(file, BLOCK, place + len(line))
        if not piece:
            break
        line += piece
        if len(line) > LARGEST_RESULT:
            raise NoResult(f"the result in {output} is longer than {LARGEST_RESULT} bytes")
    try:
        found: dict[str, Any] = json.loads(bytes(line).split(b"\n", 1)[0])
    except ValueError as error:
        raise NoResult(f"the result in {output} is no JSON: {error}") from error
    return found
