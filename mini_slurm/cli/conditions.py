"""The words behind `sacctmgr show ENTITY` and `sreport TYPE REPORT`: `name=VALUE,...`, switches, format=."""

from __future__ import annotations

from mini_slurm.model.abbreviations import Names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Condition:
    """What one name before an equals sign, or one word alone, is about."""

    __slots__ = ("key", "names")

    def __init__(self, names: str, key: str) -> None:
        self.names = Names(names)  # `Name:SHORTEST` with blanks between
        self.key = key


FORMAT = "format"


def conditions(text: str) -> list[Condition]:
    """The table of `NAMES=KEY` with semicolons between; the beginning of Format is always enough for the columns."""
    rows = [row.partition("=") for row in text.split(";") if row]
    return [*(Condition(names, key) for names, _, key in rows), Condition("Format:1", FORMAT)]


class Wish:
    """What one line asks for; names are in small letters, as accounting compares them."""

    def __init__(self, words: Iterable[str], table: Sequence[Condition], switches: Sequence[Condition], bare: str):
        self.names: dict[str, set[str]] = {}
        self.texts: dict[str, str] = {}  # by key, as they were written last
        self.words: dict[str, str] = {}  # by key, the whole of the word
        self.switches: set[str] = set()
        self.columns: list[str] = []
        self.unknown: list[str] = []  # words that say nothing of this
        self.repeated: set[str] = set()  # keys of words that name nothing new
        for word in words:
            name, equals, value = word.partition("=")
            if equals:
                self._condition(word, name.rstrip("+-"), value.removeprefix("="), table)
            else:
                self._switch(word, switches, bare)

    def among(self, key: str, name: str) -> bool:
        """Is this one of the names that were given, or were none?"""
        return key not in self.names or name.lower() in self.names[key]

    def _condition(self, word: str, name: str, value: str, table: Sequence[Condition]) -> None:
        row = next((row for row in table if row.names.fits(name)), None)
        if row is None:
            self.unknown.append(word)
        elif row.key == FORMAT:
            self.columns += [column for part in _parts(value) if (column := part.strip())] or [""]
        else:
            self.words[row.key] = word
            self._add(row.key, value)

    def _switch(self, word: str, switches: Sequence[Condition], bare: str) -> None:
        row = next((row for row in switches if row.names.fits(word)), None)
        if row is None:
            self._add(bare, word)
        else:
            self.switches.add(row.key)

    def _add(self, key: str, value: str) -> None:
        self.texts[key] = value
        known = self.names.setdefault(key, set())
        found = {part.rstrip().lower() for part in _parts(value) if part} or {""}  # a blank before it is part of a name
        if known.issuperset(found):
            self.repeated.add(key)
        known.update(found)


def _parts(text: str) -> list[str]:
    return [part.strip("\"'") for part in text.strip("\"'").split(",")]
