"""What pbsnodes and qstat -Q tell of a PBS: its nodes and queues, as machines and partitions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from mini_slurm.clusters.base import Site
from mini_slurm.clusters.pbs_records import kibibytes, moment, seconds
from mini_slurm.model.fleet import Fleet, MachineEntry, Partition
from mini_slurm.model.job import Job
from mini_slurm.model.machine import Machine
from mini_slurm.model.overrides import NO_OVERRIDE, NodeOverride
from mini_slurm.model.states import JobState

GONE = frozenset({"down", "stale", "state-unknown", "unresolvable", "stopped", "unknown"})
CLOSED = frozenset({"offline", "offline_by_mom", "maintenance", "wait-provisioning", "provisioning"})
WHOLE = frozenset({"job-exclusive", "resv-exclusive"})  # nothing of it is left for others
STATES = {(True, True): "UP", (False, True): "DRAIN", (True, False): "DOWN", (False, False): "INACTIVE"}
HEAD = re.compile(r"(?:(\w[\w ]*): )?(\S+)")

Attributes = Mapping[str, str]


def blocks(output: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """Each thing's name and attributes: `Queue: workq` or a bare name, then `name = value` further to the right."""
    attributes: dict[str, str] = {}
    name = last = ""
    for line in output.decode("utf-8", "backslashreplace").split("\n"):
        if line.startswith("\t") and last:
            attributes[last] += line[1:]
        elif line[:1].isspace():
            last, _, value = line.strip().partition(" = ")
            attributes[last] = value
        elif found := HEAD.fullmatch(line):
            if name:
                yield name, attributes
            name, attributes, last = found[2], {}, ""
    if name:
        yield name, attributes


def site(name: str, nodes: bytes, queues: bytes, server: bytes) -> Site:
    """The whole of it, from pbsnodes -a, qstat -Q -f and qstat -B -f."""
    found = dict(blocks(nodes))
    first = next((given.get("default_queue", "") for _, given in blocks(server)), "")
    listed = list(blocks(queues))
    partitions = {queue: _partition(queue, given, found, queue == first) for queue, given in listed}
    entries = {one: _entry(one, given) for one, given in found.items()}
    machines = {one: _machine(one, given) for one, given in found.items()}
    held = [job for one, given in found.items() if (job := _held(one, given)).alloc_cpus]
    return Site(Fleet(name, "", entries, partitions), machines, held)


def _words(given: Attributes) -> set[str]:
    return {word.strip() for word in given.get("state", "").split(",")}


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0


def cpus(given: Attributes) -> int:
    """How many CPUs jobs may have there."""
    return _number(given.get("resources_available.ncpus") or given.get("np") or given.get("pcpus"))


def _entry(name: str, given: Attributes) -> MachineEntry:
    """What it has is told by `_machine`; here is what only a fleet file could say."""
    told = given.get("resources_available.feature") or given.get("properties") or ""
    order = NO_OVERRIDE
    if _words(given) & CLOSED:
        reason = given.get("comment") or given.get("note") or "offline"
        since = moment(given.get("last_state_change_time")) or 0.0
        order = NodeOverride(flags=("DRAIN",), reason=reason, reason_time=since, reason_uid=0)
    features = tuple(filter(None, told.split(",")))
    return MachineEntry(name, given.get("resources_available.host", name), features=features, override=order)


def _machine(name: str, given: Attributes) -> Machine:
    gone = bool(_words(given) & GONE)
    memory = given.get("resources_available.mem") or _of_status(given, "physmem")
    gpus = _number(given.get("resources_available.ngpus") or given.get("gpus"))
    return Machine(
        name=name,
        state="DOWN" if gone else "UP",
        reason=(given.get("comment") or "not responding") if gone else "",
        reason_time=(moment(given.get("last_state_change_time")) or 0.0) if gone else 0.0,
        cpus=cpus(given),
        memory=kibibytes(memory) // 1024,
        gpus=str(gpus) if gpus else "",
        architecture=given.get("resources_available.arch", ""),
    )


def _of_status(given: Attributes, name: str) -> str:
    """A value of Torque's `status = name=value,...`."""
    found = re.search(rf"(?:^|,){name}=([^,]*)", given.get("status", ""))
    return found[1] if found else "0kb"


def _held(name: str, given: Attributes) -> Job:
    """All that is taken there, as if by one job; nothing of a node that is gone."""
    if _words(given) & GONE:
        given = {}
    whole = bool(_words(given) & WHOLE)
    taken = given.get("resources_assigned.ncpus")
    held = _number(taken) if taken is not None else _slots(given.get("jobs", ""))
    job = Job()
    job.state, job.node = JobState.RUNNING, name
    job.alloc_cpus = cpus(given) if whole else held
    job.alloc_memory = kibibytes(given.get("resources_assigned.mem", "0kb")) // 1024
    job.alloc_gpus = str(_number(given.get("resources_assigned.ngpus")) or "")
    return job


def _slots(text: str) -> int:
    """How many CPUs Torque's `0-3/7.head, 4/8.head` are."""
    found = re.findall(r"(\d+)(?:-(\d+))?/", text)
    return sum(int(last or first) - int(first) + 1 for first, last in found)


# --- queues


def _partition(name: str, given: Attributes, nodes: Mapping[str, Attributes], first: bool) -> Partition:
    longest, usual = given.get("resources_max.walltime"), given.get("resources_default.walltime")
    return Partition(
        name,
        _machines(name, given, nodes),
        default=first,
        max_time=seconds(longest) if longest else None,
        default_time=seconds(usual) if usual else None,
        state=STATES[given.get("enabled") == "True", given.get("started") == "True"],
        max_nodes=_number(given.get("resources_max.nodect")) or None,
        priority=_number(given.get("Priority")) or 1,
    )


def _machines(name: str, given: Attributes, nodes: Mapping[str, Attributes]) -> tuple[str, ...]:
    """The nodes that serve a queue: those that are its own, those of its Qlist, else those that are nobody's."""
    if given.get("queue_type", "Execution")[:1] != "E":
        return ()  # it hands its jobs on to other queues
    label = given.get("default_chunk.Qlist")
    if label:
        return tuple(one for one, of in nodes.items() if label in of.get("resources_available.Qlist", "").split(","))
    own = tuple(one for one, of in nodes.items() if of.get("queue") == name)
    return own or tuple(one for one, of in nodes.items() if not of.get("queue"))
