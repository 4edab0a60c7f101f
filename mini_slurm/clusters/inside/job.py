"""The script that PBS runs: it makes a Slurm job's surroundings of PBS's, runs the user's script, and notes its end.

Stands alone. What is to be run is handed to `main` by a line that is put below.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from typing import Any

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
    os.makedirs(notes, mode=0o700, exist_ok=True)
    key = order["tag"] if task is None else f"{order['tag']}.{task}"
    folder = os.path.join(notes, key + ".files")
    environment = surroundings(order, number, task)
    nodes = environment["SLURM_JOB_NODELIST"]
    start = time.time()
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        script = _install(order, folder, environment)
        _enter(order["work_dir"], environment)
        code, was_ended = _run([script, *order["arguments"]], order, environment, start)
    except OSError as error:
        sys.stderr.write(f"error: {error.filename}: {error.strerror}\n")
        code, was_ended = -NO_FILES, False
    finally:
        _remove(folder)
    note = {"id": os.environ["PBS_JOBID"], "code": max(code, 0), "signal": max(-code, 0), "ended": was_ended}
    _write(os.path.join(notes, key), json.dumps({**note, "start": start, "end": time.time(), "nodes": nodes}).encode())
    _forget(notes)
    sys.exit(code if code >= 0 else 128 - code)


def identity(name: str) -> tuple[str, int | None]:
    """Number and task of `123.server` or `123[4].server`."""
    found = re.match(r"(\d+)(?:\[(\d+)\])?", name)
    assert found, name
    number = found[1] if int(found[1]) else ZERO
    return number, None if found[2] is None else int(found[2])


# --- surroundings


def surroundings(order: dict[str, Any], number: str, task: int | None) -> dict[str, str]:
    """The job's environment."""
    brought = {name: value for name, value in order["brought"].items() if name not in OF_PBS}
    given = {**os.environ, **brought}
    # a Torque has a line for each CPU, an OpenPBS one for each task
    lines = (_lines(given.get("PBS_NODEFILE", "")) or [os.uname().nodename])[:: order["lines"]]
    hosts = list(dict.fromkeys(lines))
    tasks = [lines.count(host) for host in hosts]
    each = int(order["cpus_per_task"] or 1)
    made = {
        "SLURM_JOB_ID": number, "SLURM_JOBID": number, "SLURM_JOB_NAME": order["name"],
        "SLURM_CLUSTER_NAME": order["cluster"], "SLURM_JOB_PARTITION": given.get("PBS_QUEUE", ""),
        "SLURM_SUBMIT_DIR": order["submit_dir"], "SLURM_SUBMIT_HOST": given.get("PBS_O_HOST", ""),
        "SLURM_JOB_USER": given.get("USER", given.get("LOGNAME", "")),
        "SLURM_JOB_UID": str(os.getuid()), "SLURM_JOB_GID": str(os.getgid()),
        "SLURM_JOB_NODELIST": compress(hosts), "SLURM_NODELIST": compress(hosts),
        "SLURM_JOB_NUM_NODES": str(len(hosts)), "SLURM_NNODES": str(len(hosts)),
        "SLURM_TASKS_PER_NODE": repeated(tasks), "SLURM_JOB_CPUS_PER_NODE": repeated([count * each for count in tasks]),
        "SLURM_CPUS_ON_NODE": given.get("NCPUS", str(tasks[0] * each)), "SLURMD_NODENAME": hosts[0],
        "SLURM_NODEID": "0", "SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_GTIDS": "0", "ENVIRONMENT": "BATCH",
    }  # fmt: skip
    made.update(order["told"])
    if order["lines"] > 1:
        made["MINI_SLURM_HOSTS"] = " ".join(lines)
    if order["ntasks"]:
        made.update(SLURM_NTASKS=str(order["ntasks"]), SLURM_NPROCS=str(order["ntasks"]))
    if order["cpus_per_task"]:
        made["SLURM_CPUS_PER_TASK"] = str(each)
    if order["account"]:
        made["SLURM_JOB_ACCOUNT"] = order["account"]
    if task is not None:
        first, last, step, size = order["array"]
        made.update(
            SLURM_ARRAY_JOB_ID=number, SLURM_ARRAY_TASK_ID=str(task), SLURM_ARRAY_TASK_MIN=str(first),
            SLURM_ARRAY_TASK_MAX=str(last), SLURM_ARRAY_TASK_STEP=str(step), SLURM_ARRAY_TASK_COUNT=str(size),
        )  # fmt: skip
    kept = {name: value for name, value in given.items() if name != "MINI_SLURM_TAG"}
    return {**kept, "PATH": _path(order, brought), **made}


