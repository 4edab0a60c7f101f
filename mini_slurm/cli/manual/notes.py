"""What the option tables do not say: which options belong together, examples, and what Slurm's help leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mini_slurm.cli import cancel_request, node_request, queue_request
from mini_slurm.options import squeue
from mini_slurm.output import (
    accounting_fields,
    job_fields,
    job_names,
    node_fields,
    priority_fields,
    stat_fields,
    step_fields,
)
from mini_slurm.output.layout import Field

HELP = "help usage version verbose quiet fleet"
HELP_TITLE, REST_TITLE, ONLY_TITLE = "General", "More", "Options"


class Note(NamedTuple):
    """About one command. Options are written by their long names, with blanks between."""

    groups: Mapping[str, str] = {}
    examples: Sequence[tuple[str, str]] = ()
    unlisted: str = ""  # options that Slurm takes but does not show
    spelled: Mapping[str, str] = {}  # long names as Slurm shows them, where they are others, or none
    variables: Mapping[str, str] = {}  # an option's field, or what else it says, and the variable that sets it, too
    columns: Mapping[str, Sequence[Field]] = {}  # what a listing can show
    usage: str = ""  # what --usage prints under Slurm's name, where it was recorded


_RESOURCES = (
    "nodes ntasks cpus-per-task mem mem-per-cpu gpus gres gpus-per-node gpus-per-task gpus-per-socket cpus-per-gpu"
    " mem-per-gpu ntasks-per-node ntasks-per-core ntasks-per-socket ntasks-per-gpu exclusive constraint nodelist"
    " exclude nodefile mincpus tmp licenses"
)
_WHEN = "time time-min begin deadline dependency hold nice priority requeue no-requeue requeue-exit retries"
_WHERE = "partition account qos clusters reservation comment job-name array"
_NOTICES = "mail-type mail-user notify notify-type"
_FILES = "output error input open-mode chdir export export-file propagate"
_STEP = (
    "jobid immediate exact overlap relative label unbuffered pty multi-prog kill-on-bad-exit wait disable-status"
    " quit-on-interrupt task-prolog task-epilog prolog epilog mpi cpu-bind threads"
)
_JOB_GROUPS = {"What the job needs": _RESOURCES, "Where and under which name": _WHERE, "When": _WHEN}
_FILTERS = (
    "jobs user users me account accounts partition qos state states name nodelist nodes steps licenses reservation"
    " allusers starttime endtime constraints ncpus nnodes gid timelimit-min timelimit-max associations wckeys wckey uid"
)
_LOOKS = (
    "format Format noheader long sort iterate parsable parsable2 delimiter units noconvert json yaml brief start"
    " array array-unique summarize exact Node list-reasons truncate allocations helpformat batch-script env-vars"
    " duplicates"
)
_LISTINGS = {"How moments are written: standard, relative, or a format of strftime(3).": "SLURM_TIME_FORMAT"}

NOTES: dict[str, Note] = {
    "msbatch": Note(
        groups={
            **_JOB_GROUPS,
            "Who is told": _NOTICES,
            "Files and environment": _FILES,
            "How it is submitted": "wrap template set wait parsable test-only ignore-pbs",
        },
        examples=(
            ("msbatch job.sh", "Submit a script; its output goes to slurm-JOBID.out."),
            ("msbatch -c 4 --mem=8G -t 2:00:00 job.sh", "Four CPUs, 8 GiB and two hours."),
            ("msbatch --gpus=1 --wrap 'python train.py'", "A command instead of a script, with a GPU."),
            ("msbatch --template ray --set nodes=4 --set command='python train.py'", "A script made from a template."),
            ("msbatch -c 8 --mem=60G : -N 4 -n 64 job.sh", "A job of two parts that start together."),
            ("msbatch -a 1-100%8 -o 'out/%a.txt' job.sh", "A hundred tasks, eight at once, a file each."),
        ),
        unlisted="acctg-freq batch cluster context hint kill-on-invalid-dep mem-bind network ntasks-per-gpu"
        " ntasks-per-tres open-mode prefer test-only wait-all-nodes",
    ),
    "msqueue": Note(
        groups={"Which jobs": _FILTERS, "How they are shown": _LOOKS},
        examples=(
            ("msqueue --me", "My jobs that wait and run."),
            ("msqueue -t PD -o '%i %j %r'", "Why jobs wait."),
            ("msqueue --start", "When waiting jobs are expected to start."),
            ("msqueue --why 42", "What job 42 waits for: machines, what they lack, who holds it and until when."),
        ),
        unlisted="me priority",
        spelled={"jobs": "job", "steps": "step"},
        variables={
            **queue_request.VARIABLES,
            "format": "SQUEUE_FORMAT",
            "long_format": "SQUEUE_FORMAT2",
            **_LISTINGS,
            "How many characters of an array's waiting tasks are shown; 0: all.": "SLURM_BITSTR_LEN",
        },
        columns={
            "Columns of -o and -O": job_fields.JOB_FIELDS,
            "Columns of -O alone": job_names.NAMED_FIELDS,
            "Columns of steps (-s)": step_fields.STEP_FIELDS,
        },
        usage=squeue.SUMMARY + "\n",
    ),
    "msinfo": Note(
        groups={
            "Which nodes": "nodes partition states responding dead all hide reservation",
            "How they are shown": _LOOKS,
        },
        examples=(
            ("msinfo", "Partitions, and how many of their nodes are idle."),
            ("msinfo -N -l", "Each node with its CPUs, memory and state."),
            ("msinfo -R", "Why nodes are down or drained."),
        ),
        spelled={"cluster": "clusters"},
        usage="Usage: sinfo [-abdelNRrsTv] [-i seconds] [-t states] [-p partition] [-n nodes]\n"
        "             [-S fields] [-o format] [-O Format] [--federation] [--local]\n",
        variables={**node_request.VARIABLES, "format": "SINFO_FORMAT", **_LISTINGS},
        columns={"Columns of -o and -O": node_fields.NODE_FIELDS},
    ),
    "mscancel": Note(
        spelled={"cluster": "clusters", "jobname": "name"},
        groups={"Which jobs": _FILTERS, "How": "signal batch full interactive hurry ctld"},
        examples=(
            ("mscancel 42 43_[1-5]", "A job, and five tasks of an array."),
            ("mscancel -u $USER -t PENDING", "All of my jobs that wait."),
            ("mscancel -s USR1 -b 42", "A signal for the batch script alone."),
        ),
        variables=cancel_request.VARIABLES,
        unlisted="me ctld",
    ),
    "msacct": Note(
        groups={"Which jobs": _FILTERS, "How they are shown": _LOOKS},
        examples=(
            ("msacct -X", "Today's jobs, a line each."),
            ("msacct -j 42 -o jobid,state,exitcode,elapsed,maxrss", "What a job came to and used."),
            ("msacct -S now-7days -s F,TO,OOM", "What went wrong in the last week."),
            ("msacct -a --report=user,month -S 2026-01-01", "This year's hours of CPUs and GPUs by user and month."),
        ),
        usage="Usage: sacct [options]\n\tUse --help for help\n",
        variables={"format": "SACCT_FORMAT", **_LISTINGS},
        columns={"Columns of -o": accounting_fields.ACCOUNTING_FIELDS},
        unlisted="constraints flags reason use-local-uid",
        spelled={"cluster": "clusters", "fields": "format", "gid": "gid group", "uid": "uid user"},
    ),
    "msacctmgr": Note(
        examples=(
            ("msacctmgr show user $USER withassoc", "My accounts, and the QOS that I may use in each."),
            ("msacctmgr -nP show qos format=name,priority", "The QOS and their priorities, for a script."),
        ),
        unlisted="usage",
    ),
    "msshare": Note(
        groups={"Which shares": "accounts all users Users cluster", "How they are shown": _LOOKS},
        examples=(
            ("msshare", "My shares and what I have used."),
            ("msshare -a -A science", "All users of an account."),
        ),
    ),
    "msprio": Note(
        examples=(
            ("msprio -l", "All parts of the priorities of all jobs that wait."),
            ("msprio -w", "How much each part counts: [priority] in the fleet file."),
            ("msprio -S -Y -o '%i %Y %A'", "The jobs that are first in line, first."),
        ),
        variables={"format": "SPRIO_FORMAT"},
        columns={"Letters of -o": priority_fields.FIELDS},
    ),
    "msreport": Note(
        examples=(
            ("msreport cluster utilization start=2026-11-01 end=now", "What the machines did this month."),
            ("msreport user top start=now-7days end=now topcount=3", "Who used most in the last week."),
            ("msreport -t hours -nP cluster AccountUtilizationByUser", "Yesterday's hours by account, for a script."),
        ),
        unlisted="usage",
    ),
    "mstrigger": Note(examples=(("mstrigger --get", "Nothing: a fleet has no triggers."),)),
    "msattach": Note(
        examples=(
            ("msattach 42.0", "What the tasks of step 0 of job 42 write from now on."),
            ("msattach --layout 42.0", "Which task runs on which machine."),
        )
    ),
    "msbcast": Note(
        examples=(("msbcast input.dat /tmp/input.dat", "A file for the job that SLURM_JOB_ID names, as in msalloc."),)
    ),
    "msstat": Note(
        examples=(
            ("msstat -j 42.batch -o jobid,maxrss,avecpu", "What a job's script and its processes use now."),
            ("msstat -a -j 42 -i", "Where all its processes are."),
        ),
        columns={"Columns of -o": stat_fields.STAT_FIELDS},
        spelled={"fields": "format"},
    ),
    "msdiag": Note(examples=(("msdiag | grep Jobs", "How many jobs there are, and what became of today's."),)),
    "msrun": Note(
        groups={**_JOB_GROUPS, "The step": _STEP, "Files and environment": _FILES},
        examples=(
            ("msrun -n 4 hostname", "Get machines, run four tasks on them, and give them back."),
            ("msrun --pty bash", "A shell on a machine, with a terminal."),
            ("msrun --jobid=42 --overlap top -bn1", "Look into a job that runs."),
        ),
        unlisted="accel-bind cluster context cpu-bind gid hint interactive mem-bind msg-timeout network ntasks-per-gpu"
        " ntasks-per-tres open-mode prefer test-only uid",
    ),
    "msalloc": Note(
        groups={**_JOB_GROUPS, "The command": "bell no-bell kill-command no-shell immediate"},
        examples=(
            ("msalloc -N 2", "A shell here, in which msrun uses two machines."),
            ("msalloc -n 4 ./steps.sh", "A script with several steps; the machines are given back at its end."),
        ),
        unlisted="acctg-freq context hint mem-bind network no-shell ntasks-per-gpu ntasks-per-tres prefer"
        " wait-all-nodes",
    ),
    "mscontrol": Note(
        examples=(("mscontrol show job 42", "All about a job."),),
        unlisted="usage",
        spelled={"uid": ""},
    ),
}
