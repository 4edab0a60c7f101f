"""A submission on its way from the command line to a job: what only msbatch reads of the world around it."""

from __future__ import annotations

import json
import os
import resource
import sys
import time

from mini_slurm.cli import common
from mini_slurm.errors import BadOption, BadUsage, Refused
from mini_slurm.model.environment import exported
from mini_slurm.model.job import Job
from mini_slurm.options import collect, script
from mini_slurm.options.collect import Values
from mini_slurm.options.grammar import Setting
from mini_slurm.options.table import OPTIONS
from mini_slurm.scheduler import admission

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

# setrlimit's names of what Slurm hands on from submission to job
LIMITS = ("CPU", "FSIZE", "DATA", "STACK", "CORE", "RSS", "NPROC", "NOFILE", "MEMLOCK", "AS")


class Script:
    """What is to run: its bytes, the path it was read from, and the name a job gets from it."""

    def __init__(self, data: bytes, name: str, path: str | None = None) -> None:
        self.data = data
        self.name = name
        self.path = path


def read_script(given: list[Setting], words: list[str]) -> Script:
    """The script that the command line names: --wrap, a file, or standard input. Raises Refused."""
    wrap = next((setting.text for setting in reversed(given) if setting.option.field == "wrap"), None)
    if wrap is not None and words:
        raise Refused("Script arguments not permitted with --wrap option")
    if wrap is not None:
        found = Script(os.fsencode(script.WRAPPED.format(wrap)), "wrap")
    elif words:
        found = _read_file(words[0])
    else:
        found = Script(sys.stdin.buffer.read(script.LARGEST + 1), "sbatch")
    script.check_script(found.data)
    return found


def _read_file(name: str) -> Script:
    path = _find(name)
    try:
        with open(path, "rb") as file:
            data = file.read(script.LARGEST + 1)
    except IsADirectoryError:
        data = b""  # as sbatch has it: there is nothing to read
    except OSError as error:
        raise Refused(f"Unable to open file {path}", hint=f"{error.strerror}") from None
    return Script(data, os.path.basename(name), os.path.abspath(path))


def _find(name: str) -> str:
    """A script is looked for here, then along PATH."""
    if "/" in name:
        return name
    for folder in (os.getcwd(), *os.environ.get("PATH", "").split(":")):
        path = os.path.join(folder, name)
        if os.path.isabs(path) and os.path.isfile(path):
            return path
    return name


def read_values(program: str, given: list[Setting], source: Script) -> Values:
    """Everything the user asked for, from all three sources. Raises MiniSlurmError."""
    values = Values()
    values.take(script.script_settings(program, source.name, source.data, OPTIONS), collect.SCRIPT)
    values.take(collect.environment_settings(os.environ, OPTIONS), collect.ENVIRONMENT)
    values.take(given, collect.COMMAND_LINE)
    return values


def describe(program: str, values: Values, source: Script, arguments: list[str]) -> Job:
    """The job, with what the world around the command adds to it. Raises MiniSlurmError."""
    job = collect.make_job(program, values, lambda text: _moment(program, text))
    folder = working_folder()
    job.name = str(values.of.get("name", source.name))
    job.command, job.arguments = source.path, json.dumps(arguments)
    job.work_dir = os.path.join(folder, job.work_dir) if values.of.get("work_dir") else folder
    job.uid, job.gid = os.getuid(), os.getgid()
    job.user, job.group_name = _names(job.uid, job.gid)
    job.umask = os.umask(0o077)
    os.umask(job.umask)
    job.limits = json.dumps({name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in LIMITS})
    job.submit_host = os.uname().nodename
    job.submit_time = time.time()
    _check_text(job)
    return job


def _check_text(job: Job) -> None:
    """The database and most tools take text in UTF-8 only. Raises Refused."""
    for field, value in job.__dict__.items():
        try:
            str(value).encode()
        except UnicodeEncodeError:
            raise Refused(
                f"the job's {field} is not text in UTF-8: {value}",
                hint="names of jobs, files and folders have to be UTF-8",
            ) from None


def working_folder() -> str:
    """Where the user is, by the path that the user knows it by. Raises Refused when it is gone."""
    try:
        here = os.getcwd()
    except FileNotFoundError:
        raise Refused("the current folder does not exist any more", hint="cd to another one") from None
    known = os.environ.get("PWD", "")
    if os.path.isabs(known) and os.path.exists(known) and os.path.samefile(known, here):
        return known
    return here


def admit(program: str, job: Job, values: Values, db: sqlite3.Connection) -> None:
    """Let the fleet complete the job. Raises Refused when it can never run there."""
    from mini_slurm.config.paths import fleet_file
    from mini_slurm.store.database import choose_fleet, load_machines

    fleet = common.fleet(db)
    other = choose_fleet(db, fleet_file() or "")
    if other is not None:
        whose = f"submitted with the fleet file {other}" if other else "submitted without a fleet file"
        raise Refused(
            f"this state folder has jobs under way that were {whose}",
            hint="use that one, wait for them to end, or export MINI_SLURM_STATE with another folder",
        )
    admission.complete(job, fleet)
    if "requeue" not in values.of:
        job.requeue = int(fleet.requeue)
    strict = not common.is_slurms_name(program)
    per_node = values.number("ntasks_per_node")
    admission.check(job, fleet, load_machines(db), strict=strict, tasks_per_node=per_node)


def _moment(program: str, text: str) -> float | None:
    from mini_slurm.model.moments import BadMoment, parse_moment

    if not text:
        raise BadOption("Invalid --begin specification")
    now = time.time()
    try:
        moment = parse_moment(text, now, time.localtime, time.mktime)
    except BadMoment as error:
        raise BadUsage(str(error), f"{program}: error: Invalid --begin specification") from None
    return moment if moment > now else None


def _names(uid: int, gid: int) -> tuple[str, str]:
    """The user's and the group's name; numbers where there is no name for them."""
    import grp
    import pwd

    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    try:
        return user, grp.getgrgid(gid).gr_name
    except KeyError:
        return user, str(gid)


def environment(job: Job, values: Values) -> bytes:
    """The environment that travels with the job, as JSON."""
    variables = {
        **os.environ,
        **values.remembered,
        "SLURM_SUBMIT_DIR": working_folder(),
        "SLURM_SUBMIT_HOST": job.submit_host,
        "SLURM_PRIO_PROCESS": str(os.getpriority(os.PRIO_PROCESS, 0)),
    }
    return json.dumps(exported(variables, job.export), sort_keys=True).encode()
