"""What -v says of options and of what is loaded, as Slurm's commands do."""

from __future__ import annotations

import os

from mini_slurm.cli import listing
from mini_slurm.errors import visible
from mini_slurm.model.hostlist import compress
from mini_slurm.options.listings import state_name
from mini_slurm.output.values import NULL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli import node_request
    from mini_slurm.cli.queue_request import Request
    from mini_slurm.options.job_ids import JobId
    from mini_slurm.options.listings import Chosen

RULE = "-" * 29
# what Slurm's commands say at -v when they first speak of jobs or machines, and at -vv when they first speak at all
PLUGINS = (
    "select/cons_tres: common_init: select/cons_tres loaded",
    "select/cray_aries: init: Cray/Aries node selection plugin loaded",
    "select/linear: init: Linear node selection plugin loaded with argument 17",
    "select/cons_res: common_init: select/cons_res loaded",
)
SPEAKING = (
    "debug:  auth/munge: init: Munge authentication plugin loaded",
    "debug:  hash/k12: init: init: KangarooTwelve hash plugin loaded",
)
STORAGE = "accounting_storage/slurmdbd: init: Accounting storage SLURMDBD plugin loaded"
CONNECTED = "debug:  accounting_storage/slurmdbd: _connect_dbd_conn: Sent PersistInit msg"


def loaded(chosen: Chosen, *, records: bool = True) -> list[str]:
    """What a command says of what it loads to speak to the controller, and of records, by how often -v was given."""
    count = chosen.count("verbose")
    by_plugins = records and "verbose" in chosen  # which a variable may say as well
    return [*(SPEAKING if count > 1 else ()), *(PLUGINS if by_plugins else ())]


def accounting_loaded(chosen: Chosen) -> list[str]:
    """What a command says of what it loads to speak to the accounting."""
    return [STORAGE, *((*SPEAKING, CONNECTED) if chosen.count("verbose") > 1 else ())]


def sacct_options(chosen: Chosen) -> str:
    """What sacct says of some of its options, several lines as one."""
    whole = chosen.text("whole_hetjob")
    columns = visible(chosen.text("format") or "")
    values = {
        "completion": "no",
        "dup": "yes" if "duplicates" in chosen else "no",
        "field_list": f"{columns}," if columns else NULL,
        "help": "0",
        "no_steps": "yes" if "allocations" in chosen else "no",
        "whole_hetjob": NULL if whole is None else "no" if whole.lower().startswith("n") else "yes",
    }
    return "\n\t".join(["debug:  Options selected:", *(f"opt_{name}={value}" for name, value in values.items())])


def _is(chosen: Chosen, field: str) -> str:
    return "true" if field in chosen else "false"


def _squeue_users(chosen: Chosen) -> str:
    last = next((field for field in reversed(chosen.fields) if field in ("me", "user")), "user")
    return str(os.geteuid()) if last == "me" else chosen.text("user") or NULL


def squeue_options(request: Request) -> list[str]:
    """The lines of squeue."""
    chosen = request.chosen
    values = {
        "all         ": "true" if "all" in chosen or "partitions" in chosen else "false",
        "array       ": _is(chosen, "array"),
        "federation  ": _is(chosen, "federation"),
        "format      ": chosen.text("format") or NULL,
        "iterate     ": chosen.text("iterate") or "0",
        "job_flag    ": str(int("jobs" in chosen)),
        "jobs        ": chosen.text("jobs") or NULL,
        "licenses    ": chosen.text("licenses") or NULL,
        "local       ": _is(chosen, "local"),
        "names       ": chosen.text("name") or NULL,
        "nodes       ": compress(listing.names(chosen.text("nodelist") or "")),
        "partitions  ": chosen.text("partitions") or NULL,
        "priority    ": _is(chosen, "priority"),
        "reservation ": chosen.text("reservation") or NULL,
        "sibling      ": _is(chosen, "sibling"),
        "sort        ": request.sort or NULL,
        "start_flag  ": str(int("start" in chosen)),
        "states      ": chosen.text("states") or NULL,
        "step_flag   ": str(int("steps" in chosen)),
        "steps       ": chosen.text("steps") or NULL,
        "users       ": _squeue_users(chosen),
        "verbose     ": str(chosen.count("verbose")),
    }
    lists = _squeue_lists(request) if chosen.count("verbose") > 1 else []
    return [RULE, *(f"{name}= {value}" for name, value in values.items()), *lists, RULE, "", ""]


