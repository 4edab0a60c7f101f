"""A template and its values to a script, by Jinja2 in its sandbox.

Nothing that is not quoted gets into a script: what a template puts out must come from one of the filters below, or be
a number. So a template, a user's own as well, that forgets to quote does not render.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mini_slurm.errors import TemplateError
from mini_slurm.options.script import join
from mini_slurm.templating.kinds import CONTROL, Code
from mini_slurm.templating.library import ENDING, Template, folders


class Quoted(str):
    """Text that a shell, or sbatch in its lines, reads as what it was made of."""


class Unquoted(Exception):
    """A template puts something out that no filter has quoted."""


def sh(value: object) -> Quoted:
    """One word of shell; of a list, one word each."""
    if isinstance(value, list):
        return Quoted(" ".join(shlex.quote(_text(one)) for one in value))
    return Quoted(shlex.quote(_text(value)))


def sbatch(value: object) -> Quoted:
    """A value, or a whole option, in a line #SBATCH: one word, whatever is in it, on this line."""
    text = _text(value)
    if CONTROL.search(text):
        raise Unquoted(f"no #SBATCH line can hold {text!r}: it is one line, without control characters")
    return Quoted(join([text]).decode("utf-8", "surrogateescape").partition(" ")[2])


def code(value: object) -> Quoted:
    """Lines of shell as they are; only of a variable of type `shell`."""
    if not isinstance(value, Code):
        raise Unquoted(f"the filter `code` is for variables of type shell alone, not for {value!r}")
    return Quoted(value)


def _text(value: object) -> str:
    if isinstance(value, jinja2.Undefined):
        return str(value)  # StrictUndefined says which it is
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Unquoted(f"{value!r} is no text that could be quoted")
    return str(value)


def _finalize(value: object) -> object:
    """What comes out of `{{ ... }}`."""
    if isinstance(value, Quoted) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, jinja2.Undefined):
        return str(value)  # it raises
    raise Unquoted(f"it puts out {value!r} as it is: write {{{{ NAME|sh }}}}, or |sbatch in an #SBATCH line")


def render_template(template: Template, values: Mapping[str, object]) -> str:
    """The script. Raises TemplateError when the template is wrong."""
    try:
        return str(_compiled(template).render(values))
    except jinja2.TemplateSyntaxError as error:
        where = f"{error.filename or template.path}:{error.lineno}"
        raise TemplateError(f"{where}: {error.message}", hint="correct the template") from None
    except (jinja2.TemplateError, Unquoted) as error:
        raise TemplateError(f"{template.path}: {error}", hint="correct the template") from None
    except Exception as error:  # whatever an expression in it can raise
        what = f"{type(error).__name__}: {error}"
        raise TemplateError(f"{template.path}: cannot be rendered: {what}", hint="correct the template") from None


def _compiled(template: Template) -> jinja2.Template:
    environment = _environment(template.name, template.path, template.source, tuple(folders()))
    return environment.get_template(template.name)


@lru_cache(maxsize=32)
def _environment(name: str, path: str, source: str, places: tuple[str, ...]) -> ImmutableSandboxedEnvironment:
    """What keeps the compiled template, as long as its source is the same."""
    others = jinja2.FileSystemLoader(places)

    def find(wanted: str) -> Any:
        return (source, path, None) if wanted == name else others.get_source(environment, wanted + ENDING)

    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FunctionLoader(find),
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters.update(sh=sh, sbatch=sbatch, code=code)
    return environment
