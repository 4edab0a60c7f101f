"""Patterns of file names, like `%x-%4j.out`. Put into the text of whatever travels and needs it."""

from __future__ import annotations

import re


def fill(pattern: str, values: dict[str, str]) -> str:
    """The file name, by the value of each letter; letters without one stay."""

    def value(found: re.Match[str]) -> str:
        text = values.get(found[2], found[0])
        return text.zfill(int(found[1])) if found[1] and text.isdigit() else text

    return re.sub(r"%(\d*)([A-Za-z%])", value, pattern)