def _squeue_lists(request: Request) -> list[str]:
    """What squeue has read from its lists, as it says at -vv; of names it shows the first letter's number."""
    chosen = request.chosen
    states = chosen.words("states") or []
    whole = (chosen.text("states") or "").lower() == "all"
    values: dict[str, list[str]] = {
        "job_list": [f"{one.number}{_task(one)}" for one in request.jobs or ()],
        "name_list": [str(ord(name[0])) for name in chosen.words("name") or ()],
        "licenses_list": chosen.words("licenses") or [],
        "part_list": chosen.words("partitions") or [],
        "state_list": [] if whole else [state_name(word) for word in states],
        "step_list": [f"{one.number}{_task(one)}.{one.step}+0" for one in request.steps or ()],
        "user_list": [str(user) for user in request.users or ()],
    }
    found = {name: [f"{name}[{place}] = {one}" for place, one in enumerate(ones)] for name, ones in values.items()}
    if whole:
        found["state_list"] = ["state_list = all"]
    return [line for lines in found.values() for line in lines]


def _task(one: JobId) -> str:
    return "" if one.tasks is None else f"_{min(one.tasks)}"


def sprio_options(chosen: Chosen) -> list[str]:
    """The lines of sprio."""
    values = {
        "format     ": chosen.text("format") or NULL,
        "job_flag   ": str(int("jobs" in chosen)),
        "jobs       ": chosen.text("jobs") or NULL,
        "partition  ": chosen.text("partition") or NULL,
        "users      ": chosen.text("user") or NULL,
        "verbose    ": str(chosen.count("verbose")),
    }
    return [RULE, *(f"{name}= {value}" for name, value in values.items()), RULE, "", ""]


# how `sinfo -v` writes what tells lines apart, and the columns that do
FLAGS = {
    "alloc_mem_flag  = ": "AllocMem",
    "avail_flag      = ": "Available",
    "comment_flag    = ": "Comment",
    "cpus_flag       = ": "CPUs CPUsState",
    "default_time_flag =": "DefaultTime",
    "disk_flag       = ": "Disk",
    "extra_flag      = ": "Extra",
    "features_flag   = ": "Features",
    "features_flag_act = ": "features_act",
    "groups_flag     = ": "Groups",
    "gres_flag       = ": "Gres",
    "gres_used_flag  = ": "GresUsed",
    "job_size_flag   = ": "Size",
    "max_time_flag   = ": "Time",
    "memory_flag     = ": "Memory",
    "partition_flag  = ": "Partition PartitionName",
    "port_flag       = ": "Port",
    "priority_job_factor_flag   = ": "PriorityJobFactor",
    "priority_tier_flag   = ": "PriorityTier",
    "reason_flag     = ": "Reason",
    "reason_timestamp_flag = ": "TimeStamp",
    "reason_user_flag = ": "User UserLong",
    "reservation_flag = ": "",
    "root_flag       = ": "Root",
    "oversubscribe_flag      = ": "OverSubscribe",
    "state_flag      = ": "StateCompact StateLong",
    "statecomplete_flag = ": "StateComplete",
    "weight_flag     = ": "Weight",
}


def sinfo_options(request: node_request.Request) -> list[str]:
    """The lines of sinfo."""
    chosen = request.chosen
    words = ("dead", "nodes", "partition", "responding")
    is_filtering = request.states is not None or any(word in chosen for word in words)
    by_default = not request.has_own_widths
    values = {
        "dead       ": _is(chosen, "dead"),
        "exact      ": str(int("exact" in chosen)),
        "filtering  ": "true" if is_filtering else "false",
        "format     ": request.format.replace("{P}", "9").replace("{N}", "0"),
        "iterate    ": chosen.text("iterate") or "0",
        "long       ": _is(chosen, "long"),
        "no_header  ": _is(chosen, "noheader"),
        "node_field ": "true" if by_default and request.by_node else "false",
        "node_format": _is(chosen, "Node"),
        "nodes      ": chosen.text("nodes") or "n/a",
        "part_field ": "true" if "{P}" in request.format else "false",
        "partition  ": chosen.text("partition") or "n/a",
        "responding ": _is(chosen, "responding"),
        "states     ": request.states or NULL,
        "sort       ": chosen.text("sort") or NULL,
        "summarize  ": _is(chosen, "summarize"),
        "verbose    ": str(chosen.count("verbose")),
    }
    is_all = "true" if "all" in chosen or "partition" in chosen else "false"
    names = {field.name for field in request.layout.fields}
    flags = [f"{flag}{'true' if names & {*columns.split()} else 'false'}" for flag, columns in FLAGS.items()]
    head = [RULE, *(f"{name} = {value}" for name, value in values.items()), RULE]
    return [*head, f"all_flag        = {is_all}", *flags, RULE, ""]
