"""The script that PBS runs: it makes a Slurm job's surroundings of PBS's, runs the user's script, and notes its end.

Stands alone, as `source` of pbs.py puts it together. What is to be run is handed to `main` by a line that is put below.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import Any

from mini_slurm.clusters.inside.hostlist import compress, repeated
from mini_slurm.clusters.inside.patterns import fill
from mini_slurm.clusters.inside.waited import is_met

NOTES = os.path.join(".cache", "mini_slurm", "pbs")  # at home
KEPT = 30 * 86400.0  # seconds that the note of an end is kept
NOWHERE = "/tmp"
BEHIND = 0.2  # seconds: PBS signals one process after the other, and the script may be told, and end, before us
ROUNDED = 2.0  # seconds before the limit that count as after it
NO_FILES = 53  # the signal that slurmd says ended a job whose files it could not open
# PBS sends a signal to each process of the job: to the script, and to us, who have to tell of its end
PASSED = [getattr(signal, name) for name in ("SIGHUP", "SIGINT", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGXCPU")]
BANNER = "slurmstepd-{}: error: *** JOB {} ON {} CANCELLED AT {}{} ***\n"
OF_PBS = ("TMPDIR", "NCPUS", "HOME", "USER", "LOGNAME", "SHELL", "HOSTNAME")  # variables that PBS says best
ZERO = "10000000"  # the number of PBS's job 0, as in model/foreign.py: Slurm has no such job


def main(order: dict[str, Any]) -> None:
    """Run the job; the exit status is its script's."""
    os.umask(order["umask"])
    number, task = identity(os.environ["PBS_JOBID"])
    notes = os.path.join(os.path.expanduser("~"), NOTES)
    with contextlib.suppress(OSError):
        os.makedirs(notes, mode=0o700, exist_ok=True)
    note = os.path.join(notes, order["tag"] if task is None else f"{order['tag']}.{task}")
    if not all(is_met(order, notes, *one) for one in order["after"]):
        told = {"id": os.environ["PBS_JOBID"], "code": 0, "signal": 0, "ended": True, "nodes": "", "runs": 1}
        _note(note, {**told, "start": time.time(), "end": time.time()})
        sys.exit(1)  # what waits for this one to go well is not to run
    folder = note + ".files"
    runs, start = _begin(note), time.time()
    environment = surroundings(order, number, task, runs)
    try:
        _remove(folder)  # of a run before that was killed
        os.makedirs(folder, mode=0o700)
        script = _install(order, folder, environment)
        _enter(order["work_dir"], environment)
        code, was_ended = _run([script, *order["arguments"]], order, environment, start)
    except OSError as error:
        sys.stderr.write(f"error: {error.filename or folder}: {error.strerror}\n")
        code, was_ended = -NO_FILES, False
    finally:
        _remove(folder)
    told = {"id": os.environ["PBS_JOBID"], "code": max(code, 0), "signal": max(-code, 0), "ended": was_ended}
    nodes = environment["SLURM_JOB_NODELIST"]
    _note(note, {**told, "start": start, "end": time.time(), "nodes": nodes, "runs": runs + 1})
    _forget(notes)
    sys.exit(code if code >= 0 else 128 - code)


def _begin(note: str) -> int:
    """How often the job ran before. That it runs now takes the place of how that ended."""
    try:
        with open(note) as file:
            runs = int(json.load(file).get("runs", 1))
    except (OSError, ValueError):
        runs = 0
    _note(note, {"runs": runs + 1})
    return runs


def _note(path: str, told: dict[str, Any]) -> None:
    """Where there is no room for it, the job history is all that tells."""
    try:
        _write(path, json.dumps(told).encode())
    except OSError as error:
        sys.stderr.write(f"error: {path}: {error.strerror}\n")


def identity(name: str) -> tuple[str, int | None]:
    """Number and task of `123.server` or `123[4].server`."""
    found = re.match(r"(\d+)(?:\[(\d+)\])?", name)
    assert found, name
    number = found[1] if int(found[1]) else ZERO
    return number, None if found[2] is None else int(found[2])


# --- surroundings


