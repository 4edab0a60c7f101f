"""Scripts from templates: `render("ray", {"command": ["python3", "train.py"]})` is the text of a batch script.

Templates are Jinja2 files NAME.sh.j2 whose header declares their variables (`header`); the user's own, in
~/.config/mini_slurm/templates, win over those that come with mini_slurm (`library`). Values are checked against the
declarations (`kinds`) and reach the script through filters that quote them (`engine`).
"""

from __future__ import annotations

from mini_slurm.templating.header import Header, Variable
from mini_slurm.templating.kinds import Kind
from mini_slurm.templating.library import Template, load, names
from mini_slurm.templating.values import complete, gather

__all__ = ["Header", "Kind", "Template", "Variable", "complete", "gather", "load", "names", "render"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def render(name: str, values: Mapping[str, object]) -> str:
    """The script of the template `name` (or a path of NAME.sh.j2) with these values; what is left out has its default.

    Values may be Python's: text, numbers, True, lists, mappings, Path, timedelta; None is as good as left out.
    Raises TemplateError, with a line for each fault, for a template that is not there or wrong, and for values that
    are undeclared, missing or of another type. Nothing is submitted. Command: mini-slurm template render.
    """
    from mini_slurm.templating.engine import render_template

    template = load(name)
    return render_template(template, complete(template, values))
