"""srun's and salloc's options: those rows of the table that they share with sbatch, and rows of their own."""

from __future__ import annotations

from copy import copy

from mini_slurm.options import sattach, sbcast, values
from mini_slurm.options.table import OPTIONS, VARIABLES, JobOption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mini_slurm.options.grammar import Option

NOT_SRUNS = frozenset(
    {
        *("array", "batch", "export-file", "get-user-env", "ignore-pbs", "kill-on-invalid-dep", "no-requeue"),
        *("nodefile", "parsable", "requeue", "umask", "wait", "wait-all-nodes", "wrap"),
    }
)
NOT_SALLOCS = frozenset(
    {
        *("array", "batch", "cluster", "error", "export", "export-file", "ignore-pbs", "input", "kill-on-invalid-dep"),
        *(
            "no-requeue",
            "open-mode",
            "output",
            "parsable",
            "propagate",
            "requeue",
            "test-only",
            "umask",
            "wait",
            "wrap",
        ),
    }
)
# where it is not SBATCH_X, SLURM_X
NAMES: dict[str, tuple[str, ...] | str] = {
    "cpus-per-task": "SRUN_CPUS_PER_TASK",
    "dependency": "SLURM_DEPENDENCY",
    "error": "SLURM_STDERRMODE",
    "chdir": ("SLURM_REMOTE_CWD", "SLURM_WORKING_DIR"),
    "export": ("SLURM_EXPORT_ENV", "SRUN_EXPORT_ENV"),
    "input": "SLURM_STDINMODE",
    "mem": "SLURM_MEM_PER_NODE",
    "nodes": "SLURM_JOB_NUM_NODES",
    "ntasks": ("SLURM_NTASKS", "SLURM_NPROCS"),
    "ntasks-per-gpu": "SLURM_NTASKS_PER_GPU",
    "ntasks-per-tres": "SLURM_NTASKS_PER_TRES",
    "sockets-per-node": "SLURM_NSOCKETS_PER_NODE",
    "cores-per-socket": "SLURM_NCORES_PER_SOCKET",
    "ntasks-per-node": "SLURM_NTASKS_PER_NODE",
    "output": "SLURM_STDOUTMODE",
    "verbose": "SLURM_DEBUG",
}


NOT_YET = "Not supported yet: it is refused."


def _own(
    long: str,
    short: str = "",
    value: str = "required",
    env: str = "",
    help: str = "",
    metavar: str = "",
    example: str = "",
    command: str = "srun",
    parse: Callable[[str | None], object] = values.text,
    aliases: tuple[str, ...] = (),
) -> JobOption:
    """A row of srun's own, or of salloc's."""
    return JobOption(long, short, long.replace("-", "_"), parse, value=value, env=env or (), commands=(command,),
                     metavar=metavar, help=help, example=example, aliases=aliases)  # fmt: skip


def _sallocs(long: str, short: str = "", value: str = "none", env: str = "", help: str = "", metavar: str = "",
             example: str = "", parse: Callable[[str | None], object] = values.text) -> JobOption:  # fmt: skip
    """A row of salloc's own."""
    return _own(long, short, value, env, help, metavar, example, "salloc", parse)


