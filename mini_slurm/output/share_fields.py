"""The columns of sshare: one row of a table each. A record is an association with what it may use and has used."""

from __future__ import annotations

import math

from mini_slurm.output.layout import Field, Table, column_width
from mini_slurm.output.tres import RESOURCES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.associations import Association
    from mini_slurm.model.fair_share import Share
    from mini_slurm.output.layout import Value, View

BEGIN, LONG_BEGIN = "Account,User", "RawShares,NormShares,RawUsage"
DEFAULT = f"{BEGIN},{LONG_BEGIN},EffectvUsage,FairShare"
LONG = f"{BEGIN},{LONG_BEGIN},NormUsage,EffectvUsage,FairShare,LevelFS,GrpTRESMins,TRESRunMins"


class Record:
    """One line; `rest` is what its running jobs may still use, in seconds by trackable resource."""

    __slots__ = ("association", "depth", "rest", "share")

    def __init__(self, association: Association, share: Share) -> None:
        self.association = association
        self.share = share
        self.depth = association.depth  # how far it is indented
        self.rest: dict[str, float] = {}


class UnknownField(ValueError):
    """A name that no column has."""


def table(text: str) -> Table:
    """The columns of `name[%width],...`, where the beginning of a name will do, that of no name too; one at least.

    Raises UnknownField.
    """
    chosen = []
    widths = {field.name: field.width for field in FIELDS}  # a width also holds for the same column further on
    for word in list(filter(None, text.split(","))) or [""]:
        name, _, size = word.partition("%")
        field = next((field for field in FIELDS if field.name.lower().startswith(name.lower())), None)
        if field is None:
            raise UnknownField(name)
        widths[field.name] = column_width(size) or widths[field.name]
        chosen.append((field, widths[field.name]))
    return Table(chosen)


def field_list() -> str:
    """--helpformat."""
    names = [f"{field.name:<17}" for field in FIELDS]
    return "\n".join(" ".join(names[start : start + 4]) for start in range(0, len(names), 4))


def _number(value: float, width: int) -> str:
    """A fraction as C's %f writes it, in fewer digits where it is too long for its column."""
    text = f"{value:f}"
    return text if len(text) <= width or math.isinf(value) else f"{value:.{width - 6}e}"


def _below_root(value: Value) -> Value:
    """What the root has no value for."""
    return lambda record, view: value(record, view) if record.association.parent else ""


def _user(value: Value) -> Value:
    """What only users have a value for."""
    return lambda record, view: value(record, view) if record.association.user else ""


def _mins(record: Record) -> str:
    return ",".join(f"{name}={int(record.rest.get(name, 0.0) // 60)}" for name in RESOURCES)


def _row(name: str, width: int, value: Value) -> Field:
    return Field(name, "", name, "", value, width=width)


def _nothing(record: Record, view: View) -> str:
    return ""


# fmt: off
FIELDS = (
    _row("Account", -20, lambda record, view: " " * record.depth + record.association.account),
    _row("Cluster", 10, lambda record, view: view.cluster),
    _row("EffectvUsage", 13, lambda record, view: _number(record.share.effective, 13)),
    _row("FairShare", 10, _user(lambda record, view: _number(record.share.factor, 10))),
    _row("GrpTRESMins", 30, _nothing),
    _row("GrpTRESRaw", 30, lambda record, view: f"cpu={int(record.share.usage // 60)}"),
    _row("ID", 6, lambda record, view: str(record.association.number)),
    _row("LevelFS", 10, _below_root(lambda record, view: _number(record.share.level, 10))),
    _row("NormShares", 11, lambda record, view: _number(record.share.normal_shares, 11)),
    _row("NormUsage", 11, _below_root(lambda record, view: _number(record.share.normal_usage, 11))),
    _row("Partition", 12, _nothing),
    _row("RawShares", 10, _below_root(lambda record, view: str(record.association.shares))),
    _row("RawUsage", 11, lambda record, view: str(int(record.share.usage))),
    _row("TRESRunMins", 30, lambda record, view: _mins(record)),
    _row("User", 10, lambda record, view: record.association.user),
)
# fmt: on
