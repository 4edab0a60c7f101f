"""--help and --usage of all commands but mini-slurm, whose pages are Typer's own. Loaded only when asked for."""

from __future__ import annotations

import sys

from mini_slurm.cli import common
from mini_slurm.cli.manual import pages, text


def show(program: str, command: str, *, short: bool = False) -> None:
    """Print the help page of a command of ours, which goes by the name `program` now. `short`: --usage."""
    page = pages.page(command, program)
    if short:
        common.tell(text.usage(page))
    elif common.is_slurms_name(program) or not sys.stdout.isatty():
        common.tell(text.page_text(page))
    else:
        from mini_slurm.cli.manual import terminal

        terminal.show(page)
