"""A submission on its way from the command line to a job: what is read for it of the world around it."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from functools import cache

from mini_slurm.errors import BadOption, BadUsage, Refused
from mini_slurm.model.hostlist import compress, expand
from mini_slurm.model.job import Job
from mini_slurm.model.units import LARGEST_SCRIPT
from mini_slurm.options import collect, foreign, script
from mini_slurm.options.collect import Values
from mini_slurm.options.describe import make_job
from mini_slurm.options.grammar import Setting
from mini_slurm.options.settle import propagated, settle, tell_power
from mini_slurm.options.table import OPTIONS, OURS, JobOption
from mini_slurm.steps import scripts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Say = Callable[[str], None]

EARLY = ("SBATCH_IGNORE_PBS",)  # counts before the script is read
NO_SCRIPTS = ("std_in", "std_out", "std_err", "open_mode", "export")  # what these say is the step's


class Script:
    """What is to run: its bytes, the path it was read from, and the name a job gets from it."""

    def __init__(self, data: bytes, name: str, path: str | None = None) -> None:
        self.data = data
        self.name = name
        self.path = path


class Sent:
    """What sbatch in a job has sent along: where it was called, and the script."""

    def __init__(self, folder: str, data: bytes, path: str) -> None:
        self.folder = folder
        self.script = Script(data, os.path.basename(path) or "sbatch", path or None)


SENT: list[Sent] = []  # at most one: then nothing of it is looked for here


def read_script(given: list[Setting], words: list[str]) -> Script:
    """The script that the command line names, if it is one. Raises Refused."""
    found = find_script(given, words)
    if not any(setting.option.field == "wrap" for setting in given):
        script.check_script(found.data)
    return found


def find_script(given: list[Setting], words: list[str]) -> Script:
    """What the command line names: --wrap, a file, or standard input. Raises Refused."""
    wrap = next((setting.text for setting in reversed(given) if setting.option.field == "wrap"), None)
    if wrap is not None and words:
        raise Refused("Script arguments not permitted with --wrap option")
    if wrap is not None:
        return Script(os.fsencode(script.WRAPPED.format(wrap)), "wrap")
    if SENT:
        return SENT[0].script
    if not words:
        return Script(_standard_input(), "sbatch")
    path, data = scripts.read(words[0], os.environ.get("PATH", ""))
    return Script(data, os.path.basename(words[0]), path)


@cache
def _standard_input() -> bytes:
    """It can be read once; where the job goes is found out before it is looked at closely."""
    return sys.stdin.buffer.read(LARGEST_SCRIPT + 1)


def check_command_line(program: str, given: list[Setting]) -> None:
    """sbatch reads its command line before it looks for the script. Raises MiniSlurmError."""
    _no_values(program, given, lambda line: None).take(given, collect.COMMAND_LINE)


def _no_values(program: str, given: list[Setting], say: Say) -> Values:
    """What fills from sources one after the other, and speaks as the command line has it."""
    quiet = sum(setting.option.field == "quiet" for setting in given)

    def inform(line: str) -> None:
        if not quiet:
            say(f"{program}: {line}")

    def warn(line: str) -> None:
        if quiet < 2:
            say(f"{program}: error: {line}")

    return Values(lambda option, text: _moment(program, option, text), inform, warn)


def read_values(
    program: str, given: list[Setting], source: Script, say: Say, part: int = 0, least: Sequence[Setting] = ()
) -> Values:
    """Everything the user asked for, from all sources, brought together. Raises MiniSlurmError.

    `say` takes what the user is told of it, line by line; `part`: which one of a heterogeneous job; `least`: settings
    that count where no source says anything else.
    """
    values = _no_values(program, given, say)
    values.take(least, collect.ENVIRONMENT)
    name = source.name if source.path is not None else "stdin"
    environment = dict(os.environ)  # which is slow to ask
    values.take_environment({name: environment[name] for name in EARLY if name in environment})
    table = OPTIONS if program == "sbatch" else (*OPTIONS, *OURS)
    lines = script.script_settings(program, name, source.data, table, values.warn, part, values.inform)
    values.take(lines, collect.SCRIPT)
    if not values.of.get("ignore_pbs") and not any(one.option.long == "ignore-pbs" for one in given):
        values.take(foreign.foreign_settings(program, name, source.data, values.of), collect.SCRIPT)
    values.take_environment(environment)
    values.take(given, collect.COMMAND_LINE)
    if values.source.get("power") == collect.COMMAND_LINE:
        tell_power(values)  # Slurm's sbatch reads its command line twice
    return _settled(values)


def read_front_parts(program: str, parts: list[list[Setting]], table: tuple[JobOption, ...], say: Say) -> list[Values]:
    """The same for srun and salloc, whose jobs have no script; of each part. Raises MiniSlurmError."""
    from mini_slurm.desk import heterogeneous

    return [_read_front_values(program, part, table, say) for part in heterogeneous.handed_on(parts)]


def _read_front_values(program: str, given: list[Setting], table: tuple[JobOption, ...], say: Say) -> Values:
    values = _no_values(program, given, say)
    values.take_environment(os.environ, table)
    values.take(given, collect.COMMAND_LINE)
    for field in NO_SCRIPTS:
        values.drop(field)
    _drop_surplus_names(values)
    return _settled(values)


def _drop_surplus_names(values: Values) -> None:
    """srun and salloc take the first of the machines that were named, where fewer were asked for."""
    nodes, names = values.of.get("nodes"), values.text("required_nodes")
    most = nodes[1] if isinstance(nodes, tuple) else 0
    if not most or not names or "/" in names:
        return
    try:
        named = list(dict.fromkeys(expand(names)))
    except ValueError:
        return  # the fleet says what is wrong with it
    if len(named) > most:
        values.warn(
            f"Required nodelist includes more nodes than permitted by max-node count ({len(named)} > {most})."
            " Eliminating nodes from the nodelist."
        )
        values.of["required_nodes"] = compress(named[:most])


def _settled(values: Values) -> Values:
    _check_account(values)
    _take_hostfile(values)
    settle(values, _read_hosts)
    return values


def _check_account(values: Values) -> None:
    """Whom to run as can be said by root alone in Slurm; here a job always runs as the user who submits it."""
    for option in ("uid", "gid"):
        if f"{option}_given" in values.of:
            if os.getuid() != 0:
                raise BadOption(f"--{option} only permitted by root user")
            raise Refused(f"--{option} is not supported: a job runs as the user who submits it")


def _take_hostfile(values: Values) -> None:
    """A file that a variable names, with machines in the order in which tasks are to be put on them."""
    name = os.environ.get("SLURM_HOSTFILE")
    if name and not {"required_nodes", "nodefile"} & values.of.keys():
        values.of["required_nodes"] = name if "/" in name else f"./{name}"
        values.of["distribution"] = "arbitrary"


def _read_hosts(path: str, count: int | None) -> str:
    from mini_slurm.steps.hostfile import read_hosts  # few jobs have one

    return read_hosts(path, count)


def describe(values: Values, source: Script, arguments: list[str]) -> Job:
    """The job, with what the world around the command adds to it. Raises MiniSlurmError."""
    job = make_job(values)
    job.submit_time = time.time()
    begin = values.of.get("begin")
    job.begin_time = begin if isinstance(begin, float) and begin > job.submit_time else None
    folder = working_folder()
    job.name = str(values.of.get("name", source.name))
    job.command, job.arguments = source.path, json.dumps(arguments)
    job.work_dir = os.path.join(folder, job.work_dir) if "work_dir" in values.of else folder
    job.uid, job.gid = os.getuid(), os.getgid()
    job.user, job.group_name = user_and_group(job.uid, job.gid)
    asked = values.number("umask_given")
    job.umask = _umask() if asked is None else asked
    limits = {name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}")) for name in propagated(values)}
    job.limits = json.dumps(limits)
    job.submit_host, job.submit_session = os.uname().nodename, os.getsid(0)
    _check_text(job)
    return job


def _umask() -> int:
    """This process's, read where that does not change it for a moment, which other threads would notice."""
    try:
        with open("/proc/self/status", "rb") as file:
            for line in file:
                if line.startswith(b"Umask:"):
                    return int(line[6:], 8)
    except OSError:
        pass
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def command_line(program: str, arguments: list[str]) -> str:
    """What was typed, as accounting keeps it: words between blanks, without their quotes."""
    if any(word.startswith("--noti") for word in arguments):
        from mini_slurm.model.notices import veiled_words  # few jobs ask for it

        arguments = veiled_words(arguments)
    return " ".join([program, *arguments]).encode(errors="backslashreplace").decode()


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
    """Where the user is, by the path that the user knows it by. Raises BadOption when it is gone."""
    if SENT:
        return SENT[0].folder
    here = scripts.current_folder()
    known = os.environ.get("PWD", "")
    if os.path.isabs(known) and os.path.exists(known) and os.path.samefile(known, here):
        return known
    return here


def _moment(program: str, option: str, text: str) -> float:
    from mini_slurm.model.moments import BadMoment, parse_moment

    try:
        moment = parse_moment(text, time.time(), time.localtime, time.mktime)
    except BadMoment as error:
        raise BadUsage(str(error), f"{program}: error: Invalid --{option} specification") from None
    if not moment:
        raise BadOption(f"Invalid --{option} specification")
    return moment


@cache
def user_and_group(uid: int, gid: int) -> tuple[str, str]:
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
