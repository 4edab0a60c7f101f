"""What scontrol leaves for the shell of a job whose size it has changed: files that set its variables anew."""

from __future__ import annotations

import os

from mini_slurm.cli import common, listing
from mini_slurm.model.allocation import parse_allocation
from mini_slurm.model.environment import per_node
from mini_slurm.store import queries

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.cli.control.session import Session
    from mini_slurm.model.job import Job

COLUMNS = ("job_id", "node_list", "allocation")
TASKS = ("SLURM_NPROCS", "SLURM_NTASKS", "SLURM_TASKS_PER_NODE")  # nobody knows them any more
SHELLS = {
    "sh": ('export {}="{}"\n', "export {}={}\n", "unset {}\n"),
    "csh": ('setenv {} "{}"\n', "setenv {} {}\n", "unsetenv {}\n"),
}
HINT = """To reset Slurm environment variables, execute
  For bash or sh shells:  . ./{0}.sh
  For csh shells:         source ./{0}.csh
"""


def leave_scripts(session: Session, number: int) -> None:
    """Write `slurm_job_N_resize.sh` and `.csh` into this folder, where this is the shell of a job."""
    if "SLURM_JOBID" not in os.environ:
        return
    where = queries.Where()
    where.jobs([number])
    job = next(iter(queries.select_jobs(session.db, COLUMNS, where)), None)
    if job is None or not job.node_list:
        common.say("slurm_allocation_lookup: Job is pending execution")
        return
    name = f"slurm_job_{number}_resize"
    for kind in ("csh", "sh"):
        try:
            _write(f"{name}.{kind}", _text(job, *SHELLS[kind]))
        except OSError as error:
            common.say(f"Could not create file {name}.{kind}: {error.strerror}")
            return
    listing.show(HINT.format(name).splitlines())


def _write(path: str, text: str) -> None:
    """Raises OSError."""
    if os.path.lexists(path):
        os.unlink(path)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o700), "w") as file:
        file.write(text)


def _text(job: Job, words: str, count: str, gone: str) -> str:
    """New values for those variables that there are."""
    shares = parse_allocation(job.allocation)
    lines = [(words, name, job.node_list) for name in ("SLURM_NODELIST", "SLURM_JOB_NODELIST")]
    lines += [(count, name, str(len(shares))) for name in ("SLURM_NNODES", "SLURM_JOB_NUM_NODES")]
    cpus = per_node(share.resources.cpus for share in shares.values())
    lines.append((words, "SLURM_JOB_CPUS_PER_NODE", cpus))
    text = "".join(form.format(name, value) for form, name, value in lines if name in os.environ)
    return text + "".join(map(gone.format, TASKS if TASKS[-1] in os.environ else ()))
