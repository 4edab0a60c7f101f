"""The options of sattach: one row each."""

from __future__ import annotations

from mini_slurm.options.listings import FLAG, LIST, option

# fmt: off
OPTIONS = (
    option("help", "h", FLAG, "Show this help."),
    option("label", "l", FLAG, "Put the task's number before each line."),
    option("quiet", "Q", FLAG, "Print nothing but errors."),
    option("usage", "u", FLAG, "Show the options in short."),
    option("verbose", "v", FLAG, "Say more."),
    option("version", "V", FLAG, "Show the version."),
    option("layout", "", FLAG, "Show which task is where, and leave."),
    option("input-filter", "", LIST, "Send standard input to this task alone.", "TASK"),
    option("output-filter", "", LIST, "Show what this task alone writes.", "TASK"),
    option("error-filter", "", LIST, "Show what this task alone writes to standard error.", "TASK"),
    option("pty", "", FLAG, "Hand keys on as they are, for a step with a terminal."),
)
# fmt: on
