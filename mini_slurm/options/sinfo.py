"""The options of sinfo: one row each."""

from __future__ import annotations

from mini_slurm.options.listings import COMMON, FLAG, HELP, LIST, format_option, option

# fmt: off
OPTIONS = (
    *HELP, *COMMON,
    option("all", "a", FLAG, "Hidden partitions too."),
    option("dead", "d", FLAG, "Nodes that do not answer."),
    option("exact", "e", FLAG, "Group only nodes that are equal."),
    format_option("Format", "O", "Columns by name: NAME[:[.]WIDTH],..."),
    format_option("format", "o", "Columns by letter: %[[.]WIDTH]LETTER..."),
    option("hide", "", FLAG, "No hidden partitions."),
    option("iterate", "i", LIST, "Show it again every so many seconds.", "SECONDS"),
    option("list-reasons", "R", FLAG, "Why nodes are not to be had."),
    option("long", "l", FLAG, "More columns."),
    option("Node", "N", FLAG, "A line for each node and partition."),
    option("nodes", "n", LIST, "These nodes.", "NODES"),
    option("partition", "p", LIST, "These partitions.", "PARTITIONS"),
    option("reservation", "T", FLAG, "Reservations."),
    option("responding", "r", FLAG, "Nodes that answer."),
    option("sort", "S", LIST, "Order: letters of -o, each with + or - before it.", "LETTERS"),
    option("states", "t", LIST, "Nodes in these states.", "STATES"),
    option("summarize", "s", FLAG, "A line for each partition."),
)
# fmt: on
