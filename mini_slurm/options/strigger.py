"""The options of strigger: one row each."""

from __future__ import annotations

from mini_slurm.options.grammar import Option
from mini_slurm.options.listings import CLUSTERS, FLAG, HELP, LIST, MAYBE, USAGE, VERBOSE, VERSION, option

# what a trigger can be set for: the option, its letter
OCCASIONS = (
    ("primary_slurmctld_failure", "a"), ("primary_slurmctld_resumed_operation", "A"),
    ("primary_slurmctld_resumed_control", "b"), ("backup_slurmctld_failure", "B"),
    ("backup_slurmctld_resumed_operation", "c"), ("backup_slurmctld_assumed_control", "C"), ("down", "d"),
    ("drained", "D"), ("primary_slurmctld_acct_buffer_full", "e"), ("fini", "f"), ("fail", "F"),
    ("primary_slurmdbd_failure", "g"), ("primary_slurmdbd_resumed_operation", "G"), ("primary_database_failure", "h"),
    ("primary_database_resumed_operation", "H"), ("idle", "I"), ("reconfig", "r"), ("time", "t"), ("up", "u"),
    ("burst_buffer", ""),
)  # fmt: skip
OPTIONS: tuple[Option, ...] = (
    *(option(name, letter, FLAG, "When this happens.") for name, letter in OCCASIONS),
    option("id", "i", LIST, "The trigger of this number.", "NUMBER"),
    option("jobid", "j", LIST, "Triggers of this job.", "JOB"),
    CLUSTERS,
    option("node", "n", MAYBE, "Triggers of these nodes.", "NODES"),
    option("noheader", "N", FLAG, "No line of names."),
    option("offset", "o", LIST, "Seconds after what happens, or before with -.", "SECONDS"),
    option("program", "p", LIST, "What is run then.", "PATH"),
    option("quiet", "Q", FLAG, "Do not say what could not be cleared."),
    VERBOSE,
    VERSION,
    option("clear", "", FLAG, "Take triggers away."),
    option("flags", "", LIST, "Flags of the trigger.", "FLAGS"),
    option("front_end", "", FLAG, "Of front end nodes."),
    option("get", "", FLAG, "Show triggers: there are none."),
    HELP,
    option("set", "", FLAG, "Make a trigger: a fleet has none."),
    USAGE,
    option("user", "", LIST, "Triggers of this user.", "USER"),
)
