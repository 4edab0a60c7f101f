"""The values for a template's variables, checked against what it declares."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping

from mini_slurm.errors import TemplateError
from mini_slurm.templating.library import Template


def gather(template: Template, settings: Iterable[str]) -> dict[str, object]:
    """The values in words like NAME=VALUE, as --set gives them: of a list each adds one, else the last counts.

    Raises TemplateError.
    """
    kinds = {variable.name: variable.kind for variable in template.variables}
    found: dict[str, object] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip()
        if not equals:
            raise TemplateError(f"--set {setting}: there is no =", hint="write --set NAME=VALUE")
        before = found.get(name)
        if name in kinds and kinds[name].several:
            found[name] = [*(before if isinstance(before, list) else []), text]
        else:
            found[name] = text
    return found


def complete(template: Template, values: Mapping[str, object]) -> dict[str, object]:
    """A value for each variable, as the template sees it. Raises TemplateError with a line for each fault."""
    faults, found = _undeclared(template, values), {}
    for variable in template.variables:
        given = values.get(variable.name)
        if given is None and variable.required:
            faults.append(f"{variable.name} is missing: {variable.help or variable.kind.help}")
        elif given is None:
            found[variable.name] = _default(variable.default, variable.kind.read)
        else:
            try:
                found[variable.name] = variable.kind.read(given)
            except ValueError as error:
                faults.append(f"{variable.name} cannot be {given!r}: {error}")
    if faults:
        show = f"mini-slurm template show {template.name} says what each variable takes"
        raise TemplateError(*(f"template {template.name}: {fault}" for fault in faults), hint=show)
    return found


def _default(default: object, read: Callable[[object], object]) -> object:
    """What a template sees of a default: "nothing given" is kept as it is, for a template to ask for."""
    return read(default) if default else default


def _undeclared(template: Template, values: Mapping[str, object]) -> list[str]:
    known = [variable.name for variable in template.variables]
    faults = []
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            advice = f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}"
            faults.append(f"there is no variable {name}: {advice}")
    return faults
