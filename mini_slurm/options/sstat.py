"""The options of sstat: one row each."""

from __future__ import annotations

from mini_slurm.options.listings import FLAG, HELP, LIST, NO_CONVERT, USAGE, VERBOSE, VERSION, option

# fmt: off
OPTIONS = (
    option("allsteps", "a", FLAG, "All steps of a job, its script too."),
    option("helpformat", "e", FLAG, "List the columns."),
    HELP,
    option("pidformat", "i", FLAG, "Where the processes are, and their numbers."),
    option("jobs", "j", LIST, "These jobs and steps.", "JOBS"),
    option("noheader", "n", FLAG, "No line of names."),
    NO_CONVERT,
    option("fields", "o", LIST, "Columns: NAME[%[-]WIDTH],...", "FORMAT", "format", field="format"),
    option("parsable", "p", FLAG, "Values with | after each."),
    option("parsable2", "P", FLAG, "Values with | between them."),
    USAGE, VERBOSE, VERSION,
)
# fmt: on