def surroundings(order: dict[str, Any], number: str, task: int | None, runs: int) -> dict[str, str]:
    """The job's environment; `runs`: how often it ran before."""
    brought = {name: value for name, value in order["brought"].items() if name not in OF_PBS}
    given = {**os.environ, **brought}
    # a Torque has a line for each CPU, an OpenPBS one for each task
    lines = (_lines(given.get("PBS_NODEFILE", "")) or [os.uname().nodename])[:: order["lines"]]
    made = {**_of_job(order, number, given), **_of_nodes(lines, int(order["cpus_per_task"] or 1), given)}
    made.update(order["told"])
    if order["lines"] > 1:
        made["MINI_SLURM_HOSTS"] = " ".join(lines)
    if runs:
        made["SLURM_RESTART_COUNT"] = str(runs)
    if task is not None:
        made.update(_of_array(order, number, task))
    kept = {name: value for name, value in given.items() if name != "MINI_SLURM_TAG"}
    return {**kept, "PATH": _path(order, brought), **made}


def _of_job(order: dict[str, Any], number: str, given: dict[str, str]) -> dict[str, str]:
    made = {
        "SLURM_JOB_ID": number, "SLURM_JOBID": number, "SLURM_JOB_NAME": order["name"],
        "SLURM_CLUSTER_NAME": order["cluster"], "SLURM_JOB_PARTITION": given.get("PBS_QUEUE", ""),
        "SLURM_SUBMIT_DIR": order["submit_dir"], "SLURM_SUBMIT_HOST": given.get("PBS_O_HOST", ""),
        "SLURM_JOB_USER": given.get("USER", given.get("LOGNAME", "")),
        "SLURM_JOB_UID": str(os.getuid()), "SLURM_JOB_GID": str(os.getgid()),
        "SLURM_NODEID": "0", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_GTIDS": "0", "ENVIRONMENT": "BATCH",
    }  # fmt: skip
    if order["ntasks"]:
        made.update(SLURM_NTASKS=str(order["ntasks"]), SLURM_NPROCS=str(order["ntasks"]))
    if order["cpus_per_task"]:
        made["SLURM_CPUS_PER_TASK"] = str(order["cpus_per_task"])
    if order["account"]:
        made["SLURM_JOB_ACCOUNT"] = order["account"]
    return made


def _of_nodes(lines: list[str], each: int, given: dict[str, str]) -> dict[str, str]:
    """`lines`: the node of each task; `each`: the CPUs of a task."""
    hosts = list(dict.fromkeys(lines))
    tasks = [lines.count(host) for host in hosts]
    here = max(tasks[0] * each, int(given.get("NCPUS") or 0))  # PBS tells of the first chunk alone
    return {
        "SLURM_JOB_NODELIST": compress(hosts), "SLURM_NODELIST": compress(hosts),
        "SLURM_JOB_NUM_NODES": str(len(hosts)), "SLURM_NNODES": str(len(hosts)),
        "SLURM_TASKS_PER_NODE": repeated(tasks), "SLURM_JOB_CPUS_PER_NODE": repeated([count * each for count in tasks]),
        "SLURM_CPUS_ON_NODE": str(here), "SLURMD_NODENAME": hosts[0],
    }  # fmt: skip


def _of_array(order: dict[str, Any], number: str, task: int) -> dict[str, str]:
    first, last, step, size = map(str, order["array"])
    return {
        "SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": str(task), "SLURM_ARRAY_TASK_MIN": first,
        "SLURM_ARRAY_TASK_MAX": last, "SLURM_ARRAY_TASK_STEP": step, "SLURM_ARRAY_TASK_COUNT": size,
    }  # fmt: skip


def _path(order: dict[str, Any], brought: dict[str, str]) -> str:
    """The user's own, which the login there has replaced, before that one."""
    given = os.environ
    paths = [brought.get("PATH") or given.get("PBS_O_PATH", "")] if order["takes_path"] else []
    paths += [given.get("PATH", os.defpath), order["programs"] or ""]
    return ":".join(dict.fromkeys(folder for path in paths for folder in path.split(":") if folder))


def _lines(path: str) -> list[str]:
    try:
        with open(path) as file:
            return file.read().split()
    except OSError:
        return []


# --- the script


def _install(order: dict[str, Any], folder: str, environment: dict[str, str]) -> str:
    """Put the script and the tools in place; the script's path."""
    tools = os.path.join(folder, "bin")
    os.makedirs(tools, mode=0o700, exist_ok=True)
    for name, text in order["tools"].items():
        _write(os.path.join(tools, name), text.encode(), 0o700)
    environment["PATH"] = f"{tools}:{environment.get('PATH', os.defpath)}"
    script = os.path.join(folder, "slurm_script")
    _write(script, order["script"].encode("latin-1"), 0o700)
    return script


