"""Documents as Slurm 22.05 writes them: their frame, tables of their values, and JSON byte for byte."""

from __future__ import annotations

import json

from mini_slurm.output.values import SLURM_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    Table = Sequence[tuple[str, Callable[..., object]]]

INDENT = "  "
PLUGIN = ("openapi/v0.0.38", "Slurm OpenAPI v0.0.38")
ACCOUNTING_PLUGIN = ("openapi/dbv0.0.38", "Slurm OpenAPI DB v0.0.38")

NOTHING_FOUND: dict[str, object] = {
    "description": "Nothing found", "error_number": 9003, "error": "Nothing found with query",
    "source": "slurmdb_jobs_get",
}  # fmt: skip


def document(
    plugin: tuple[str, str], name: str, records: Sequence[object], errors: Sequence[object] = ()
) -> dict[str, object]:
    """A whole document: what made it, what went wrong, and the records."""
    major, minor, micro = map(int, SLURM_VERSION.split("."))
    kind, title = plugin
    meta = {
        "plugin": {"type": kind, "name": title},
        "Slurm": {"version": {"major": major, "micro": micro, "minor": minor}, "release": SLURM_VERSION},
    }
    return {"meta": meta, "errors": [*errors], name: list(records)}


def filled(table: Table, *record: object) -> dict[str, object]:
    """The values of one record, under their names."""
    return {name: value(*record) for name, value in table}


def numbered(flags: Iterable[tuple[str, Any]]) -> list[str]:
    """The names of the flags that are set."""
    return [name for name, is_set in flags if is_set]


# --- JSON


def to_json(value: object) -> str:
    """The document in JSON."""
    return "".join(_json(value, ""))


def _json(value: object, indent: str) -> Iterator[str]:
    deeper = indent + INDENT
    if isinstance(value, dict):
        pairs = ((f"{deeper}{_quoted(str(name))}: ", item) for name, item in value.items())
        yield from _enclosed("{", pairs, indent, "}")
    elif isinstance(value, list):
        yield from _enclosed("[", ((deeper, item) for item in value), indent, "]")
    else:
        yield _quoted(value) if isinstance(value, str) else json.dumps(value)


def _enclosed(opening: str, pairs: Iterable[tuple[str, object]], indent: str, closing: str) -> Iterator[str]:
    yield opening + "\n"
    first = True
    for before, item in pairs:
        yield before if first else ",\n" + before
        yield from _json(item, indent + INDENT)
        first = False
    yield f"{'' if first else chr(10)}{indent}{closing}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("/", "\\/")
