"""The options of squeue: one row each."""

from __future__ import annotations

from mini_slurm.options.listings import COMMON, FLAG, HELP, LIST, MAYBE, format_option, option

USAGE = """\
Usage: squeue [-A account] [--clusters names] [-i seconds] [--job jobid]
              [-n name] [-o format] [-p partitions] [--qos qos]
              [--reservation reservation] [--sort fields] [--start]
              [--step step_id] [-t states] [-u user_name] [--usage]
              [-L licenses] [-w nodes] [--federation] [--local] [--sibling]
\t      [-ahjlrsv]"""
# fmt: off
OPTIONS = (
    *HELP, *COMMON,
    option("account", "A", LIST, "Jobs of these accounts.", "ACCOUNTS", "accounts"),
    option("all", "a", FLAG, "Jobs of hidden partitions too."),
    option("array", "r", FLAG, "Each task of an array on a line of its own."),
    option("array-unique", "", FLAG, "One line for each array element that is shown."),
    format_option("Format", "O", "Columns by name: NAME[:[.]WIDTH],..."),
    format_option("format", "o", "Columns by letter: %[[.]WIDTH]LETTER..."),
    option("hide", "", FLAG, "No jobs of hidden partitions."),
    option("iterate", "i", LIST, "Show it again every so many seconds.", "SECONDS"),
    option("jobs", "j", MAYBE, "These jobs.", "JOBS"),
    option("licenses", "L", LIST, "Jobs that want these licenses.", "LICENSES"),
    option("long", "l", FLAG, "More columns."),
    option("me", "", FLAG, "My own jobs."),
    option("name", "n", LIST, "Jobs of these names.", "NAMES"),
    option("nodelist", "w", LIST, "Jobs on these nodes.", "NODES", "nodes"),
    option("partition", "p", LIST, "Jobs of these partitions.", "PARTITIONS"),
    option("priority", "P", FLAG, "A line for each partition that a job waits for."),
    option("qos", "q", LIST, "Jobs of these QOS.", "QOS"),
    option("reservation", "R", LIST, "Jobs of this reservation.", "NAME"),
    option("sibling", "", FLAG, "Show sibling jobs of a federation."),
    option("sort", "S", LIST, "Order: letters of -o, each with + or - before it.", "LETTERS"),
    option("start", "", FLAG, "When waiting jobs are expected to start."),
    option("states", "t", LIST, "Jobs in these states, or all.", "STATES", "state"),
    option("steps", "s", MAYBE, "Steps instead of jobs.", "STEPS"),
    option("user", "u", LIST, "Jobs of these users.", "USERS", "users"),
)
# fmt: on
