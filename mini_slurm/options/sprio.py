"""The options of sprio: one row each."""

from __future__ import annotations

from mini_slurm.options.listings import (
    CLUSTERS,
    FEDERATION,
    FLAG,
    HELP,
    LIST,
    LOCAL,
    MAYBE,
    USAGE,
    VERBOSE,
    VERSION,
    option,
)

SUMMARY = """\
Usage: sprio [-j jid[s]] [-u user_name[s]] [-o format] [-p partitions]
   [--federation] [--local] [--sibling] [--usage] [-hlnvVw]"""
# fmt: off
OPTIONS = (
    option("noheader", "h", FLAG, "No line of names."),
    option("jobs", "j", MAYBE, "These jobs.", "JOBS"),
    option("long", "l", FLAG, "More columns."),
    CLUSTERS,
    option("norm", "n", FLAG, "Factors from 0 to 1, without their weights."),
    option("format", "o", LIST, "Columns by letter: %[.][WIDTH]LETTER...", "FORMAT"),
    option("sort", "S", LIST, "The order of jobs, by letters of columns, each with - before it from the most down.",
           "LETTERS"),
    option("partition", "p", LIST, "Jobs of these partitions.", "PARTITIONS"),
    option("user", "u", LIST, "Jobs of these users.", "USERS", "users"),
    VERBOSE, VERSION,
    option("weights", "w", FLAG, "The weights of the factors instead of jobs."),
    FEDERATION, HELP, LOCAL,
    option("sib", "", FLAG, "Show the jobs of sibling clusters.", "", "sibling"),
    USAGE,
)
# fmt: on