def _path(order: dict[str, Any], brought: dict[str, str]) -> str:
    """The user's own, which the login there has replaced, before that one."""
    given = os.environ
    paths = [brought.get("PATH") or given.get("PBS_O_PATH", "")] if order["takes_path"] else []
    paths += [given.get("PATH", os.defpath), order["programs"] or ""]
    return ":".join(dict.fromkeys(folder for path in paths for folder in path.split(":") if folder))


def compress(hosts: list[str]) -> str:
    """A hostlist; brackets only where names differ in their last number alone."""
    split = [re.fullmatch(r"(.*?)(\d+)", host) for host in hosts]
    parts = [(found[1], found[2]) for found in split if found]
    if len(hosts) == 1 or len(parts) != len(hosts) or len({prefix for prefix, _ in parts}) > 1:
        return ",".join(hosts)
    ranges: list[list[str]] = []
    for _, digits in parts:
        if ranges and len(digits) == len(ranges[-1][1]) and int(digits) == int(ranges[-1][1]) + 1:
            ranges[-1][1] = digits
        else:
            ranges.append([digits, digits])
    listed = ",".join(first if first == last else f"{first}-{last}" for first, last in ranges)
    return f"{parts[0][0]}[{listed}]"


def repeated(counts: list[int]) -> str:
    """`2(x3),1`."""
    words: list[list[int]] = []
    for count in counts:
        if words and words[-1][0] == count:
            words[-1][1] += 1
        else:
            words.append([count, 1])
    return ",".join(f"{count}(x{times})" if times > 1 else str(count) for count, times in words)


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
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if order["appends"] else os.O_TRUNC)
    default = "slurm-%A_%a.out" if "SLURM_ARRAY_TASK_ID" in environment else "slurm-%j.out"

    def path(pattern: str) -> str:
        return os.path.join(order["work_dir"], expand(pattern, environment))

    out = os.open(path(order["std_out"] or default), flags, 0o666)
    err = os.open(path(order["std_err"]), flags, 0o666) if order["std_err"] else out
    given = os.open(path(order["std_in"] or os.devnull), os.O_RDONLY)
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


def expand(pattern: str, environment: dict[str, str]) -> str:
    """A file name of a pattern like `%x-%4j.out`."""
    values = {
        "j": environment["SLURM_JOB_ID"], "J": environment["SLURM_JOB_ID"],
        "A": environment.get("SLURM_ARRAY_JOB_ID", environment["SLURM_JOB_ID"]),
        "a": environment.get("SLURM_ARRAY_TASK_ID", "4294967294"), "x": environment["SLURM_JOB_NAME"],
        "u": environment["SLURM_JOB_USER"], "N": environment["SLURMD_NODENAME"], "n": "0", "t": "0", "s": "batch",
        "%": "%",
    }  # fmt: skip

    def value(found: re.Match[str]) -> str:
        text = values.get(found[2], found[0])
        return text.zfill(int(found[1])) if found[1] and text.isdigit() else text

    return re.sub(r"%(\d*)([A-Za-z%])", value, pattern)


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
    for name in os.listdir(notes):
        path = os.path.join(notes, name)
        try:
            if time.time() - os.lstat(path).st_mtime > KEPT:
                os.unlink(path)
        except OSError:
            continue  # another job was quicker, or is at it
