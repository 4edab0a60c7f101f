"""The options of sshare: one row each."""

from __future__ import annotations

from mini_slurm.options.grammar import Option
from mini_slurm.options.listings import FLAG, LIST, option

# fmt: off
OPTIONS = (
    option("accounts", "A", LIST, "These accounts.", "ACCOUNTS"),
    option("all", "a", FLAG, "All users."),
    option("helpformat", "e", FLAG, "Show the names of the columns."),
    option("long", "l", FLAG, "More columns."),
    option("partition", "m", FLAG, "Show partitions too."),
    option("cluster", "M", LIST, "Ask these clusters.", "CLUSTERS", "clusters"),
    option("noheader", "n", FLAG, "No line of names."),
    Option(field="noheader", long="", short="h", value=FLAG, help="No line of names."),
    option("format", "o", LIST, "Columns by name: NAME[%WIDTH],...", "FORMAT"),
    option("parsable", "p", FLAG, "Values between | with one at the end."),
    option("parsable2", "P", FLAG, "Values between | without one at the end."),
    option("users", "u", LIST, "These users.", "USERS"),
    option("Users", "U", FLAG, "Users alone, without the accounts above them."),
    option("verbose", "v", FLAG, "Say more."),
    option("version", "V", FLAG, "Show the version."),
    option("help", "", FLAG, "Show this help."),
    option("usage", "", FLAG, "Show the options in short."),
)
# fmt: on
