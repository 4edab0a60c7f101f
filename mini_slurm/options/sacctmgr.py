"""The options of sacctmgr: one row each."""

from __future__ import annotations

from mini_slurm.options.grammar import Option
from mini_slurm.options.listings import FLAG, option

# fmt: off
OPTIONS = (
    option("help", "h", FLAG, "Show this help."),
    Option(field="help", long="usage", value=FLAG, help="Show this help."),
    option("immediate", "i", FLAG, "Ask nothing before a change."),
    option("noheader", "n", FLAG, "No line of names."),
    option("oneliner", "o", FLAG, "One line for each record."),
    option("parsable", "p", FLAG, "Values between | with one at the end."),
    option("parsable2", "P", FLAG, "Values between | without one at the end."),
    option("quiet", "Q", FLAG, "Say nothing but errors."),
    option("readonly", "r", FLAG, "Change nothing."),
    option("associations", "s", FLAG, "Show the associations of users and accounts."),
    option("verbose", "v", FLAG, "Say more."),
    option("version", "V", FLAG, "Show the version."),
)
# fmt: on
