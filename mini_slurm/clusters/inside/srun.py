"""srun within a job of PBS: what it is asked to run, where, and with which files. srun_step runs it.

Stands alone, as `source` of pbs.py puts it together.
"""

from __future__ import annotations

import getopt
import json
import os
import re
import shlex
import sys
from typing import Any

from mini_slurm.clusters.inside.hostlist import compress, expand, repeated
from mini_slurm.clusters.inside.layout import TOO_MANY, UNAVAILABLE, NoStep, Wish, place
from mini_slurm.clusters.inside.patterns import fill

SHORT = "n:N:c:lJ:o:e:i:t:p:A:D:m:Quvkr:w:x:sO"
LONG = (
    "ntasks=", "nodes=", "cpus-per-task=", "ntasks-per-node=", "label", "job-name=", "mpi=", "cpu-bind=", "export=",
    "exact", "unbuffered", "quiet", "verbose", "kill-on-bad-exit=", "chdir=", "time=", "distribution=", "mem=",
    "mem-per-cpu=", "hint=", "gpus-per-task=", "gres=", "wait=", "partition=", "account=", "overlap", "oversubscribe",
    "overcommit", "no-kill", "output=", "error=", "input=", "open-mode=", "multi-prog", "nodelist=", "exclude=",
    "relative=", "mem-bind=", "gpus=", "gpus-per-node=", "gpu-bind=", "threads-per-core=", "comment=",
)  # fmt: skip
SAME = {
    "n": "ntasks", "N": "nodes", "c": "cpus-per-task", "l": "label", "o": "output", "e": "error", "i": "input",
    "D": "chdir", "r": "relative", "w": "nodelist", "x": "exclude", "J": "job-name", "t": "time", "m": "distribution",
}  # fmt: skip
# Their value may be left out, which getopt does not know. Steps here share what the job has.
OPTIONAL = {"-K": "--kill-on-bad-exit=1", "--kill-on-bad-exit": "--kill-on-bad-exit=1", "--exclusive": "--exact",
            "--propagate": "--exact"}  # fmt: skip


def main(words: list[str]) -> int:
    """Become the step; an exit status where there can be none."""
    try:
        given, command = getopt.getopt(_with_values(words), SHORT, LONG)
    except getopt.GetoptError as error:
        sys.stderr.write(f"srun: error: {error.msg}, or not to be had within a job of PBS\n")
        return 1
    options = {SAME.get(name.lstrip("-"), name.lstrip("-")): value for name, value in given}
    if not command:
        sys.stderr.write("srun: fatal: No command given to execute.\n")
        return 1
    here = os.path.dirname(os.path.abspath(__file__))
    try:
        places = layout(options, _hosts())
        commands = _commands(command, len(places), "multi-prog" in options)
        if "chdir" in options:
            os.chdir(options["chdir"])
        number, path = _own_number(os.path.dirname(here))
        with open(path, "w") as file:
            json.dump(_order(options, places, commands, number), file)
        os.execv(sys.executable, [sys.executable, os.path.join(here, "srun_step"), path])
    except (OSError, ValueError) as error:
        sys.stderr.write("".join(f"srun: error: {line}\n" for line in str(error).split("\n")))
        return 1


def _with_values(words: list[str]) -> list[str]:
    """The options, with the values that those have where none is written."""
    made: list[str] = []
    for position, word in enumerate(words):
        if not word.startswith("-") and (position == 0 or not _takes(words[position - 1])):
            return made + words[position:]
        name = word.partition("=")[0]
        if re.fullmatch(r"-K\d", word):
            word = f"--kill-on-bad-exit={word[2:]}"
        elif name in OPTIONAL and name != "--kill-on-bad-exit":
            word = name
        made.append(OPTIONAL.get(word, word))
    return made


def _takes(word: str) -> bool:
    """Is the next word this option's value?"""
    if word.startswith("--"):
        return f"{word[2:]}=" in LONG and word not in OPTIONAL
    return len(word) == 2 and f"{word[1]}:" in SHORT


# --- where, and what


