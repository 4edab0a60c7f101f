"""The options of sdiag: one row each."""

from __future__ import annotations

from mini_slurm.options.listings import CLUSTERS, FLAG, USAGE, VERSION, option

# fmt: off
OPTIONS = (
    option("all", "a", FLAG, "Show everything, as without options."),
    option("help", "h", FLAG, "Show this help."),
    option("sort-by-id", "i", FLAG, "Sort calls by their numbers."),
    CLUSTERS,
    option("reset", "r", FLAG, "Count anew from now on."),
    option("sort-by-time", "t", FLAG, "Sort calls by the time that they took."),
    option("sort-by-time2", "T", FLAG, "Sort calls by the time that one took."),
    USAGE, VERSION,
)
# fmt: on
