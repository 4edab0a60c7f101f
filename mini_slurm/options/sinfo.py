"""The options of sinfo: one row each."""

from __future__ import annotations

from mini_slurm.options.listings import (
    CLUSTERS,
    FEDERATION,
    FLAG,
    HELP,
    JSON,
    LIST,
    LOCAL,
    NO_CONVERT,
    USAGE,
    VERBOSE,
    VERSION,
    YAML,
    option,
)

# fmt: off
OPTIONS = (
    option("all", "a", FLAG, "Hidden partitions too."),
    option("dead", "d", FLAG, "Nodes that do not answer."),
    option("exact", "e", FLAG, "Group only nodes that are equal."),
    FEDERATION,
    HELP,
    option("hide", "", FLAG, "No hidden partitions."),
    option("iterate", "i", LIST, "Show it again every so many seconds.", "SECONDS"),
    LOCAL,
    option("long", "l", FLAG, "More columns."),
    CLUSTERS,
    option("nodes", "n", LIST, "These nodes.", "NODES"),
    NO_CONVERT,
    option("noheader", "h", FLAG, "No line of names."),
    option("Node", "N", FLAG, "A line for each node and partition."),
    option("format", "o", LIST, "Columns by letter: %[[.]WIDTH]LETTER...", "FORMAT"),
    option("Format", "O", LIST, "Columns by name: NAME[:[.]WIDTH],...", "FORMAT", field="long_format"),
    option("partition", "p", LIST, "These partitions.", "PARTITIONS"),
    option("responding", "r", FLAG, "Nodes that answer."),
    option("list-reasons", "R", FLAG, "Why nodes are not to be had."),
    option("summarize", "s", FLAG, "A line for each partition."),
    option("sort", "S", LIST, "Order: letters of -o, each with + or - before it.", "LETTERS"),
    option("states", "t", LIST, "Nodes in these states.", "STATES"),
    option("reservation", "T", FLAG, "Reservations."),
    USAGE, VERBOSE, VERSION, JSON, YAML,
)
OURS = (  # under our name
    option("foreign", "", FLAG, "Who uses the nodes besides jobs."),
    option("limits", "", FLAG, "How each node holds jobs to their memory, CPUs and GPUs."),
    option("idle-gpus", "", FLAG, "Jobs that hold GPUs and have not used them for long."),
)
# fmt: on
