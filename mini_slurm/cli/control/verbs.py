"""The verbs of scontrol and what `show` shows: tables, searched as scontrol does it.

To add a verb: a row that names its handler, which is loaded when the verb is called. A handler gets the session, the
verb as it was typed and the words after it; what it could not do it says by `session.fail`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

ANY = 1 << 16
TOO_FEW = "too few arguments for keyword:{}"
TOO_MANY = "too many arguments for keyword:{}"


class Verb:
    """One row; the first row that fits counts."""

    __slots__ = ("few", "handler", "least", "many", "most", "name", "shortest")

    def __init__(
        self, name: str, shortest: int, handler: str, least: int = 0, most: int = ANY,
        few: str = TOO_FEW, many: str = TOO_MANY,
    ) -> None:  # fmt: skip
        self.name = name
        self.shortest = shortest  # how much of the name has to be typed
        self.handler = handler  # module:function
        self.least = least  # words after the verb
        self.most = most
        self.few = few  # what is said when there are fewer
        self.many = many

    def fits(self, word: str) -> bool:
        """Does the word mean this row?"""
        return len(word) >= self.shortest and self.name.startswith(word.lower())


_OLD_FEW, _OLD_MANY = "too few arguments for {} keyword", "too many arguments for {} keyword"
_MISSING = "missing argument for keyword:{}"
_HERE = "mini_slurm.cli.control"
# fmt: off
VERBS = (
    Verb("all", 2, f"{_HERE}.flags:show_all"),
    Verb("details", 1, f"{_HERE}.flags:details", 0, 0),
    Verb("exit", 2, f"{_HERE}.flags:leave", 0, 0),
    Verb("help", 2, f"{_HERE}.flags:show_help", 0, 0),
    Verb("hide", 2, f"{_HERE}.flags:hide"),
    Verb("oneliner", 1, f"{_HERE}.flags:oneliner", 0, 0),
    Verb("\\q", 2, f"{_HERE}.flags:quiet", 0, 0),
    Verb("quiet", 4, f"{_HERE}.flags:quiet", 0, 0),
    Verb("quit", 4, f"{_HERE}.flags:leave", 0, 0),
    Verb("show", 3, f"{_HERE}.show:show", 1),
    Verb("verbose", 4, f"{_HERE}.flags:verbose", 0, 0, many=_OLD_MANY),
    Verb("version", 4, f"{_HERE}.flags:version", 0, 0, many=_OLD_MANY),
)
ENTITIES = (
    Verb("jobs", 1, f"{_HERE}.show_job:show"),
    Verb("jobid", 1, f"{_HERE}.show_job:show"),
)
# fmt: on


def find(word: str, table: Sequence[Verb]) -> Verb | None:
    """The row that the word means, if any."""
    return next((row for row in table if row.fits(word)), None)
