"""`mini-slurm completion SHELL`: the script that makes a shell complete our commands."""

from __future__ import annotations

import os
import sys

from mini_slurm.cli import common
from mini_slurm.cli.admin import NAME
from mini_slurm.cli.admin.shims import SHIMS
from mini_slurm.cli.complete.scripts import SHELLS, script
from mini_slurm.errors import Refused


def print_script(shell: str, slurms_names: bool) -> None:
    """Print it. Raises Refused for a shell that is not known."""
    if shell not in SHELLS:
        raise Refused(f"there is no completion for {shell!r}", hint=f"shells: {', '.join(SHELLS)}")
    commands = [*SHIMS.values(), NAME, *(SHIMS if slurms_names else ())]
    common.tell(script(shell, os.path.realpath(sys.argv[0]), commands))
