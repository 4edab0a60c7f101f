"""A job request in the words of qsub; what has no words there is refused by name."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise

from mini_slurm.clusters.asked import refuse_others
from mini_slurm.errors import Refused
from mini_slurm.model.export import wanted
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.model.hostlist import expand

# what is translated here or by the wrapper (inside/job.py)
KNOWN = frozenset({
    "account", "array", "begin", "work_dir", "comment", "cpus_per_task", "dependency", "std_err", "exclusive",
    "export", "gpus", "gpus_per_node", "gres", "hold", "std_in", "name", "mail_type", "mail_user", "memory_per_node",
    "memory_per_cpu", "nice", "required_nodes", "nodefile", "nodes", "ntasks", "ntasks_per_node", "open_mode",
    "std_out", "partition", "requeue", "time_limit", "umask_given",
})  # fmt: skip
RANGE = re.compile(r"(\d+)-(\d+)(?::\d+)?(?:%\d+)?")
GPUS = re.compile(r"(?:gpu:)?(\d+)|gpu")
KINDS = frozenset({"after", "afterany", "afterok", "afternotok"})
LONGEST_NAME = 230
MAIL = {"BEGIN": "b", "END": "e", "FAIL": "a"}
LOWEST, HIGHEST = -1024, 1023  # priorities


def translate(job: ForeignJob, asked: Mapping[str, object], others: Mapping[int, ForeignJob]) -> list[str]:
    """The options of qsub; `others` are jobs of this cluster that the dependency names. Raises Refused."""
    refuse_others(job, asked, KNOWN)
    if "," in job.partition:
        raise Refused(
            f"--partition={job.partition} cannot be passed to {job.cluster}: PBS takes one queue",
            hint="name one of them",
        )
    words = ["-N", clean_name(job.name), "-l", f"select={_select(job)}", "-l", f"place={_place(job)}"]
    if job.time_limit is not None:
        words += ["-l", f"walltime={walltime(job.time_limit)}"]
    for option, value in (("-q", job.partition), ("-A", job.account), ("-M", asked.get("mail_user"))):
        words += [option, str(value)] if value else []
    words += _rest(job, asked)
    kept = dependency(job, others)
    return [*words, "-W", f"depend={kept}"] if kept else words


def _rest(job: ForeignJob, asked: Mapping[str, object]) -> Iterator[str]:
    if asked.get("array"):
        yield from ("-J", _array(job, str(asked["array"])))
    if asked.get("hold"):
        yield "-h"
    if job.begin_time is not None:
        yield from ("-a", time.strftime("%Y%m%d%H%M.%S", time.localtime(job.begin_time)))
    if asked.get("requeue") or ("requeue" in asked and not asked.get("array")):  # an array cannot be told not to
        yield from ("-r", "y" if asked["requeue"] else "n")
    if job.nice:
        yield from ("-p", priority(job.nice))
    events = asked.get("mail_type")
    if isinstance(events, frozenset):
        yield from ("-m", "".join(letter for event, letter in MAIL.items() if event in events) or "n")
    if asked.get("umask_given") is not None:
        yield from ("-W", f"umask={job.umask:o}")


def variables(export: str | None, known: Mapping[str, str]) -> dict[str, str]:
    """The variables that the wrapper brings along, of those that are `known` where the job was submitted.

    What is in qsub's words, qstat shows to everybody, and -V of OpenPBS 23.06.06 passes nothing on.
    """
    names, values = wanted(export or "ALL")
    is_all = "ALL" in {name.upper() for name in names}
    passed = known if is_all else {name: known[name] for name in names if name in known}
    return {**{name: value for name, value in passed.items() if not name.startswith("PBS_")}, **values}


def clean_name(name: str) -> str:
    """A name that PBS takes."""
    return re.sub(r"[^A-Za-z0-9._+-]", "_", name)[:LONGEST_NAME].lstrip("-") or "job"


def priority(nice: int) -> str:
    """PBS's priority for Slurm's nice value."""
    return str(min(max(-nice, LOWEST), HIGHEST))


def walltime(seconds: int) -> str:
    """A time limit: PBS has no days."""
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}:{seconds % 60:02}"


# --- resources


def _select(job: ForeignJob) -> str:
    """The chunks: one for each machine where their number or what each has was said, else one for each task."""
    hosts = expand(job.required_nodes) if job.required_nodes else []
    gpus = count_gpus(job)
    tasks = job.ntasks or 1
    if not _is_by_machine(job, gpus):
        return _chunk(job, tasks, 1, _shared(job.memory_per_node, tasks), 0)
    machines = max(job.nodes, len(hosts))
    if job.ntasks_per_node and job.ntasks and job.max_nodes is None:
        machines = max(machines, -(-job.ntasks // job.ntasks_per_node))
    each, more = (job.ntasks_per_node, 0) if job.ntasks_per_node else divmod(job.ntasks or machines, machines)
    if job.gpus and gpus % machines:
        raise Refused(f"--gpus={job.gpus} cannot be divided among {machines} nodes", hint="use --gpus-per-node")
    gpus = gpus // machines if job.gpus else gpus
    layout = [each + (number < more) or 1 for number in range(machines)]
    if hosts:
        return "+".join(
            f"{_chunk(job, 1, count, job.memory_per_node, gpus)}:host={host}"
            for host, count in zip(hosts, layout, strict=False)
        )
    groups = [(layout.count(count), count) for count in dict.fromkeys(layout)]
    return "+".join(_chunk(job, number, count, job.memory_per_node, gpus) for number, count in groups)


def _is_by_machine(job: ForeignJob, gpus: int) -> bool:
    return job.max_nodes is not None or bool(job.ntasks_per_node or job.required_nodes or gpus or job.nodes > 1)


def _chunk(job: ForeignJob, count: int, tasks: int, memory: int | None, gpus: int) -> str:
    cpus = tasks * (job.cpus_per_task or 1)
    words = [str(count), f"ncpus={cpus}", f"mpiprocs={tasks}"]
    if job.cpus_per_task:
        words.append(f"ompthreads={job.cpus_per_task}")
    if memory == 0:
        raise Refused("--mem=0 cannot be passed to PBS, which wants a size", hint="write --mem=SIZE, or --exclusive")
    if memory is None and job.memory_per_cpu is not None:
        memory = job.memory_per_cpu * cpus
    if memory is not None:
        words.append(f"mem={memory}mb")
    if gpus:
        words.append(f"ngpus={gpus}")
    return ":".join(words)


def _shared(memory: int | None, tasks: int) -> int | None:
    return memory and -(-memory // tasks)


def count_gpus(job: ForeignJob) -> int:
    """GPUs of each machine, or of the job where --gpus was given; PBS does not know their types."""
    given = job.gpus or job.gres
    if not given:
        return 0
    found = GPUS.fullmatch(given)
    if found is None:
        raise Refused(f"{given} cannot be passed to {job.cluster}, whose GPUs have no types", hint="write --gres=gpu:N")
    return int(found[1] or 1)


def _place(job: ForeignJob) -> str:
    return ("scatter" if _is_by_machine(job, count_gpus(job)) else "free") + (":excl" if job.is_exclusive else "")


# --- arrays and dependencies


def _array(job: ForeignJob, expression: str) -> str:
    expression = as_range(expression)
    found = RANGE.fullmatch(expression)
    if found is None or int(found[1]) >= int(found[2]):
        raise Refused(
            f"--array={expression} cannot be passed to {job.cluster}: PBS takes one range",
            hint="write --array=FIRST-LAST[:STEP][%MOST]",
        )
    return expression


def as_range(expression: str) -> str:
    """The tasks as one range, if they are as far from each other: 1,3,5%2 is 1-5:2%2, and 7 alone is 7-8:2."""
    listed, mark, most = expression.partition("%")
    first, dash, last = listed.partition("-")
    words = [first] if dash and first == last else listed.split(",")
    if not all(word.isdigit() for word in words):
        return expression
    tasks = sorted({int(word) for word in words})
    if len(tasks) == 1:
        return f"{tasks[0]}-{tasks[0] + 1}:2{mark}{most}"
    steps = {later - first for first, later in pairwise(tasks)}
    if len(steps) != 1:
        return expression
    (step,) = steps
    return f"{tasks[0]}-{tasks[-1]}{f':{step}' if step > 1 else ''}{mark}{most}"


def dependency(job: ForeignJob, others: Mapping[int, ForeignJob]) -> str:
    """What of the dependency is still to be met. Raises Refused for what never can be."""
    kept = []
    for term in filter(None, (job.dependency or "").split(",")):
        kind, _, names = term.partition(":")
        kind = kind.lower()
        if kind == "singleton" and not names:
            same = [other for other in others.values() if other.name == job.name and not other.state.is_over]
            kept += [":".join(["afterany", *map(submitted_as, same)])] if same else []
            continue
        numbers = names.split(":")
        if kind not in KINDS or not all(number.isdigit() for number in numbers) or "?" in term:
            raise Refused(
                f"--dependency={term} cannot be passed to {job.cluster}, which has nothing like it",
                hint="write singleton, or after, afterany, afterok or afternotok and numbers of jobs",
            )
        waited = [name for number in numbers if (name := _waited_for(kind, int(number), others))]
        kept += [":".join([kind, *waited])] if waited else []
    return ",".join(kept)


def submitted_as(job: ForeignJob) -> str:
    """What PBS calls the submission that this job, maybe a task of an array, belongs to."""
    return re.sub(r"\[\d*\]", "[]", job.foreign_id)


def _waited_for(kind: str, number: int, others: Mapping[int, ForeignJob]) -> str | None:
    """PBS's name of the job to wait for; None: this is met. PBS takes any number, and then drops the job in silence."""
    other = others.get(number)
    if other is None:
        raise Refused(f"Batch job submission failed: Job dependency problem: there is no job {number}")
    if not other.state.is_over:
        return submitted_as(other)
    went_well = other.state.name == "COMPLETED"
    if (kind == "afterok" and not went_well) or (kind == "afternotok" and went_well):
        raise Refused(f"Batch job submission failed: Job dependency problem: job {number} is {other.state.name}")
    return None
