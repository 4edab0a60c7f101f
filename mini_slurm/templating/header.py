"""The header of a template: a comment that says what it is for and declares each of its variables.

    {#
    A program on some machines.

    + blocks/request
    name: line = "job" | the job's name
    command: words     | what to run
    -#}

The first paragraph is prose, its first line is what lists show. After an empty line each line declares a variable, as
`NAME: TYPE [= DEFAULT, in JSON] [| HELP]`, or takes in the variables of another template, as `+ NAME`. A line `@login`
says that the script is no job: it runs on the login node, and submits jobs itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import NamedTuple

from mini_slurm.errors import TemplateError
from mini_slurm.templating.kinds import Kind, kind_of

COMMENT = re.compile(r"\A\{#[-+]?\n(.*?)\n[ \t]*[-+]?#\}", re.DOTALL)
DECLARED = re.compile(r"(?P<name>[a-z_][a-z0-9_]*): *(?P<kind>[a-z]+(?: *\([^()]*\))?) *(?P<rest>.*)", re.ASCII)
TAKEN_IN = re.compile(r"\+ +(?P<name>[\w./-]+)", re.ASCII)
LOGIN = "@login"
HINT = "write NAME: TYPE [= DEFAULT] [| HELP], for example: cpus: number = 1 | CPUs of the job"


class Variable(NamedTuple):
    """One variable of a template; `default` counts where `required` is false."""

    name: str
    kind: Kind
    required: bool
    default: object
    help: str

    @property
    def shown_default(self) -> str:
        """The default as a header writes it; "" where there is none."""
        return "" if self.required else json.dumps(self.default, ensure_ascii=False)


class Header(NamedTuple):
    """What a template says of itself."""

    about: str  # one line
    details: str  # the lines after it, "" if there are none
    variables: tuple[Variable, ...]
    on_login: bool = False  # is the script to run where it was made, and submits jobs itself?


def read_header(text: str, where: str, other: Callable[[str], Header]) -> Header:
    """The header of a template; `other` finds those it takes in. Raises TemplateError naming `where` and the line."""
    found = COMMENT.match(text)
    if found is None:
        raise TemplateError(f"{where}: has no header", hint=f"begin the template with {{#, a line for what, ... {HINT}")
    prose, declarations, is_prose = [], [], True
    for number, line in enumerate(found[1].split("\n"), start=2):
        is_prose = is_prose and bool(line.strip())
        if is_prose:
            prose.append(line.strip())
        elif line.strip():
            declarations.append((f"{where}:{number}", line.strip()))
    if not prose:
        raise TemplateError(f"{where}: the header does not say what the template is for", hint="write it in line 2")
    on_login = [item for item in declarations if item[1] == LOGIN]
    variables = _variables([item for item in declarations if item[1] != LOGIN], other)
    return Header(prose[0], "\n".join(prose[1:]), variables, bool(on_login))


def _variables(lines: list[tuple[str, str]], other: Callable[[str], Header]) -> tuple[Variable, ...]:
    """Those that are declared; a template may declare again, with another default, what it takes in."""
    found: dict[str, Variable] = {}
    own: set[str] = set()
    for where, line in lines:
        taken_in = TAKEN_IN.fullmatch(line)
        if taken_in:
            found |= {one.name: one for one in other(taken_in["name"]).variables if one.name not in own}
            continue
        variable = _variable(where, line)
        if variable.name in own:
            raise TemplateError(f"{where}: {variable.name} is declared twice", hint="take one of the lines out")
        own.add(variable.name)
        found[variable.name] = variable
    return tuple(found.values())


def _variable(where: str, line: str) -> Variable:
    found = DECLARED.fullmatch(line)
    if found is None:
        raise TemplateError(f"{where}: this declares no variable: {line}", hint=HINT)
    kind = kind_of(found["kind"])
    if kind is None:
        raise TemplateError(f"{where}: there is no type {found['kind']}", hint="`mini-slurm template types` lists them")
    name, rest = found["name"], found["rest"]
    default, rest = _default(where, name, kind, rest) if rest.startswith("=") else (None, rest)
    if rest and not rest.startswith("|"):
        raise TemplateError(f"{where}: what does {rest!r} mean here?", hint=HINT)
    return Variable(name, kind, not found["rest"].startswith("="), default, rest.removeprefix("|").strip())


def _default(where: str, name: str, kind: Kind, rest: str) -> tuple[object, str]:
    """The default, as `kind` reads it, and what follows it."""
    text = rest.removeprefix("=").lstrip()
    try:
        default, end = json.JSONDecoder().raw_decode(text)
        if default not in ("", 0, [], {}, False):  # "nothing given" is a default for each type
            kind.read(default)
    except ValueError as error:
        raise TemplateError(f"{where}: the default of {name} is wrong: {error}", hint=HINT) from None
    return default, text[end:].lstrip()
