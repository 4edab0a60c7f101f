"""msbatch --template: the script is made here; then it goes the way of one from standard input."""

from __future__ import annotations

import os
import sys

from mini_slurm.cli import common
from mini_slurm.clusters import words as command_line
from mini_slurm.desk import submission
from mini_slurm.errors import BadUsage
from mini_slurm.options.grammar import Option, Setting

FIELDS = ("template", "set")
HINT = "mini-slurm template list shows what templates there are"


def take(
    program: str, arguments: list[str], options: tuple[Option, ...], parts: list[list[Setting]], words: list[str]
) -> list[str] | None:
    """Put the script where the submission looks for it; the arguments without what made it.

    None: the script submits jobs itself, and has done so. Raises MiniSlurmError.
    """
    from mini_slurm import templating

    [given, *others] = parts
    names = [setting.text or "" for setting in given if setting.option.field == "template"]
    fields = {setting.option.field for setting in given}
    if not names or others or words or "wrap" in fields:
        why = "--set without --template" if not names else "--template makes the whole script of one job"
        raise BadUsage(f"{program}: {why}", f"{program}: give no script, no --wrap, and no : then; {HINT}")
    template = templating.load(names[-1])
    settings = [setting.text or "" for setting in given if setting.option.field == "set"]
    script = templating.render(names[-1], templating.gather(template, settings))
    pieces, _ = command_line.split(arguments, options)
    rest = command_line.without(pieces, FIELDS)
    if "test_only" in fields:
        common.tell(script)
    if template.header.on_login:
        if "test_only" not in fields:
            _run(script, program, rest)
        return None
    submission.SENT.append(submission.Sent(submission.working_folder(), script.encode("utf-8", "surrogateescape"), ""))
    return rest


def _run(script: str, program: str, options: list[str]) -> None:
    """Become the shell that runs the script, which calls this command for each job."""
    common.tell("")
    own = os.path.abspath(sys.argv[0])
    os.environ.setdefault("SBATCH", own)
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:{os.path.dirname(own)}"  # for mscancel
    os.execvp("bash", ["bash", "-c", script, program, *options])