def layout(options: dict[str, str], lines: list[str]) -> list[str]:
    """The host of each task; `lines` has one for each task that the job has room for. Raises ValueError."""
    hosts = list(dict.fromkeys(lines))
    wish = _wish(options, hosts)
    for line in wish.settle():
        if not {"quiet", "Q"} & set(options):
            sys.stderr.write(f"srun: {line}\n")
    each = int(os.environ.get("SLURM_CPUS_PER_TASK") or 1)
    cpus = {host: lines.count(host) * each for host in hosts}
    try:
        return place(wish, cpus, "MINI_SLURM_WHOLE" in os.environ)
    except NoStep as error:
        first = f"Unable to create step for job {os.environ.get('SLURM_JOB_ID')}: "
        why = str(error)
        raise ValueError(first + why if why in (TOO_MANY, UNAVAILABLE) else why) from None


def _wish(options: dict[str, str], hosts: list[str]) -> Wish:
    """What is asked for; what is not said is as in the job. Raises ValueError."""
    wish, given = Wish(), os.environ
    wish.ntasks = _number(options, "ntasks") or int(given.get("SLURM_NTASKS") or 0) or None
    wish.per_node = _number(options, "ntasks-per-node") or int(given.get("SLURM_NTASKS_PER_NODE") or 0) or None
    wish.most = _number(options, "nodes") or len(hosts)
    wish.least = _number({"nodes": options.get("nodes", str(wish.most)).split("-")[0]}, "nodes") or wish.most
    wish.cpus = _number(options, "cpus-per-task") or 1
    wish.named, wish.excluded = _expand(options.get("nodelist", "")), _expand(options.get("exclude", ""))
    wish.first = int(options.get("relative") or 0)
    wish.overcommits = bool({"overcommit", "O"} & set(options))
    wish.distribution = re.split(r"[,:]", options.get("distribution", ""))[0].lower()
    return wish


def _number(options: dict[str, str], name: str) -> int | None:
    """A number of one or more, the last of a range. Raises ValueError."""
    text = options.get(name)
    if text is None:
        return None
    last = text.split("-")[-1]
    if not last.isdecimal() or int(last) < 1:
        raise ValueError(f'Invalid numeric value "{text}" for --{name}.')
    return int(last)


def _expand(text: str) -> list[str]:
    """The hosts of a list. Raises ValueError."""
    try:
        return expand(text)
    except ValueError:
        raise ValueError(f"Invalid hostlist: {text}") from None


def _hosts() -> list[str]:
    """The host of each task that there is room for."""
    told = os.environ.get("MINI_SLURM_HOSTS", "").split()
    if told:
        return told
    try:
        with open(os.environ.get("PBS_NODEFILE", "")) as file:
            return file.read().split() or [os.uname().nodename]
    except OSError:
        return [os.uname().nodename]


def _commands(command: list[str], count: int, is_file: bool) -> list[list[str]]:
    """What each task runs. Raises OSError, ValueError."""
    if not is_file:
        return [command] * count
    with open(command[0]) as file:
        lines = [shlex.split(line, comments=True) for line in file]
    made: dict[int, list[str]] = {}
    for words in filter(None, lines):
        ranks = _ranks(words[0], count)
        for offset, rank in enumerate(ranks):
            made[rank] = [word.replace("%t", str(rank)).replace("%o", str(offset)) for word in words[1:]]
    if not all(made.get(rank) for rank in range(count)):
        raise ValueError(f"{command[0]} does not tell what each of {count} tasks runs")
    return [made[rank] for rank in range(count)]


def _ranks(text: str, count: int) -> list[int]:
    """The tasks of `0`, `1-3,5`, `*`: all that no line before has. Raises ValueError."""
    if text == "*":
        return list(range(count))
    pairs = [part.partition("-") for part in text.split(",")]
    return [rank for first, _, last in pairs for rank in range(int(first), int(last or first) + 1)]


def _own_number(folder: str) -> tuple[int, str]:
    """The first number that no step of the job has, and the step's file."""
    number = 0
    while True:
        path = os.path.join(folder, f"step-{number}")
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            number += 1
        else:
            return number, path


