"""Names that need not be written out: a table row says how many letters of each name are enough."""

from __future__ import annotations


class Names:
    """The names of one thing, written `Name:SHORTEST` with blanks between."""

    __slots__ = ("_names",)

    def __init__(self, text: str) -> None:
        self._names = [name.lower().split(":") for name in text.split()]

    def fits(self, word: str) -> bool:
        """Does the word mean this thing? Capitals do not count."""
        small = word.lower()
        return any(len(word) >= int(shortest) and name.startswith(small) for name, shortest in self._names)


def means(word: str, text: str) -> bool:
    """Does the word mean the one thing of these names?"""
    return Names(text).fits(word)
