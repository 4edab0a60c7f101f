"""Where templates lie: the user's own folder, and the one that comes with mini_slurm. The user's win."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from mini_slurm.config.paths import own_fleet_file
from mini_slurm.errors import TemplateError
from mini_slurm.templating.header import Header, Variable, read_header

ENDING = ".sh.j2"
NAME = re.compile(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*", re.ASCII)
DEEPEST = 8  # templates that take each other in


class Template(NamedTuple):
    """One template."""

    name: str
    path: str
    source: str
    header: Header

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Those it declares, with those of what it takes in."""
        return self.header.variables


def own_folder() -> str:
    """Where the user's own templates are, or would be."""
    return os.path.join(os.path.dirname(own_fleet_file()), "templates")


def folders() -> list[str]:
    """Where to look, the first first: in an installed wheel they lie in the package, else beside it."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    inside = os.path.join(package, "templates")
    shipped = inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), "templates")
    return [own_folder(), shipped]


def names() -> list[str]:
    """All templates that can be rendered by themselves."""
    found = set()
    for folder in folders():
        if os.path.isdir(folder):
            found |= {name.removesuffix(ENDING) for name in os.listdir(folder) if name.endswith(ENDING)}
    return sorted(name for name in found if NAME.fullmatch(name))


def load(name: str) -> Template:
    """The template of this name, or in this file where the name has a slash and the ending. Raises TemplateError."""
    return _load(name, DEEPEST)


def _load(name: str, depth: int) -> Template:
    if depth == 0:
        raise TemplateError(f"the templates take each other in without an end: {name}", hint="see their lines `+ NAME`")
    path = _path(name)
    try:
        with open(path, encoding="utf-8") as file:
            source = file.read()
    except OSError as error:
        raise TemplateError(f"{path}: {error.strerror}", hint="make it readable, or name another template") from None
    except UnicodeDecodeError:
        raise TemplateError(f"{path}: not UTF-8 text", hint="save it as UTF-8") from None
    return Template(name, path, source, read_header(source, path, lambda other: _load(other, depth - 1).header))


def _path(name: str) -> str:
    """Where it lies. Raises TemplateError."""
    if name.endswith(ENDING) and "/" in name:
        return os.path.abspath(os.path.expanduser(name))
    if NAME.fullmatch(name):
        for folder in folders():
            path = os.path.join(folder, name + ENDING)
            if os.path.exists(path):
                return path
    raise TemplateError(
        f"there is no template {name!r}",
        hint=f"there are {', '.join(names())}; yours go into {own_folder()}/NAME{ENDING}",
    )
