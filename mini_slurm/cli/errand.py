"""One of Slurm's commands, called in a job on a machine: the controller starts this process to run it.

On standard input come a line of JSON, which says who asks for what, and then what the command itself is to read. All
of it is a machine's word: what a job may have done is checked here.
"""

from __future__ import annotations

import json
import os
import pwd
import resource
import sys
from importlib import import_module

from mini_slurm.cli import common, errand_rules, listing
from mini_slurm.desk import submission
from mini_slurm.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

OWN = ("HOME", "LOGNAME", "SHELL", "USER", "XDG_CONFIG_HOME", "XDG_STATE_HOME")  # of the environment, here
OURS = "MINI_SLURM_"
# what commands that only look may read of a job's environment
SETTINGS = ("COLUMNS", "SACCT_", "SCANCEL_", "SCONTROL_", "SINFO_", "SLURM_", "SPRIO_", "SQUEUE_", "SSTAT_", "TZ")
USERS = ("-u", "--user", "--users")


def main() -> int:
    """Run what standard input asks for; the exit status."""
    order = json.loads(sys.stdin.buffer.readline())
    program = str(order["program"])
    _set_environment(program, order["environment"])
    sys.argv = [program, *_as_ours(order["arguments"], order["user"], pwd.getpwuid(os.getuid()).pw_name)]
    return listing.leave(common.run(f"m{program}", lambda name, words: _run(order, name, words)))


def _run(order: dict[str, Any], program: str, words: list[str]) -> int:
    errand_rules.check(order, words)
    try:
        module = import_module(f"mini_slurm.cli.m{program}")
    except ModuleNotFoundError:
        raise Refused(f"there is no {program} here") from None
    body: Callable[..., int] = getattr(module, f"m{program}")
    if program == "sbatch":
        _set_limits(order)
        submission.SENT.append(submission.Sent(order["folder"], sys.stdin.buffer.read(), order["script"]))
    return body(program, words)


def _set_environment(program: str, sent: dict[str, str]) -> None:
    """The job's, as far as it concerns the command; where state and fleet are is known here alone."""
    own = {name: value for name, value in os.environ.items() if name in OWN or name.startswith(OURS)}
    if program != "sbatch":
        sent = {name: value for name, value in sent.items() if name.startswith(SETTINGS)}
    os.environ.clear()
    for name, value in {**sent, **own}.items():
        if name and "=" not in name and "\0" not in name + value and (name in own or not name.startswith(OURS)):
            os.environ[name] = value


def _as_ours(words: list[str], theirs: str, ours: str) -> list[str]:
    """Who runs here may have another name on the machine, which scripts know as $USER."""
    found: list[str] = []
    for word in words:
        option, equals, value = word.partition("=")
        if found and found[-1] in USERS:
            word = _renamed(word, theirs, ours)
        elif equals and option in USERS:
            word = f"{option}={_renamed(value, theirs, ours)}"
        elif word == f"-u{theirs}":
            word = f"-u{ours}"
        found.append(word)
    return found


def _renamed(names: str, theirs: str, ours: str) -> str:
    return ",".join(ours if name == theirs else name for name in names.split(","))


def _set_limits(order: dict[str, Any]) -> None:
    """What sbatch hands on of the process that called it."""
    os.umask(int(order["umask"]) & 0o777)
    for name, text in order["limits"].items():
        number = getattr(resource, f"RLIMIT_{name}", None)
        try:
            soft, hard = map(int, text.split())
            if number is not None:
                resource.setrlimit(number, (soft, hard))
        except (ValueError, OSError):
            continue  # more than there is here


if __name__ == "__main__":
    sys.exit(main())
