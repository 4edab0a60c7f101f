"""What sdiag prints. A fleet has no daemon that counts its calls and cycles: these figures are 0 here."""

from __future__ import annotations

from mini_slurm.model.tuples import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

RULE = "*" * 55


class Counts(NamedTuple):
    """Jobs: what became of them since the day began, and how many there are now."""

    submitted: int = 0
    started: int = 0
    completed: int = 0
    canceled: int = 0
    failed: int = 0
    pending: int = 0
    running: int = 0


def lines(counts: Counts, since: float, now: float, moment: Callable[[float], str]) -> list[str]:
    """The whole report."""

    def when(at: float) -> str:
        return f"{moment(at)} ({int(at)})"

    return [
        RULE, f"sdiag output at {when(now)}", f"Data since      {when(since)}", RULE,
        "Server thread count:  1", "Agent queue size:     0", "Agent count:          0", "Agent thread count:   0",
        "DBD Agent queue size: 0", "",
        f"Jobs submitted: {counts.submitted}", f"Jobs started:   {counts.started}",
        f"Jobs completed: {counts.completed}", f"Jobs canceled:  {counts.canceled}",
        f"Jobs failed:    {counts.failed}", "",
        f"Job states ts:  {when(now)}", f"Jobs pending:   {counts.pending}", f"Jobs running:   {counts.running}", "",
        "Main schedule statistics (microseconds):",
        "\tLast cycle:   0", "\tMax cycle:    0", "\tTotal cycles: 0", f"\tLast queue length: {counts.pending}", "",
        "Backfilling stats",
        "\tTotal backfilled jobs (since last slurm start): 0",
        "\tTotal backfilled jobs (since last stats cycle start): 0",
        "\tTotal backfilled heterogeneous job components: 0",
        "\tTotal cycles: 0", "\tLast cycle when: N/A", "\tLast cycle: 0", "\tMax cycle:  0", "\tLast depth cycle: 0",
        "\tLast depth cycle (try sched): 0", "\tLast queue length: 0", "\tLast table size: 0", "",
        "Latency for 1000 calls to gettimeofday(): 0 microseconds", "",
        "Remote Procedure Call statistics by message type", "",
        "Remote Procedure Call statistics by user", "",
        "Pending RPC statistics", "\tNo pending RPCs",
    ]  # fmt: skip
