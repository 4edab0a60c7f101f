"""How attributes are written: folded as qstat -f does it, on one line, as JSON, with delimiters."""

# mypy: ignore-errors

import json
import re
import time

from openpbs.state import VERSION

LIMIT = 78  # CHAR_LINE_LIMIT of qstat.c
NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")


def folded(name, value):
    """One attribute of qstat -f."""
    text, at, first = f"    {name} = ", len(name) + 7, True
    pieces = [piece for piece in value.split(",") if piece]
    for number, piece in enumerate(pieces):
        if len(piece) + at < LIMIT:
            text += piece
            at += len(piece)
        else:
            if not first:
                text, at = text + "\n\t", 9
            for letter in piece:
                text, at = text + letter, at + 1
                if at > LIMIT:
                    text, at = text + "\n\t", 8
        if number + 1 < len(pieces):
            text, first = text + ",", False
    return text


def one_line(name, value):
    """One attribute of qstat -f -w."""
    feed = value.replace("\n", "\\n")
    return f"    {name} = {feed}"


def full(head, attributes, wide=False):
    """A whole thing of qstat -f."""
    write = one_line if wide else folded
    return "\n".join([head, *(write(name, value) for name, value in attributes)]) + "\n\n"


def delimited(head, attributes, delimiter):
    """A whole thing of -F dsv."""
    return delimiter.join([head, *(f"{name}={value}" for name, value in attributes)]) + "\n"


def document(server, kind, things):
    """The whole of -F json."""
    head = {"timestamp": int(time.time()), "pbs_version": VERSION, "pbs_server": server["server"]}
    return _object({**head, kind: {name: _tree(attributes) for name, attributes in things}}, 1) + "\n"


def _tree(attributes):
    tree = {}
    for name, value in attributes:
        first, dot, rest = name.partition(".")
        if name == "Variable_List":
            tree[name] = dict(_variables(value))
        elif dot:
            tree.setdefault(first, {})[rest] = value
        else:
            tree[name] = value
    return tree


def _variables(value):
    for word in re.findall(r"(?:\\.|[^,])+", value, re.DOTALL):
        name, _, text = word.replace("\\,", ",").partition("=")
        yield name, text


def _object(value, depth):
    if isinstance(value, dict):
        lines = [f"{json.dumps(name)}:\t{_object(one, depth + 1)}" for name, one in value.items()]
        inner = ",\n".join("\t" * depth + line for line in lines)
        return "{\n" + inner + "\n" * bool(inner) + "\t" * (depth - 1) + "}"
    if isinstance(value, list):
        return json.dumps(value)
    is_number = isinstance(value, int) or NUMBER.fullmatch(value)
    return str(value) if is_number else json.dumps(value, ensure_ascii=False)