def _enter(work_dir: str, environment: dict[str, str]) -> None:
    try:
        os.chdir(work_dir)
    except OSError as error:
        os.chdir(NOWHERE)
        text = f"couldn't chdir to `{work_dir}': {error.strerror}: going to {NOWHERE} instead"
        sys.stderr.write(f"slurmstepd-{environment['SLURMD_NODENAME']}: error: {text}\n")


def _run(words: list[str], order: dict[str, Any], environment: dict[str, str], start: float) -> tuple[int, bool]:
    """Run it to its end: its exit status, and whether PBS asked for the end."""
    given, out, err = _open(order, environment)
    ended: list[int] = []

    def end(number: int, frame: object) -> None:
        if not ended:
            os.write(err, _banner(order, environment, start).encode())
        ended.append(number)

    for number in PASSED:
        signal.signal(number, lambda number, frame: None)
    signal.signal(signal.SIGTERM, end)
    try:
        child = subprocess.Popen(words, stdin=given, stdout=out, stderr=err, env=environment)
    except OSError as error:
        text = f"execve(): {_culprit(words[0])}: {error.strerror}"
        os.write(err, f"slurmstepd-{environment['SLURMD_NODENAME']}: error: {text}\n".encode())
        return error.errno or 1, False
    code = child.wait()
    if not ended:
        time.sleep(BEHIND)
    return code, bool(ended)


def _open(order: dict[str, Any], environment: dict[str, str]) -> tuple[int, int, int]:
    """The script's input, output and errors. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if order["appends"] else os.O_TRUNC)
    default = "slurm-%A_%a.out" if "SLURM_ARRAY_TASK_ID" in environment else "slurm-%j.out"

    def path(pattern: str) -> str:
        return os.path.join(order["work_dir"], file_name(pattern, environment))

    given = os.open(path(order["std_in"] or os.devnull), os.O_RDONLY)  # first, as slurmd does
    out = os.open(path(order["std_out"] or default), flags, 0o666)
    err = os.open(path(order["std_err"]), flags, 0o666) if order["std_err"] else out
    return given, out, err


def _banner(order: dict[str, Any], environment: dict[str, str], start: float) -> str:
    """What a user of Slurm reads of a job that is ended."""
    limit = order["time_limit"]
    why = " DUE TO TIME LIMIT" if limit is not None and time.time() - start >= limit - ROUNDED else ""
    node, moment = environment["SLURMD_NODENAME"], time.strftime("%Y-%m-%dT%H:%M:%S")
    return BANNER.format(node, environment["SLURM_JOB_ID"], node, moment, why)


def _culprit(script: str) -> str:
    """What cannot be executed: the script's interpreter."""
    with open(script, "rb") as file:
        words = file.readline()[2:].decode(errors="replace").split()
    return f"bad interpreter({words[0]})" if words else script


def file_name(pattern: str, environment: dict[str, str]) -> str:
    """A file name of a pattern like `%x-%4j.out`."""
    values = {
        "j": environment["SLURM_JOB_ID"], "J": environment["SLURM_JOB_ID"],
        "A": environment.get("SLURM_ARRAY_JOB_ID", environment["SLURM_JOB_ID"]),
        "a": environment.get("SLURM_ARRAY_TASK_ID", "4294967294"), "x": environment["SLURM_JOB_NAME"],
        "u": environment["SLURM_JOB_USER"], "N": environment["SLURMD_NODENAME"], "n": "0", "t": "0", "s": "batch",
        "%": "%",
    }  # fmt: skip
    return fill(pattern, values)


# --- files


def _write(path: str, data: bytes, mode: int = 0o600) -> None:
    """Whole or not at all."""
    file = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(file, "wb") as stream:
        stream.write(data)
    os.chmod(path + ".new", mode)
    os.rename(path + ".new", path)


def _remove(folder: str) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _forget(notes: str) -> None:
    """Remove what old jobs left."""
    for name in os.listdir(notes) if os.path.isdir(notes) else ():
        path = os.path.join(notes, name)
        try:
            if time.time() - os.lstat(path).st_mtime > KEPT:
                os.unlink(path)
        except OSError:
            continue  # another job was quicker, or is at it