def surroundings(places: list[str], index: int, step: str) -> dict[str, str]:
    """What a task finds more than the script."""
    hosts = list(dict.fromkeys(places))
    host = places[index]
    counts = repeated([places.count(host) for host in hosts])
    return {
        "SLURM_PROCID": str(index), "SLURM_LOCALID": str(places[:index].count(host)), "SLURMD_NODENAME": host,
        "SLURM_NODEID": str(hosts.index(host)), "SLURM_STEP_NUM_TASKS": str(len(places)), "SLURM_STEP_ID": step,
        "SLURM_STEPID": step, "SLURM_STEP_NUM_NODES": str(len(hosts)), "SLURM_NNODES": str(len(hosts)),
        "SLURM_NTASKS": str(len(places)), "SLURM_NPROCS": str(len(places)), "SLURM_STEP_NODELIST": compress(hosts),
        "SLURM_STEP_TASKS_PER_NODE": counts,
    }  # fmt: skip


def _exported(text: str) -> dict[str, str]:
    """The variables that --export leaves: those of the job always."""
    words = [word for word in text.split(",") if word]
    named = {word.partition("=")[0]: word.partition("=")[2] for word in words if "=" in word}
    everything = "ALL" in [word.upper() for word in words] or not words
    of_job = ("SLURM", "PBS_", "TMPDIR", "MINI_SLURM")
    kept = {name: value for name, value in os.environ.items() if everything or name in words or name.startswith(of_job)}
    return {**kept, **named}


def _order(options: dict[str, str], places: list[str], commands: list[list[str]], number: int) -> dict[str, Any]:
    """All that the step has to know."""
    tasks = [surroundings(places, index, str(number)) for index in range(len(places))]
    if options.get("cpus-per-task"):
        tasks = [{**one, "SLURM_CPUS_PER_TASK": options["cpus-per-task"]} for one in tasks]
    outs = [_output(options.get("output", ""), options, task) for task in tasks]
    errs = [_output(options.get("error", options.get("output", "")), options, task) for task in tasks]
    return {
        "places": places, "commands": commands, "tasks": tasks, "folder": os.getcwd(),
        "environment": _exported(options.get("export", "ALL")), "outs": outs, "errs": errs,
        "appends": options.get("open-mode", "").startswith("a"), "is_labelled": "label" in options,
        "kills": options.get("kill-on-bad-exit", "0") != "0", **_input(options, tasks),
    }  # fmt: skip


def _output(pattern: str, options: dict[str, str], task: dict[str, str]) -> str:
    """The file of a task's output; "": srun's own."""
    if pattern in ("", "all", task["SLURM_PROCID"]):
        return ""
    return os.devnull if pattern == "none" or pattern.isdigit() else _expanded(pattern, options, task)


def _input(options: dict[str, str], tasks: list[dict[str, str]]) -> dict[str, Any]:
    """What is read for the tasks, None: srun's own, and which of them get it."""
    source = options.get("input", "all")
    if source.isdecimal() and int(source) < len(tasks):
        return {"reads": None, "readers": [int(source)]}
    path = {"all": None, "none": os.devnull}.get(source, source)
    return {"reads": path and _expanded(path, options, tasks[0]), "readers": [*range(len(tasks))]}


def _expanded(pattern: str, options: dict[str, str], task: dict[str, str]) -> str:
    """A file name of a pattern like `%x-%2t.out`."""
    given, step = os.environ, task["SLURM_STEP_ID"]
    values = {
        "j": given.get("SLURM_JOB_ID", ""), "J": f"{given.get('SLURM_JOB_ID')}.{step}", "s": step,
        "A": given.get("SLURM_ARRAY_JOB_ID", given.get("SLURM_JOB_ID", "")),
        "a": given.get("SLURM_ARRAY_TASK_ID", "4294967294"), "t": task["SLURM_PROCID"], "n": task["SLURM_NODEID"],
        "N": task["SLURMD_NODENAME"], "u": given.get("SLURM_JOB_USER", ""), "%": "%",
        "x": options.get("job-name") or given.get("SLURM_JOB_NAME", ""),
    }  # fmt: skip
    return fill(pattern, values)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
