"""The options of squeue: one row each."""

from __future__ import annotations

from mini_slurm.options.listings import (
    CLUSTERS,
    FEDERATION,
    FLAG,
    HELP,
    JSON,
    LIST,
    LOCAL,
    MAYBE,
    NO_CONVERT,
    USAGE,
    VERBOSE,
    VERSION,
    YAML,
    option,
)

SUMMARY = """\
Usage: squeue [-A account] [--clusters names] [-i seconds] [--job jobid]
              [-n name] [-o format] [-p partitions] [--qos qos]
              [--reservation reservation] [--sort fields] [--start]
              [--step step_id] [-t states] [-u user_name] [--usage]
              [-L licenses] [-w nodes] [--federation] [--local] [--sibling]
\t      [-ahjlrsv]"""
STATES = (
    "PENDING,RUNNING,SUSPENDED,COMPLETED,CANCELLED,FAILED,TIMEOUT,NODE_FAIL,PREEMPTED,BOOT_FAIL,DEADLINE,"
    "OUT_OF_MEMORY,COMPLETING,CONFIGURING,RESIZING,RESV_DEL_HOLD,REQUEUED,REQUEUE_FED,REQUEUE_HOLD,REVOKED,"
    "SIGNALING,SPECIAL_EXIT,STAGE_OUT,STOPPED"
)
# fmt: off
OPTIONS = (
    option("accounts", "A", LIST, "Jobs of these accounts.", "ACCOUNTS"),
    option("all", "a", FLAG, "Jobs of hidden partitions too."),
    option("array", "r", FLAG, "Each task of an array on a line of its own."),
    option("array-unique", "", FLAG, "One line for each array element that is shown."),
    option("Format", "O", LIST, "Columns by name: NAME[:[.]WIDTH],...", "FORMAT", field="long_format"),
    option("format", "o", LIST, "Columns by letter: %[[.]WIDTH]LETTER...", "FORMAT"),
    FEDERATION,
    HELP,
    option("hide", "", FLAG, "No jobs of hidden partitions."),
    option("iterate", "i", LIST, "Show it again every so many seconds.", "SECONDS"),
    option("jobs", "j", MAYBE, "These jobs.", "JOBS"),
    LOCAL,
    option("long", "l", FLAG, "More columns."),
    option("licenses", "L", LIST, "Jobs that want these licenses.", "LICENSES"),
    CLUSTERS,
    option("me", "", FLAG, "My own jobs."),
    option("name", "n", LIST, "Jobs of these names.", "NAMES"),
    NO_CONVERT,
    option("node", "w", LIST, "Jobs on these nodes.", "NODES", "nodes", "nodelist", field="nodelist"),
    option("noheader", "h", FLAG, "No line of names."),
    option("partitions", "p", LIST, "Jobs of these partitions.", "PARTITIONS"),
    option("priority", "P", FLAG, "A line for each partition that a job waits for."),
    option("qos", "q", LIST, "Jobs of these QOS.", "QOS"),
    option("reservation", "R", LIST, "Jobs of this reservation.", "NAME"),
    option("sib", "", FLAG, "Show sibling jobs of a federation.", "", "sibling", field="sibling"),
    option("sort", "S", LIST, "Order: letters of -o, each with + or - before it.", "LETTERS"),
    option("start", "", FLAG, "When waiting jobs are expected to start."),
    option("steps", "s", MAYBE, "Steps instead of jobs.", "STEPS"),
    option("states", "t", LIST, "Jobs in these states, or all.", "STATES"),
    USAGE,
    option("", "U", LIST, "An older form of -A.", "ACCOUNTS", field="accounts"),
    option("user", "u", LIST, "Jobs of these users.", "USERS", "users"),
    VERBOSE, VERSION, JSON, YAML,
)
# fmt: on
WHY = option("why", "", LIST, "What a job waits for, in plain words.", "JOB")  # under our own name alone
