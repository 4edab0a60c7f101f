"""The options of sacct: one row each."""

from __future__ import annotations

from mini_slurm.options.listings import COMMON, FLAG, HELP, LIST, MAYBE, option

# fmt: off
OPTIONS = (
    option("help", "h", FLAG, "Show this help."),
    *HELP[1:], *COMMON[:2],
    option("local", "", FLAG, "Show this cluster only."),
    option("noconvert", "", FLAG, "Leave sizes in their unit."),
    option("json", "", FLAG, "Write JSON."),
    option("yaml", "", FLAG, "Write YAML."),
    option("accounts", "A", LIST, "Jobs of these accounts.", "ACCOUNTS"),
    option("allclusters", "L", FLAG, "Ask all clusters."),
    option("allocations", "X", FLAG, "Jobs only, no steps."),
    option("allusers", "a", FLAG, "Jobs of all users."),
    option("associations", "x", LIST, "Jobs of these associations.", "NUMBERS"),
    option("batch-script", "B", FLAG, "Show the script of a job."),
    option("brief", "b", FLAG, "Number, state and exit code."),
    option("completion", "c", FLAG, "Ask the job completion log."),
    option("constraints", "C", LIST, "Jobs that wanted these features.", "FEATURES"),
    option("delimiter", "", LIST, "Between values, with -p and -P.", "TEXT"),
    option("duplicates", "D", FLAG, "Earlier runs of the same number too."),
    option("endtime", "E", LIST, "Jobs before this moment.", "TIME"),
    option("env-vars", "", FLAG, "Show the environment of a job."),
    option("file", "f", LIST, "Read the job completion log from a file.", "FILE"),
    option("flags", "F", LIST, "Jobs with these flags.", "FLAGS"),
    option("format", "o", LIST, "Columns: NAME[%[-]WIDTH],...", "FORMAT"),
    option("gid", "g", LIST, "Jobs of these groups.", "GROUPS", "group"),
    option("helpformat", "e", FLAG, "List the columns."),
    option("jobs", "j", LIST, "These jobs and steps.", "JOBS"),
    option("long", "l", FLAG, "Nearly all columns."),
    option("name", "", LIST, "Jobs of these names.", "NAMES"),
    option("ncpus", "I", LIST, "Jobs with so many CPUs.", "MIN[-MAX]"),
    option("nnodes", "i", LIST, "Jobs on so many nodes.", "MIN[-MAX]"),
    option("nodelist", "N", LIST, "Jobs on these nodes.", "NODES"),
    option("noheader", "n", FLAG, "No line of names."),
    option("parsable", "p", FLAG, "Values with | after each.", "", "parseable"),
    option("parsable2", "P", FLAG, "Values with | between them.", "", "parseable2"),
    option("partition", "r", LIST, "Jobs of these partitions.", "PARTITIONS"),
    option("qos", "q", LIST, "Jobs of these QOS.", "QOS"),
    option("starttime", "S", LIST, "Jobs after this moment.", "TIME"),
    option("state", "s", LIST, "Jobs in these states.", "STATES"),
    option("timelimit-max", "K", LIST, "Jobs with a time limit up to this.", "TIME"),
    option("timelimit-min", "k", LIST, "Jobs with a time limit from this.", "TIME"),
    option("truncate", "T", FLAG, "Cut start and end to the time that is asked for."),
    option("units", "", LIST, "Sizes in this unit.", "KMGTP"),
    option("user", "u", LIST, "Jobs of these users.", "USERS", "uid"),
    option("wckeys", "W", LIST, "Jobs of these workload keys.", "KEYS"),
    option("whole-hetjob", "", MAYBE, "All parts of a heterogeneous job.", "yes|no"),
)
# fmt: on
