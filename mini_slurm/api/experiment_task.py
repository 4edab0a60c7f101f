"""What runs in an experiment's job: calls a function with the configuration, and prints its result as one line.

The text of this module travels in the job's script. It needs the standard library alone, on Python 3.8, as mini_slurm
need not be installed where the job runs.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

OUTPUT_KEYS = ("metrics", "status", "error_message", "checkpoint_uri", "checkpoint_path")  # of a result, not a metric


def main(pieces: list[str]) -> int:
    """Run what the order says, which comes as pieces of JSON: 0, or 1 when it failed."""
    order = json.loads("".join(pieces))
    start = time.monotonic()
    output = {"run_id": order["run_id"], "metrics": {}, "status": "completed", "error_message": None}
    try:
        output.update(_run(order))
    except (Exception, SystemExit) as error:
        if not isinstance(error, SystemExit) or error.code:
            traceback.print_exc()
            output.update(status="failed", error_message=f"{type(error).__name__}: {error}")
    output.setdefault("duration_seconds", time.monotonic() - start)
    # On a line of its own, whatever was printed before.
    sys.stdout.write(f"\n{order['name']}_RESULT:{json.dumps(output, default=_plain)}\n")
    sys.stdout.flush()
    return int(output["status"] != "completed")


def _run(order: dict[str, Any]) -> dict[str, Any]:
    """Call the function: with the whole configuration, or with its entries as keywords."""

    def ring(number: int, frame: Any) -> None:
        raise TimeoutError(f"the experiment took longer than {order['seconds']:g} seconds")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, order["seconds"])
    try:
        function = _load(order["function"])
        config = order["config"]
        return _as_output(function(**config) if order["keywords"] else function(config))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _load(function: str) -> Callable[..., Any]:
    """The function that `package.module:name` or `path/to/file.py:name` names."""
    module, _, name = function.rpartition(":")
    folder = os.getcwd()
    if module.endswith(".py"):
        folder, file = os.path.split(os.path.abspath(module))
        module = file[:-3]
    sys.path.insert(0, folder)
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def _as_output(returned: Any) -> dict[str, Any]:
    """What a function returned: a whole result, or its metrics."""
    if returned is None:
        return {}
    if not isinstance(returned, dict):
        return {"metrics": {"result": returned}}
    if any(key in returned for key in OUTPUT_KEYS):
        return returned
    return {"metrics": returned}


def _plain(value: Any) -> Any:
    """JSON's form of what JSON does not know: arrays and numbers of numpy or torch, else the text."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
