"""YAML as Slurm writes it, with libyaml: block style, a tag before each value, lines broken after 80 columns."""

from __future__ import annotations

import json
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

INDENT = "  "
WIDEST = 80  # columns after which a text is broken at a blank
TAGS = {bool: "!!bool", int: "!!int", float: "!!float", str: "!!str", type(None): "!!null"}
PRINTABLE = frozenset(map(chr, (10, *range(32, 127))))
FIRST = frozenset("#,[]{}&*!|>'\"%@`")  # what a text must not begin with to stand without quotes
ESCAPED = {
    "\0": "0", "\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r", "\x1b": "e", '"': '"',
    "\\": "\\", "\x85": "N", "\xa0": "_", "\u2028": "L", "\u2029": "P",
}  # fmt: skip


class Empty(str):
    """A text that is there, and empty, as Slurm has few: in its YAML it is no null."""


def to_yaml(value: object) -> str:
    """A whole document."""
    return "%YAML 1.1\n---" + "".join(_node(value, 0, len("---"))) + "\n...\n"


def _node(value: object, level: int, column: int) -> Iterator[str]:
    """The value after what stands in its line already, up to this column; what is inside stands at this level."""
    indent = INDENT * level
    if isinstance(value, dict):
        yield " !!map" if value else " !!map {}"
        for name, item in value.items():
            key = f"{indent}!!str {name}:"
            yield "\n" + key
            yield from _node(item, level if isinstance(item, list) else level + 1, len(key))
    elif isinstance(value, list):
        yield " !!seq" if value else " !!seq []"
        for item in value:
            yield f"\n{indent}-"
            yield from _node(item, level + 1, len(indent) + 1)
    else:
        if isinstance(value, Empty):
            yield " !!str"
            return
        value = None if value == "" else value  # Slurm's YAML has no other empty texts
        tag = f" {TAGS[type(value)]}"
        yield tag + _scalar(value, column + len(tag) + 1, INDENT * (level or 1))


def _scalar(value: object, column: int, indent: str) -> str:
    if isinstance(value, float):
        return f" {value:f}"
    if not isinstance(value, str):
        return " " + json.dumps(value)
    return " " + _text(value, column, indent)


def _text(text: str, column: int, indent: str) -> str:
    """A text without quotes where YAML allows it, else in single ones, or in double ones with escapes."""
    if not PRINTABLE.issuperset(text) or " \n" in text or "\n " in text:
        return '"' + _folded("".join(map(_escaped, text)), column + 1, indent, escapes=True) + '"'
    if _is_plain(text):
        return _folded(text, column, indent)
    first, *more = re.sub("\n+", lambda breaks: f"\n{breaks[0]}", text.replace("'", "''")).split("\n")
    lines = [
        _folded(first, column + 1, indent),
        *(line and indent + _folded(line, len(indent), indent) for line in more),
    ]
    return "'" + "\n".join(lines) + (indent if text.endswith("\n") else "") + "'"


def _is_plain(text: str) -> bool:
    if text[0] in FIRST or text.startswith(("---", "...")) or text != text.strip(" ") or "\n" in text:
        return False
    if text[0] in "?-" and text[1:2] in ("", " "):
        return False
    return ": " not in text and not text.endswith(":") and " #" not in text


def _escaped(character: str) -> str:
    if character in ESCAPED:
        return "\\" + ESCAPED[character]
    if character in PRINTABLE:
        return character
    number = ord(character)
    if number <= 0xFF:
        return f"\\x{number:02X}"
    return f"\\u{number:04X}" if number <= 0xFFFF else f"\\U{number:08X}"


def _folded(text: str, column: int, indent: str, *, escapes: bool = False) -> str:
    """Break a long text at blanks. Before a second blank it is broken only where that can be escaped."""
    if column + len(text) <= WIDEST:
        return text
    lines, last = [""], len(text) - 1
    for place, character in enumerate(text):
        blank_follows = text[place + 1 : place + 2] == " "
        if (
            character == " "
            and 0 < place < last
            and text[place - 1] != " "
            and column + len(lines[-1]) > WIDEST
            and (escapes or not blank_follows)
        ):
            lines.append("\\" if blank_follows else "")
            column = len(indent)
        else:
            lines[-1] += character
    return ("\n" + indent).join(lines)
