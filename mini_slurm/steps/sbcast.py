"""sbcast in a job: copies a file to all machines of the job, by way of a step that nobody is told of."""

from __future__ import annotations

import os
import stat
import sys

from mini_slurm.errors import BadUsage, Refused
from mini_slurm.steps import ends, launch, watch
from mini_slurm.steps.errand import hand_on
from mini_slurm.steps.front import Front
from mini_slurm.steps.outputs import Names
from mini_slurm.steps.srun import AGENT, MARK, options, own_environment, rows, told
from mini_slurm.steps.talk import AGENT_SOCKET, GREETING, Talk

NO_LOOKUP = 255  # the exit status where there is no such job
SIZES, LARGEST_SIZE = ("", "k", "m"), (1 << 63) - 1  # units of --size; the first letter counts
LIBRARIES = ("no", "yes", "")  # values of --send-libs
COMPRESSIONS = ("", "lz4", "none")
ROWS = "sbcast.rows"  # beside this module
NO_JOB = "Need a job id to run this command.  Run from within a Slurm job or use the --jobid option."
# What each machine runs: name of the command, destination, 1 to replace a file, mode, time of its last change or none.
RECEIVER = """
fail() { rm -f "$draft"; echo "$0: error: REQUEST_FILE_BCAST($SLURMD_NODENAME): $1" >&2; cat > /dev/null; exit ${2-1}; }
draft="$1.sbcast.$$"
[ "$2" = 1 ] || { [ ! -e "$1" ] && [ ! -L "$1" ]; } || fail 'File exists' 17
[ ! -d "$1" ] || fail 'Is a directory' 21
umask 077
[ -d "$(dirname "$1")" ] || fail 'No such file or directory' 2
why=$( { cat > "$draft"; } 2>&1 ) || fail "${why##*: }"
chmod "$3" "$draft" && { [ -z "$4" ] || touch -d "@$4" "$draft"; } || fail 'Operation not permitted'
mv -f "$draft" "$1" || fail 'Operation not permitted'
"""


class Target:
    """A job whose machines get a file, and the way to the agent that looks after its steps."""

    def __init__(self, job_id: str, attempt: str, talk: Talk, environment: dict[str, str]) -> None:
        self.job_id = job_id
        self.attempt = attempt
        self.talk = talk
        self.environment = environment
        self.limits: dict[str, str] = {}  # options that keep a step within its part of the job


class Sender(Front):
    """The step's front: what went wrong on a machine is said there, in sbcast's words."""

    def _refuse(self, kind: str, why: str) -> None:
        if kind != "confirm":
            super()._refuse(kind, why)
            return
        self.refusal = NO_LOOKUP
        self.complain(no_such_job(self._names.job_id))

    def _exited(self, node: str, status: int, tasks: list[int]) -> None:
        for task in tasks:
            self._outputs.finish(task)
        self._running.difference_update(tasks)
        self._status = ends.worse(self._status, status)


def no_such_job(text: str) -> str:
    """What is said where -j names no job that runs; to Slurm a text that begins with no digit is job 0."""
    return f"Slurm job {text if text[:1].isdigit() else 0} lookup error: Invalid job id specified"


def odd_values(given: dict[str, str]) -> list[str]:
    """The lines on values that are ignored; of a program's own where they begin with a space."""
    found = []
    size = given.get("size", "0").strip()
    unit = size.lstrip("+0123456789")
    number = size[: len(size) - len(unit)].lstrip("+") or "0"
    if unit[:1].lower() not in SIZES or not number.isdigit() or int(number) >= LARGEST_SIZE:
        found.append("size specification is invalid, ignored")
    libraries = given.get("send-libs", "").lower()
    if libraries not in LIBRARIES:
        found.append(f" error: Ignoring unrecognized --send-libs value '{libraries}'")
    compression = given.get("compress", "")
    if compression.lower() not in COMPRESSIONS:
        found.append(f" error: Compression type '{compression}' unknown, disabling compression support.")
    return found


def tell_odd_values(program: str, given: dict[str, str]) -> None:
    """Say on stderr what is ignored."""
    for line in odd_values(given):
        sys.stderr.write(f"{program}:{line}\n" if line.startswith(" ") else f"{line}\n")


def check_destination(destination: str) -> None:
    """It is a file's name. Raises Refused."""
    if destination.endswith("/"):
        raise Refused("Target filename cannot be a directory.")


def main(program: str, arguments: list[str]) -> int:
    """Copy a file to all machines of the job; the exit status."""
    return told(program, lambda: _sbcast(program, arguments))


def _sbcast(program: str, arguments: list[str]) -> int:
    environment = own_environment()
    if not environment.get(AGENT) or not environment.get(MARK):
        return hand_on(program, arguments)
    table = rows(os.path.join(os.path.dirname(os.path.abspath(__file__)), ROWS))[0]
    given, words = options(program, arguments, table, {}, {}, exit_code=1)
    if "version" in given:
        sys.stdout.write("slurm-wlm 22.05.8\n")
        return 0
    if "help" in given or "usage" in given:
        sys.stdout.write("Usage: sbcast [-CfFjpstV] SOURCE DEST\n")
        return 0
    tell_odd_values(program, given)
    if len(words) != 2:
        raise BadUsage(
            f"Need two file names, have {len(words)} names", f'Try "{program} --help" for more information', exit_code=1
        )
    job_id = given.get("jobid") or environment.get("SLURM_JOB_ID", "")
    if not job_id:
        raise Refused(NO_JOB)
    check_destination(words[1])
    talk = Talk(environment[AGENT], AGENT_SOCKET, GREETING)
    target = Target(job_id.partition(".")[0], environment[MARK].partition("-")[0], talk, environment)
    return send(program, words[0], words[1], given, target)


def look_at(source: str) -> os.stat_result:
    """What the file is. Raises Refused where it cannot be sent."""
    try:
        status = os.stat(source)
    except OSError as error:
        raise Refused(f"Can't open `{source}`: {error.strerror}", exit_code=255) from None
    if not stat.S_ISREG(status.st_mode):
        raise Refused(f"Can't mmap file `{source}`, No such device.", exit_code=255)
    return status


def send(program: str, source: str, destination: str, given: dict[str, str], job: Target) -> int:
    """Copy the file; the exit status. Raises Refused."""
    status = look_at(source)
    mode = f"{stat.S_IMODE(status.st_mode):o}"
    changed = str(int(status.st_mtime)) if "preserve" in given else ""
    words = ["sh", "-c", RECEIVER, program, destination, str(int("force" in given)), mode, changed]
    nodes = job.environment.get("SLURM_JOB_NUM_NODES") or job.environment.get("SLURM_NNODES", "1")
    asked = {"nodes": nodes, "ntasks": nodes, "ntasks-per-node": "1", "overlap": "", "mem": "0", "input": source}
    plan = launch.read(program, {**asked, **job.limits}, words, job.environment, [])
    plan.mark(hidden=True)
    names = Names(job.job_id, "", job.job_id, "4294967294", job.environment.get("USER", ""), program)
    order = ["launch", os.urandom(8).hex(), job.attempt, job.job_id, *plan.fields]
    return watch.run([Sender(plan.settings, job.talk, order, names, plan.outputs)])
