"""The words behind `sacctmgr show ENTITY`: conditions `name=VALUE,...`, switches, and the columns of format=."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class UnknownCondition(ValueError):
    """A word that is no condition of the entity."""


class NotANumber(ValueError):
    """A number of an association that is none."""


class Named:
    """One condition: its names as `Name:SHORTEST` with blanks between, and what it is about."""

    __slots__ = ("_names", "key")

    def __init__(self, names: str, key: str) -> None:
        self._names = [name.lower().split(":") for name in names.split()]
        self.key = key

    def fits(self, word: str) -> bool:
        """Does the word mean this condition?"""
        return any(len(word) >= int(shortest) and name.startswith(word) for name, shortest in self._names)


FORMAT = "format"
SWITCHES = (
    Named("WithAssoc:5", "associations"), Named("WithCoordinators:5", ""), Named("WithDeleted:5", ""),
    Named("WithRawQOSLevel:5", ""), Named("WithSubAccounts:5", ""), Named("WithFed:5", "federation"),
    Named("WOPLimits:4", "plain"), Named("WOPInfo:4", ""), Named("WOLimits:3", "plain"), Named("OnlyDefaults:2", ""),
    Named("Tree:4", "tree"), Named("where:5", ""), Named("set:3", ""),
)  # fmt: skip


class Wish:
    """What one line asks for; names are in small letters, as accounting compares them."""

    def __init__(self, words: Sequence[str], table: Sequence[Named], bare: str) -> None:
        self.names: dict[str, set[str]] = {}
        self.switches: set[str] = set()
        self.columns: list[str] = []
        for word in words:
            name, equals, value = word.partition("=")
            if equals:
                self._condition(word, name.rstrip("+-").lower(), value, table)
            else:
                self._switch(word, bare)

    def _condition(self, word: str, name: str, value: str, table: Sequence[Named]) -> None:
        row = next((row for row in table if row.fits(name)), None)
        if row is None:
            raise UnknownCondition(word)
        if row.key == FORMAT:
            self.columns += [column for column in _parts(value) if column]
        else:
            self._add(row.key, value)

    def _switch(self, word: str, bare: str) -> None:
        row = next((row for row in SWITCHES if row.fits(word.lower())), None)
        if row is None:
            self._add(bare, word)
        else:
            self.switches.add(row.key)

    def _add(self, key: str, value: str) -> None:
        values = {part.lower() for part in _parts(value) if part}
        if key == "id" and not all(part.isdecimal() for part in values):
            raise NotANumber(value)
        self.names.setdefault(key, set()).update(values)


def _parts(text: str) -> list[str]:
    return [part.strip().strip("\"'") for part in text.strip("\"'").split(",")]
