"""Lines in agent.log, which is the agent's standard error. Where the disk is full they are lost, and nothing else."""

import os
import time
import traceback
from contextlib import suppress


def log(text: str) -> None:
    """A line in agent.log."""
    with suppress(OSError):
        os.write(2, "{} {}\n".format(time.strftime("%Y-%m-%dT%H:%M:%S"), text).encode(errors="surrogateescape"))


def log_trouble() -> None:
    """The exception that is being handled, in agent.log."""
    log(traceback.format_exc())
