"""What the values of options and the other words of commands are: jobs, partitions, nodes, ... To add one: a row."""

from __future__ import annotations

from mini_slurm.options.grammar import Option

FILES, FOLDERS, COMMANDS = "files", "folders", "commands"  # what the shell itself completes
SHELLS_OWN = frozenset({FILES, FOLDERS, COMMANDS})

# By what the help page writes for the value; what is not here is known by the option's name.
BY_METAVAR = {
    "ACCOUNT": "accounts", "ACCOUNTS": "accounts", "CLUSTER": "clusters", "CLUSTERS": "clusters", "COMMAND": COMMANDS,
    "FEATURES": "features", "FILE": FILES, "FOLDER": FOLDERS, "JOB": "jobs", "JOBS": "jobs", "NODES": "nodes",
    "PARTITION": "partitions", "PARTITIONS": "partitions", "QOS": "qos", "SIGNAL": "signals", "STATE": "states",
    "STATES": "states", "STEPS": "jobs", "USER": "users", "USERS": "users",
}  # fmt: skip
BY_NAME = {
    "account": "accounts", "partition": "partitions", "qos": "qos", "dependency": "dependencies", "jobid": "jobs",
    "clusters": "clusters", "state": "states", "nodelist": "nodes", "exclude": "nodes", "constraint": "features",
    "chdir": FOLDERS, "identity-file": FILES, "template": "templates",
}  # fmt: skip
# Where a command means something else by a name.
SPECIAL = {
    ("msinfo", "states"): "node_states",
    ("msacct", "jobs"): "all_jobs",
    ("msacct", "format"): "accounting_columns",
    ("msqueue", "Format"): "job_columns",
    ("msinfo", "Format"): "node_columns",
}
# What stands after the options, and its verbs' or entities' words in mscontrol.
WORDS = {
    "msbatch": FILES,
    "msrun": COMMANDS,
    "msalloc": COMMANDS,
    "mscancel": "jobs",
    "mscontrol": "control",
    "mini-slurm": "admin",
}
ENDS_OPTIONS = frozenset({"msbatch", "msrun", "msalloc"})  # the first other word ends the options
CONTROL = {
    "show": "entities", "hold": "jobs", "uhold": "jobs", "release": "jobs", "requeue": "jobs", "requeuehold": "jobs",
    "suspend": "jobs", "resume": "jobs", "top": "jobs", "notify": "jobs", "update": "specifications",
    "hostnames": "nodes",
}  # fmt: skip
ENTITIES = {"job": "all_jobs", "step": "jobs", "node": "nodes", "partition": "partitions"}
SPECIFICATIONS = {"JobId=": "jobs", "NodeName=": "nodes", "PartitionName=": "partitions", "State=": "node_states"}
LISTS = {  # of which several may stand with commas between
    "accounts", "all_jobs", "clusters", "features", "jobs", "nodes", "partitions", "qos", "states", "users",
    "node_states", "dependencies", "accounting_columns", "job_columns", "node_columns",
}  # fmt: skip
DEPENDENCIES = ("after:", "afterany:", "afternotok:", "afterok:", "aftercorr:", "singleton")


def of(command: str, option: Option) -> str:
    """What kind of thing an option's value is; words with | between are what it may be; "" where nothing is known."""
    special = SPECIAL.get((command, option.long))
    if special:
        return special
    if "|" in option.metavar:
        return option.metavar
    return BY_METAVAR.get(option.metavar, "") or BY_NAME.get(option.long, "")
