"""What the fleet and the state folder have to say to a submission; and the environment that goes with it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping, Sequence

from mini_slurm.desk.memory import Memory
from mini_slurm.desk.submission import Script, working_folder
from mini_slurm.errors import Refused
from mini_slurm.model.arrays import count_of
from mini_slurm.model.environment import exported, of_file, of_part
from mini_slurm.model.job import Job
from mini_slurm.model.numbers import leading_number
from mini_slurm.options.collect import Values
from mini_slurm.options.script import with_lines
from mini_slurm.scheduler import admission, scopes
from mini_slurm.store import queries
from mini_slurm.store.schema import UNFINISHED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.model.fleet import Fleet

FAILED = admission.FAILED
FIRST_DESCRIPTOR = 3  # those below are the standard ones
# what msbatch refuses by name, as it would not do what is asked for; sbatch takes it, as a Slurm without such plugins
NOT_DONE = {
    "container": "run the container from the script, as with: apptainer exec IMAGE COMMAND",
    "bb": "there are no burst buffers here",
    "bbf": "there are no burst buffers here",
}


def admit_all(
    jobs: Sequence[Job], values: Sequence[Values], db: sqlite3.Connection, *, strict: bool, memory: Memory | None = None
) -> None:
    """Let the fleet complete a job, or all parts of a heterogeneous one, by themselves and together. Raises Refused."""
    for job, one in zip(jobs, values, strict=True):
        admit(job, one, db, strict=strict, memory=memory)
    if len(jobs) > 1:
        admission.check_together(jobs, (memory or Memory()).fleet(db))


def admit(job: Job, values: Values, db: sqlite3.Connection, *, strict: bool, memory: Memory | None = None) -> None:
    """Let the fleet complete the job. Raises Refused when it does not take it.

    `strict`: what Slurm takes, and what would not be done here, is refused. `memory`: of submissions before this one.
    """
    from mini_slurm.config.paths import fleet_file
    from mini_slurm.store.database import choose_fleet

    for field, advice in NOT_DONE.items() if strict else ():
        if values.of.get(field):
            raise Refused(f"--{field} is not supported", hint=advice)
    if (values.number("nice") or 0) < 0 and os.getuid() != 0:
        raise Refused(FAILED + "Invalid --nice value", hint="only root may raise a priority")
    if values.of.get("reboot"):
        raise Refused("rebooting of nodes is only allowed for admins", FAILED + "Access/permission denied")
    memory = memory or Memory()
    fleet = memory.fleet(db)
    _check_clusters(values, fleet.name)
    other = choose_fleet(db, fleet_file() or "")
    if other is not None:
        whose = f"submitted with the fleet file {other}" if other else "submitted without a fleet file"
        raise Refused(
            f"this state folder has jobs under way that were {whose}",
            hint="use that one, wait for them to end, or export MINI_SLURM_STATE with another folder",
        )
    if "requeue" not in values.of:
        job.requeue = int(fleet.requeue)
    memory.admit(job, fleet, memory.machines(db), strict=strict)
    _check_submitted(job, fleet, db)
    _settle_dependency(job, db)


def _check_submitted(job: Job, fleet: Fleet, db: sqlite3.Connection) -> None:
    """What accounts and QOS allow to wait and run. Raises Refused."""
    if not scopes.has_limits(fleet):
        return
    columns = ("account", "user", "qos", "partition", "array_tasks")
    others = queries.select_jobs(db, columns, queries.Where(UNFINISHED))
    admission.check_submitted(
        job, fleet, [(one, count_of(one.array_tasks) if one.array_tasks else 1) for one in others]
    )


def _check_clusters(values: Values, own: str) -> None:
    """There is one cluster, the fleet. Raises Refused."""
    given = values.text("clusters")
    if given is None:
        return
    names = [name for name in given.split(",") if name] or [""]
    unknown = [name for name in names if name not in (own, "all")]
    known = [f"No cluster '{name}' known by database." for name in unknown]
    if len(unknown) < len(names):
        for line in known:
            values.warn(line)
    else:
        what = f"'{given}' can't be reached now, or it is an invalid entry for --cluster.  "
        raise Refused(*known, what + "Use 'sacctmgr list clusters' to see available clusters.", hint=f"there is {own}")


def _settle_dependency(job: Job, db: sqlite3.Connection) -> None:
    """The conditions as they are kept and shown. Raises Refused."""

    def is_array(number: int) -> bool:
        return db.execute("SELECT 1 FROM job WHERE array_job_id = ? LIMIT 1", (number,)).fetchone() is not None

    if job.dependency is not None:
        from mini_slurm.model import dependencies

        try:
            job.dependency = dependencies.read(job.dependency, is_array)
        except dependencies.BadDependency as error:
            raise Refused(f"{FAILED}{error}", hint="write for example --dependency=afterok:123") from None


def splice(script: Script, values: Values) -> bytes:
    """The script, with the lines of a file for the burst buffer after its first. Raises Refused."""
    name = values.text("bbf")
    return script.data if name is None else with_lines(script.data, _read("bbf", name))


def _read(option: str, name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read()
    except (OSError, ValueError):
        if option == "bbf":
            raise Refused("Invalid --bbf specification") from None
        raise Refused(f"Could not open user environment file {name}") from None


def environment(job: Job, parts: Sequence[Values], variables: Mapping[str, str], memory: Memory | None = None) -> bytes:
    """The environment that travels with the job, as JSON, with what its parts leave behind. Raises Refused.

    `variables`: more than this process has.
    """
    values = parts[0]
    name = values.text("export_file")
    given = {**os.environ, **variables} if name is None else _from_file(name)
    login = {"SLURM_GET_USER_ENV": "1"} if "get_user_env" in values.of else {}
    added = {
        "SLURM_SUBMIT_DIR": working_folder(),
        "SLURM_SUBMIT_HOST": job.submit_host,
        "SLURM_PRIO_PROCESS": str(os.getpriority(os.PRIO_PROCESS, 0)),
    }
    sent = exported({**given, **added}, job.export)
    if name is not None and "SLURM_EXPORT_ENV" not in sent:
        sent = {**given, **sent}  # what stands in a file was not set by this machine
    remembered = dict(values.remembered)
    for offset, part in enumerate(parts if len(parts) > 1 else ()):
        remembered |= of_part(part.remembered, offset)
    return (memory or Memory()).encoded(sent | remembered | login)


def _from_file(name: str) -> dict[str, str]:
    """The variables in a file, or in what an open file descriptor of this number gives."""
    descriptor, rest = leading_number(name)
    if not rest and descriptor >= FIRST_DESCRIPTOR and os.path.exists(f"/proc/self/fd/{descriptor}"):
        name = f"/proc/self/fd/{descriptor}"
    return of_file(_read("export-file", name))
