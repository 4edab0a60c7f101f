"""Lines in agent.log, which is the agent's standard error."""

import sys
import time


def log(text: str) -> None:
    """A line in agent.log."""
    sys.stderr.write("{} {}\n".format(time.strftime("%Y-%m-%dT%H:%M:%S"), text))
    sys.stderr.flush()
