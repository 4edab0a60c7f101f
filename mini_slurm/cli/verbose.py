"""What `squeue -v` and `sinfo -v` say of their options, as Slurm's commands do."""

from __future__ import annotations

from mini_slurm.cli import listing
from mini_slurm.model.hostlist import compress
from mini_slurm.output.values import NULL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.queue_request import Request
    from mini_slurm.options.listings import Chosen

RULE = "-" * 29


def _is(chosen: Chosen, field: str) -> str:
    return "true" if field in chosen else "false"


def squeue_options(request: Request) -> list[str]:
    """The lines of squeue."""
    chosen = request.chosen
    values = {
        "all         ": "true" if "all" in chosen or "partitions" in chosen else "false",
        "array       ": _is(chosen, "array"),
        "federation  ": _is(chosen, "federation"),
        "format      ": chosen.text("format") or NULL,
        "iterate     ": chosen.text("iterate") or "0",
        "job_flag    ": str(int("jobs" in chosen)),
        "jobs        ": chosen.text("jobs") or NULL,
        "licenses    ": chosen.text("licenses") or NULL,
        "local       ": _is(chosen, "local"),
        "names       ": chosen.text("name") or NULL,
        "nodes       ": compress(listing.names(chosen.text("nodelist") or "")),
        "partitions  ": chosen.text("partitions") or NULL,
        "priority    ": _is(chosen, "priority"),
        "reservation ": chosen.text("reservation") or NULL,
        "sibling      ": _is(chosen, "sibling"),
        "sort        ": request.sort or NULL,
        "start_flag  ": str(int("start" in chosen)),
        "states      ": chosen.text("states") or NULL,
        "step_flag   ": str(int("steps" in chosen)),
        "steps       ": chosen.text("steps") or NULL,
        "users       ": chosen.text("user") or NULL,
        "verbose     ": str(chosen.count("verbose")),
    }
    return [RULE, *(f"{name}= {value}" for name, value in values.items()), RULE, "", ""]
