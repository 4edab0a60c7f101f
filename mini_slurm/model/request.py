"""The options that are kept with a job as they were given, and what they say of its CPUs."""

from __future__ import annotations

from functools import lru_cache

from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING: Mapping[str, str] = {}
LEAST_NODES = "least-nodes"  # kept beside the options
# what is kept only where it was changed later
SHOWN = "shown-"  # before a word of scontrol show job: what it shows instead of what the job has
ASKED_NODES = "nodes"  # with no most
MOST_CPUS = "most-cpus"
MEMORY_CPUS = "memory-cpus"  # for how many the memory of each is shown
TRES_CPUS, TRES_MEMORY = "tres-cpus", "tres-memory"  # which TRES shows instead, the second in MiB
LEAST_CPUS = SHOWN + "MinCPUsNode"
PREFERRED = "has-preferred"  # it has started where --prefer is met
CANCELLED_TASKS = "cancelled-tasks"  # of its array tasks were cancelled that had no record yet


def extra(job: Job) -> Mapping[str, str]:
    """The options that are kept with the job, by their long names."""
    return NOTHING if job.extra == "{}" else _read(job.extra)


@lru_cache(maxsize=1024)
def _read(text: str) -> Mapping[str, str]:
    import json  # few jobs have any

    found: dict[str, str] = json.loads(text)
    return found


def keep(job: Job, name: str, value: str | None) -> None:
    """Keep an option by its long name; None: as if it had not been given."""
    import json

    options = {key: text for key, text in extra(job).items() if key != name}
    job.extra = json.dumps(options if value is None else {**options, name: value})


def preferring(job: Job) -> Job | None:
    """The job as if it asked for what it prefers, in the place of --constraint; None: it prefers nothing."""
    wanted = None if job.extra == "{}" else extra(job).get("prefer")
    if not wanted or wanted == job.features:
        return None
    return Job(**{**job.__dict__, "features": wanted})


def used_features(job: Job) -> str | None:
    """What the job asks for while it waits, and asked for where it has started."""
    is_met = job.state is not JobState.PENDING and PREFERRED in extra(job)
    return extra(job).get("prefer") if is_met else job.features


def open_preference(job: Job) -> str | None:
    """What the job prefers, while it waits: as in Slurm it is not shown of one that has started."""
    return extra(job).get("prefer") if job.state is JobState.PENDING else None


def number(job: Job, name: str) -> int:
    """A number that is kept with the job; 0 when it was not given."""
    return int(extra(job).get(name, "0"))


def note_least_nodes(job: Job, count: int) -> None:
    """Keep how many machines the tasks need, where as many were not asked for."""
    import json

    if count > job.nodes:
        job.extra = json.dumps({**extra(job), LEAST_NODES: str(count)})


def shown_nodes(job: Job) -> int:
    """Machines that a job that waits is said to get at least."""
    return max(job.nodes, number(job, LEAST_NODES))


def least_cpus(job: Job) -> int:
    """CPUs that each machine has to give; those of tasks are as they were first asked for."""
    if LEAST_CPUS in extra(job):
        return number(job, LEAST_CPUS)
    per_task = job.cpus_per_task or 1
    per_node = job.ntasks_per_node or 1
    tasks = per_node if (job.ntasks or job.nodes * per_node) > 1 and not extra(job).get("overcommit") else 1
    return max(per_task * tasks, number(job, "mincpus"))
