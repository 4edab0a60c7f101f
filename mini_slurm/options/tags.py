"""A row of what `scontrol update` and `create` can change, for tables of them."""

from __future__ import annotations

from typing import Generic, TypeVar

LARGEST = {16: 2**16 - 3, 32: 2**32 - 3, 64: 2**64 - 3}  # two more have a meaning of their own
Reader = TypeVar("Reader")


class Tag(Generic[Reader]):
    """One row: a name, how much of it has to be typed, the key it changes and the reader of its value."""

    __slots__ = ("key", "name", "read", "shortest")

    def __init__(self, name: str, shortest: int, key: str, read: Reader) -> None:
        self.name = name
        self.shortest = shortest
        self.key = key
        self.read = read

    def fits(self, word: str) -> bool:
        """Does the word mean this row?"""
        return len(word) >= self.shortest and self.name.lower().startswith(word.lower())
