"""The options of scontrol: one row each."""

from __future__ import annotations

from mini_slurm.options.grammar import Option
from mini_slurm.options.listings import FLAG, LIST, option

# fmt: off
OPTIONS = (
    option("all", "a", FLAG, "Hidden partitions too."),
    option("cluster", "M", LIST, "Speak to this cluster.", "CLUSTER", "clusters"),
    option("details", "d", FLAG, "Show more of each record."),
    option("federation", "", FLAG, "Show the jobs of the whole federation."),
    option("future", "F", FLAG, "Show nodes in the state FUTURE."),
    option("help", "h", FLAG, "Show this help."),
    option("hide", "", FLAG, "No hidden partitions."),
    option("local", "", FLAG, "Show the jobs of this cluster only."),
    option("oneliner", "o", FLAG, "One line for each record."),
    option("quiet", "Q", FLAG, "Say nothing but errors."),
    option("sibling", "", FLAG, "Show sibling jobs of a federation."),
    option("uid", "u", LIST, "Update a job as this user.", "USER"),
    Option(field="help", long="usage", value=FLAG, help="Show this help."),
    option("verbose", "v", FLAG, "Say more."),
    option("version", "V", FLAG, "Show the version."),
)
# fmt: on
