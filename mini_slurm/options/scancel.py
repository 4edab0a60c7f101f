"""The options of scancel: one row each."""

from __future__ import annotations

from mini_slurm.options.listings import CLUSTERS, FLAG, HELP, LIST, USAGE, VERBOSE, VERSION, option

# fmt: off
OPTIONS = (
    option("account", "A", LIST, "Jobs of this account.", "ACCOUNT"),
    option("batch", "b", FLAG, "Signal the batch script alone."),
    option("ctld", "", FLAG, "Send it through the controller, as always."),
    option("full", "f", FLAG, "Signal the batch script and all its processes."),
    HELP,
    option("hurry", "H", FLAG, "Do not stage out."),
    option("interactive", "i", FLAG, "Ask before each job."),
    CLUSTERS,
    option("jobname", "n", LIST, "Jobs of this name.", "NAME", "name", field="name"),
    option("me", "", FLAG, "My own jobs."),
    option("nodelist", "w", LIST, "Jobs on these nodes.", "NODES"),
    option("partition", "p", LIST, "Jobs of this partition.", "PARTITION"),
    option("qos", "q", LIST, "Jobs of this QOS.", "QOS"),
    option("quiet", "Q", FLAG, "Say less."),
    option("reservation", "R", LIST, "Jobs of this reservation.", "NAME"),
    option("sibling", "", LIST, "A sibling job of a federation.", "CLUSTER"),
    option("signal", "s", LIST, "Send this signal instead.", "SIGNAL"),
    option("state", "t", LIST, "Jobs in this state.", "STATE"),
    USAGE,
    option("user", "u", LIST, "Jobs of this user.", "USER"),
    VERBOSE, VERSION,
    option("wckey", "", LIST, "Jobs of this workload key.", "KEY"),
)
# fmt: on
