"""The variables of a job's environment: those Slurm sets, and those of the user's environment that travel.

SLURM_TASK_PID, SLURM_JOB_GPUS and CUDA_VISIBLE_DEVICES (empty for a job without GPUs on a machine that has some) are
set where the process is. SLURM_SUBMIT_DIR, SLURM_SUBMIT_HOST, SLURM_PRIO_PROCESS and what options leave behind
(SLURM_NTASKS_PER_NODE ...) are part of the environment that is submitted, as in sbatch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from mini_slurm.model.allocation import Share, parse_allocation
from mini_slurm.model.export import wanted, words
from mini_slurm.model.gpu_request import gpu_parts
from mini_slurm.model.job import Job
from mini_slurm.model.request import extra

# The machine's own: they name things that exist where they were set, so the machine where the job runs has its own.
MACHINE_OWN = frozenset(
    {
        *("HOME", "USER", "LOGNAME", "SHELL", "MAIL", "PWD", "OLDPWD", "SHLVL", "_", "HOSTNAME", "HOST"),
        *("TMPDIR", "TMP", "TEMP", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "TMUX", "TMUX_PANE", "STY"),
        *("SUDO_COMMAND", "SUDO_GID", "SUDO_UID", "SUDO_USER"),
    }
)
MACHINE_OWN_PREFIXES = ("SSH_", "XDG_RUNTIME_", "XDG_SESSION_")
HET_GROUP = "_HET_GROUP_"
OLD_GROUP = "_PACK_GROUP_"  # as Slurm called parts once, and still does beside
OF_A_PART = (
    *("SLURM_JOB_ID", "SLURM_JOBID", "SLURM_JOB_NAME", "SLURM_JOB_NODELIST", "SLURM_NODELIST", "SLURM_JOB_NUM_NODES"),
    *("SLURM_NNODES", "SLURM_JOB_PARTITION", "SLURM_JOB_CPUS_PER_NODE", "SLURM_TASKS_PER_NODE", "SLURM_NODE_ALIASES"),
    *("SLURM_JOB_ACCOUNT", "SLURM_JOB_QOS", "SLURM_NTASKS", "SLURM_NPROCS", "SLURM_CPUS_PER_TASK", "SLURM_MEM_PER"),
)
SLURMS_OWN = "SLURM_"  # travels whatever --export says
OF_A_LOGIN = ("HOME", "USER", "LOGNAME", "SHELL")
NOT_FROM_FILES = frozenset({"DISPLAY", "ENVIRONMENT", "HOSTNAME"})
# Slurm's usual places. There is no such file or daemon on a fleet: scripts that hand them on, or print them, find them.
CONFIGURATION = "/etc/slurm/slurm.conf"
CONTROLLER = "{cluster}:{host}:6817:9728:109"  # port of slurmctld, version of its protocol, number of the select plugin


def batch_environment(job: Job, *, cluster: str, gpus_on_node: int, aliases: str = "") -> dict[str, str]:
    """What Slurm sets for the script of a job; `aliases`: of its nodes, as Fleet.node_aliases has them."""
    node, shares = job.node or "", list(parse_allocation(job.allocation).values())
    variables = {
        "ENVIRONMENT": "BATCH",
        "HOSTNAME": node,
        "SLURMD_NODENAME": node,
        "SLURM_CLUSTER_NAME": cluster,
        "SLURM_CONF": CONFIGURATION,
        "SLURM_CPUS_ON_NODE": str(shares[0].resources.cpus),
        "SLURM_GTIDS": "0",
        "SLURM_JOBID": str(job.job_id),
        "SLURM_JOB_CPUS_PER_NODE": per_node(share.resources.cpus for share in shares),
        "SLURM_JOB_GID": str(job.gid),
        "SLURM_JOB_ID": str(job.job_id),
        "SLURM_JOB_NAME": job.name,
        "SLURM_JOB_NODELIST": job.node_list or "",
        "SLURM_JOB_NUM_NODES": str(len(shares)),
        "SLURM_JOB_PARTITION": job.partition,
        "SLURM_JOB_UID": str(job.uid),
        "SLURM_JOB_USER": job.user,
        "SLURM_LOCALID": "0",
        "SLURM_NNODES": str(len(shares)),
        "SLURM_NODEID": "0",
        "SLURM_NODELIST": job.node_list or "",
        "SLURM_NODE_ALIASES": aliases or "(null)",
        "SLURM_PROCID": "0",
        "SLURM_TASKS_PER_NODE": per_node(_tasks(job, shares)),
        "SLURM_TOPOLOGY_ADDR": node,
        "SLURM_TOPOLOGY_ADDR_PATTERN": "node",
        "SLURM_WORKING_CLUSTER": CONTROLLER.format(cluster=cluster, host=job.submit_host),
    }
    if gpus_on_node:
        variables["SLURM_GPUS_ON_NODE"] = str(gpus_on_node)
    shards = sum(part.shards for part in gpu_parts(job))
    if shards:
        variables["SLURM_SHARDS_ON_NODE"] = str(shards)
    return variables | _when_said(job) | _array(job)


def het_environment(parts: Sequence[Job], cluster: str) -> dict[str, str]:
    """What the script of a heterogeneous job is told of each of its parts."""
    variables = {"SLURM_HET_SIZE": str(len(parts)), "SLURM_PACK_SIZE": str(len(parts))}
    for part in parts:
        known = batch_environment(part, cluster=cluster, gpus_on_node=0)
        known = {name: value for name, value in known.items() if name.startswith(OF_A_PART)}
        variables |= of_part(known, part.het_offset) | of_part(known, part.het_offset, OLD_GROUP)
    return variables


def of_part(variables: Mapping[str, str], offset: int, mark: str = HET_GROUP) -> dict[str, str]:
    """The variables as those of one part are called."""
    return {f"{name}{mark}{offset}": value for name, value in variables.items()}


def per_node(numbers: Iterable[int]) -> str:
    """A number for each node, as Slurm writes them: 2,2,3 is `2(x2),3`."""
    runs = [(number, len(list(run))) for number, run in groupby(numbers)]
    return ",".join(f"{number}(x{count})" if count > 1 else str(number) for number, count in runs)


def _tasks(job: Job, shares: Sequence[Share]) -> list[int]:
    """The tasks of each machine; those that no CPU is for, with --overcommit, go round.

    Where there are more CPUs than tasks need, as on whole machines, they are spread evenly.
    """
    ntasks = job.ntasks or 0
    room = [share.resources.cpus // (job.cpus_per_task or 1) for share in shares]
    if sum(room) > ntasks > 0 and not job.ntasks_per_node:
        return _even(room, ntasks)
    counts = [share.tasks for share in shares]
    left = ntasks - sum(counts)
    return [
        count + (left - index - 1) // len(counts) + 1 if left > index else count for index, count in enumerate(counts)
    ]


def _even(room: list[int], count: int) -> list[int]:
    """So many, one for each machine in turn as long as it has room; there is room for all."""
    found = [0] * len(room)
    while (left := count - sum(found)) > 0:
        for index in [index for index, most in enumerate(room) if found[index] < most][:left]:
            found[index] += 1
    return found


def _when_said(job: Job) -> dict[str, str]:
    """Variables that are only there when there is something to say."""
    tasks = job.ntasks
    if tasks is None and job.ntasks_per_node:
        tasks = sum(share.tasks for share in parse_allocation(job.allocation).values()) or None
    said = {
        "SLURM_ARBITRARY_NODELIST": job.node_list if _is_arbitrary(job) else None,
        "SLURM_JOB_ACCOUNT": job.account,
        "SLURM_JOB_QOS": job.qos,
        "SLURM_JOB_RESERVATION": job.reservation,
        "SLURM_NTASKS": tasks,
        "SLURM_NPROCS": tasks,
        "SLURM_CPUS_PER_TASK": job.cpus_per_task,
        "SLURM_MEM_PER_CPU": job.memory_per_cpu or None,
        "SLURM_MEM_PER_NODE": job.memory_per_node or None,
        "SLURM_RESTART_COUNT": job.restarts or None,
    }
    return {name: str(value) for name, value in said.items() if value is not None}


def _is_arbitrary(job: Job) -> bool:
    return extra(job).get("distribution", "").startswith("arbitrary")


def _array(job: Job) -> dict[str, str]:
    if job.array_task_id is None:
        return {}
    return {
        "SLURM_ARRAY_JOB_ID": str(job.array_job_id),
        "SLURM_ARRAY_TASK_COUNT": str(job.array_size),
        "SLURM_ARRAY_TASK_ID": str(job.array_task_id),
        "SLURM_ARRAY_TASK_MAX": str(job.array_max),
        "SLURM_ARRAY_TASK_MIN": str(job.array_min),
        "SLURM_ARRAY_TASK_STEP": str(job.array_step),
    }


# --- what is submitted


def exported(environment: dict[str, str], export: str | None) -> dict[str, str]:
    """What of the user's environment travels with a job, by the rules of --export."""
    if export is None or export.upper() == "ALL":
        sent = _travels(environment)
    else:
        sent = {}
        for word in [] if export.upper() == "NONE" else words(export):
            sent |= _of_word(word, environment)
        sent |= {name: value for name, value in environment.items() if name.startswith(SLURMS_OWN)}
        sent["SLURM_GET_USER_ENV"] = "1"
    if export is not None and export.upper() != "ALL":
        sent.setdefault("SLURM_EXPORT_ENV", export)
    return sent


