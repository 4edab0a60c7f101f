"""The options of sbcast: one row each."""

from __future__ import annotations

from mini_slurm.options.listings import FLAG, HELP, LIST, MAYBE, USAGE, VERBOSE, VERSION, option

# fmt: off
OPTIONS = (
    option("compress", "C", MAYBE, "Compress the file on its way.", "LIBRARY"),
    option("exclude", "", LIST, "Libraries in these folders are not sent.", "PATHS"),
    option("fanout", "F", LIST, "How many machines are sent the file at once.", "NUMBER"),
    option("force", "f", FLAG, "Replace a file that is there."),
    option("jobid", "j", LIST, "The machines of this job.", "JOB"),
    option("send-libs", "", MAYBE, "Send the libraries of a program with it.", "YES"),
    option("preserve", "p", FLAG, "Keep the mode and the times of the file."),
    option("size", "s", LIST, "The size of a block.", "BYTES"),
    option("timeout", "t", LIST, "How long a machine may take to answer.", "SECONDS"),
    VERBOSE, VERSION, HELP, USAGE,
)
# fmt: on
