"""The options of sreport: one row each."""

from __future__ import annotations

from mini_slurm.options.grammar import Option
from mini_slurm.options.listings import FLAG, LIST, option

# fmt: off
OPTIONS = (
    option("all_clusters", "a", FLAG, "Report on all clusters."),
    option("federation", "", FLAG, "Report on the federation."),
    option("help", "h", FLAG, "Show this help."),
    Option(field="help", long="usage", value=FLAG, help="Show this help."),
    option("local", "", FLAG, "Report on this cluster."),
    option("cluster", "M", LIST, "Report on these clusters.", "CLUSTERS"),
    option("noheader", "n", FLAG, "No title and no line of names."),
    option("parsable", "p", FLAG, "Values between | with one at the end."),
    option("parsable2", "P", FLAG, "Values between | without one at the end."),
    option("quiet", "Q", FLAG, "Say nothing but errors."),
    option("sort", "s", LIST, "The order of users: Name or Time.", "ORDER"),
    Option(field="time", long="", short="t", value=LIST, metavar="FORM",
           help="How usage is written: Seconds, Minutes, Hours, Percent, SecPer, MinPer, HourPer."),
    option("tres", "T", LIST, "These resources instead of CPUs, or ALL.", "RESOURCES"),
    option("verbose", "v", FLAG, "Say more."),
    option("version", "V", FLAG, "Show the version."),
)
# fmt: on
