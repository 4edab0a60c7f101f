"""The form of `scontrol show`: words `Name=value` on indented lines, one block a record, or all on one line (-o)."""

from __future__ import annotations

from mini_slurm.errors import visible
from mini_slurm.output.layout import View

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from mini_slurm.model.fleet import Fleet

    Value = Callable[[Any, "RecordView"], str | None]
    Line = Sequence[tuple[str, Value]]


class RecordView(View):
    """What a record's values need to know besides the record."""

    __slots__ = ("details", "fleet", "gpu_places", "last_ends", "throttles")

    def __init__(self, now: float, moment: Callable[[float], str], *, details: bool = False) -> None:
        super().__init__(now, moment)
        self.details = details  # -d
        self.fleet: Fleet | None = None
        self.throttles: Mapping[int, int] = {}  # array -> how many of its tasks may run at once
        self.gpu_places: Mapping[str, int] = {}  # UUID -> which of its machine's GPUs that is
        self.last_ends: Mapping[str, float] = {}  # machine -> when the last job ended there

    def when(self, moment: float | None) -> str:
        """A moment, or that there is none."""
        return self.moment(moment) if moment else "Unknown"


def filled(table: Iterable[Line], record: object, view: RecordView) -> list[str]:
    """A text for each line of the table; a value of None leaves its word out, and a line without words is none."""
    lines = []
    for words in table:
        values = [(name, value(record, view)) for name, value in words]
        text = " ".join(f"{name}={visible(value)}" for name, value in values if value is not None)
        if text:
            lines.append(text)
    return lines


def block(lines: Iterable[str], oneliner: bool, *, closed: bool = True) -> str:
    """The record as it is printed, with the empty line that ends it; `closed`: its last line ends as the others do."""
    end = " " if oneliner else "\n   "
    return end.join(lines) + end * closed + ("\n" if oneliner else "\n\n")