# fmt: off
OWN: tuple[JobOption, ...] = (
    _own("accel-bind", metavar="LETTERS", example="g",
         help="Accepted; which GPUs and networks a task is close to is not known."),
    _own("bcast", value="optional", env="SLURM_BCAST", metavar="PATH", example="/tmp/program",
         help="Copy the program to the job's machines, as this file or into this folder/, and run the copy."),
    _own("bcast-exclude", env="SLURM_BCAST_EXCLUDE", metavar="PATH", example="/usr/lib",
         help="Accepted; libraries are not copied."),
    _own("compress", value="optional", env="SLURM_COMPRESS", metavar="TYPE", example="none",
         help="Accepted; what --bcast copies is the same."),
    _own("cpu-bind", env="SLURM_CPU_BIND", metavar="TYPE", example="none",
         help="Accepted; which CPUs a task gets is up to its step."),
    _own("disable-status", "X", value="none", env="SLURM_DISABLE_STATUS",
         help="Hand the first Ctrl-C on to the tasks."),
    _own("epilog", env="SLURM_EPILOG", metavar="PROGRAM", example="/bin/true",
         help="Run this here after the step."),
    _own("exact", value="none", env="SLURM_EXACT",
         help="Take only the CPUs that the tasks need, and leave the others to further steps."),
    _own("het-group", metavar="N", example="0", aliases=("pack-group",),
         help="Parts of a heterogeneous job to run in: 0,2-3."),
    _own("immediate", "I", value="optional", metavar="SECONDS", example="10",
         parse=values.patience, help="Do not wait for resources longer than this."),
    _own("interactive", value="none", help="Accepted; a step in a shell is a step like any other."),
    _own("jobid", env="SLURM_JOB_ID", metavar="JOB", example="42", help="Run within this job."),
    _own("kill-on-bad-exit", "K", value="optional", env="SLURM_KILL_BAD_EXIT", metavar="0|1", example="1",
         help="End all tasks when one of them fails."),
    _own("label", "l", value="none", env="SLURM_LABELIO", help="Put the task's number before each line."),
    _own("mpi", env="SLURM_MPI_TYPE", metavar="TYPE", example="none", help="How tasks find each other for MPI."),
    _own("msg-timeout", metavar="SECONDS", example="10", help="Accepted; nothing depends on it."),
    _own("multi-prog", value="none", help="The program is a file that says what each task runs."),
    _own("no-allocate", "Z", value="none", help=NOT_YET),
    _own("overlap", value="none", env="SLURM_OVERLAP", help="Share the CPUs with other steps of the job."),
    _own("preserve-env", "E", value="none", help=NOT_YET),
    _own("prolog", env="SLURM_PROLOG", metavar="PROGRAM", example="/bin/true",
         help="Run this here before the step."),
    _own("pty", value="none", help="Give the tasks a terminal."),
    _own("quit-on-interrupt", "q", value="none", env="SLURM_QUIT_ON_INTERRUPT",
         help="End the step at the first Ctrl-C."),
    _own("relative", "r", metavar="N", example="1", help="Begin with the machine of this number in the job, from 0."),
    _own("resv-ports", value="optional", env="SLURM_RESV_PORTS", help=NOT_YET),
    _own("send-libs", value="optional", env="SLURM_SEND_LIBS", metavar="YES", example="no",
         help="Accepted; libraries are not copied."),
    _own("slurmd-debug", env="SLURMD_DEBUG", metavar="LEVEL", example="1",
         help="Accepted; nothing on the machine says more."),
    _own("task-epilog", env="SLURM_TASK_EPILOG", metavar="PROGRAM", example="/bin/true",
         help="Run this after each task, on its machine."),
    _own("task-prolog", env="SLURM_TASK_PROLOG", metavar="PROGRAM", example="/bin/true",
         help="Run this before each task; lines `export NAME=VALUE` of its output count."),
    _own("threads", "T", env="SLURM_THREADS", metavar="N", example="4", help="Accepted; nothing depends on it."),
    _own("unbuffered", "u", value="none", env="SLURM_UNBUFFEREDIO", help="Show output at once, not in whole lines."),
    _own("wait", "W", env="SLURM_WAIT", metavar="SECONDS", example="30",
         help="End the other tasks so long after the first one has ended."),
)
SALLOCS_OWN: tuple[JobOption, ...] = (
    _sallocs("bell", env="SALLOC_BELL", help="Ring the terminal's bell when the allocation is there."),
    _sallocs("immediate", "I", "optional", env="SALLOC_IMMEDIATE", metavar="SECONDS", example="10",
             parse=values.patience, help="Do not wait for resources longer than this."),
    _sallocs("kill-command", "K", "optional", env="SALLOC_KILL_CMD", metavar="SIGNAL", example="TERM",
             help="Send the command a signal when the allocation ends before it."),
    _sallocs("no-bell", env="SALLOC_NO_BELL", help="Do not ring the terminal's bell."),
    _sallocs("no-shell", help="Leave the allocation to others, and exit: mscancel gives it back."),
)
# fmt: on


def _as_sruns(option: JobOption) -> JobOption:
    """The row with srun's variable."""
    row = copy(option)
    own = NAMES.get(option.long)
    row.env = tuple(name.replace("SBATCH_", "SLURM_") for name in option.env)
    if own:
        row.env = (own,) if isinstance(own, str) else own
    return row


def _as_sallocs(option: JobOption) -> JobOption:
    """The row with salloc's variable; it takes no name from one."""
    row = copy(option)
    row.env = () if option.long == "job-name" else tuple(name.replace("SBATCH_", "SALLOC_") for name in option.env)
    return row


def _sorted(*rows: JobOption) -> tuple[JobOption, ...]:
    return tuple(sorted(rows, key=lambda option: option.long))


SRUN = _sorted(*(_as_sruns(option) for option in OPTIONS if option.long not in NOT_SRUNS), *OWN)
SALLOC = _sorted(*(_as_sallocs(option) for option in OPTIONS if option.long not in NOT_SALLOCS), *SALLOCS_OWN)
# what only variables set
SRUN_VARIABLES = tuple(_as_sruns(option) for option in VARIABLES)
SALLOC_VARIABLES = tuple(_as_sallocs(option) for option in VARIABLES)
REFUSED = frozenset(row.long for row in OWN if row.help == NOT_YET)  # of srun's


def rows() -> str:
    """What srun in a job knows of the table: a line each.

    Long name, letter, kind of value, variable, whether srun refuses it, further names. What describes a job is no
    matter of a step, and is passed over.
    """
    lines = (
        "\t".join((row.long, row.short, row.value, in_job(row), "no" * (row.long in REFUSED), *row.aliases))
        for row in SRUN
    )
    return "".join(f"{line}\n" for line in lines)


def sbatch_rows() -> str:
    """What sbatch in a job has to know to find its script among the words."""
    return _names(OPTIONS)


def sbcast_rows() -> str:
    """sbcast's options, for the one in a job."""
    return _names(sbcast.OPTIONS)


def sattach_rows() -> str:
    """sattach's options, for the one in a job."""
    return _names(sattach.OPTIONS)


def _names(table: Sequence[Option]) -> str:
    return "".join("\t".join((row.long, row.short, row.value, "", "", *row.aliases)) + "\n" for row in table)


def in_job(row: JobOption) -> str:
    """The variable that sets an option of a step. A step does not take its job's name."""
    return "" if row.long == "job-name" else "".join(row.env[:1])