def _travels(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not is_machine_own(name)}


def _of_word(word: str, environment: dict[str, str]) -> dict[str, str]:
    """The variables that one word of --export stands for: ALL, a name, or a name with a value."""
    name, equals, value = word.partition("=")
    if word.upper() == "ALL":
        return _travels(environment)
    if equals:
        return {name: value}
    return {name: environment[name]} if name in environment and not is_machine_own(name) else {}


def is_machine_own(name: str) -> bool:
    """Is this a variable that every machine has a value of its own for?"""
    return name in MACHINE_OWN or name.startswith(MACHINE_OWN_PREFIXES)


def fixed(job: Job) -> list[str]:
    """The names given as NAME=value: they win even over the machine's own.

    A file of variables says all, even that there is no HOME.
    """
    return [*(OF_A_LOGIN if "export-file" in extra(job) else ()), *wanted(job.export)[1]]


def of_file(data: bytes) -> dict[str, str]:
    """The variables in a file of --export-file, each ended by a NUL; it stops at the first empty one."""
    found: dict[str, str] = {}
    for entry in data.split(b"\0")[:-1]:
        if not entry:
            break
        name, equals, value = entry.decode("utf-8", "surrogateescape").partition("=")
        if equals and name and name not in NOT_FROM_FILES:
            found[name] = value
    return found
