"""srun within a job of PBS: tasks on this machine are started directly, those on others by pbs_tmrsh or pbsdsh.

Stands alone.
"""

from __future__ import annotations

import getopt
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from typing import IO, Any

SHORT = "n:N:c:lJ:o:e:i:t:p:A:D:m:K:Qvukr:w:"
LONG = (
    "ntasks=", "nodes=", "cpus-per-task=", "ntasks-per-node=", "label", "job-name=", "mpi=", "cpu-bind=", "export=",
    "exclusive", "overlap", "exact", "unbuffered", "quiet", "verbose", "kill-on-bad-exit=", "chdir=", "time=",
    "distribution=", "mem=", "mem-per-cpu=", "hint=", "gpus-per-task=", "gres=", "wait=", "partition=",
)  # fmt: skip


def main(words: list[str]) -> int:
    """Run the tasks; the highest exit status."""
    if words[:1] == ["--task"]:
        return run_task(words[1], int(words[2]))
    try:
        given, command = getopt.getopt(words, SHORT, LONG)
    except getopt.GetoptError as error:
        sys.stderr.write(f"srun: error: {error.msg}, or not to be had within a job of PBS\n")
        return 1
    if not command:
        sys.stderr.write("srun: fatal: No command given to execute.\n")
        return 1
    options = dict(given)
    places = layout(options, _hosts())
    if "-D" in options or "--chdir" in options:
        os.chdir(options.get("-D", options.get("--chdir", ".")))
    return _run(places, command, "-l" in options or "--label" in options)


def layout(options: dict[str, str], lines: list[str]) -> list[str]:
    """The host of each task."""
    hosts = list(dict.fromkeys(lines))
    nodes = options.get("-N", options.get("--nodes", ""))
    if nodes:
        hosts = hosts[: int(nodes.split("-")[-1])]
        lines = [host for host in lines if host in hosts]
    each = options.get("--ntasks-per-node")
    wanted = options.get("-n", options.get("--ntasks"))
    if wanted is None and each is not None:
        return [host for host in hosts for _ in range(int(each))]
    if wanted is None and nodes:
        return hosts
    count = int(wanted or os.environ.get("SLURM_NTASKS") or len(lines))
    places = lines * (-(-count // len(lines)))
    return sorted(places[:count], key=hosts.index)


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


def surroundings(places: list[str], index: int, step: str) -> dict[str, str]:
    """What a task finds more than the script."""
    hosts = list(dict.fromkeys(places))
    host = places[index]
    return {
        "SLURM_PROCID": str(index), "SLURM_LOCALID": str(places[:index].count(host)), "SLURMD_NODENAME": host,
        "SLURM_NODEID": str(hosts.index(host)), "SLURM_STEP_NUM_TASKS": str(len(places)), "SLURM_STEP_ID": step,
        "SLURM_STEPID": step, "SLURM_STEP_NUM_NODES": str(len(hosts)), "SLURM_NTASKS": str(len(places)),
        "SLURM_NPROCS": str(len(places)),
    }  # fmt: skip


def _run(places: list[str], command: list[str], is_labelled: bool) -> int:
    here = os.uname().nodename.split(".")[0]
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    order = os.path.join(folder, f"step-{os.getpid()}")
    step = str(len([name for name in os.listdir(folder) if name.startswith("step-")]))
    tasks = [surroundings(places, index, step) for index in range(len(places))]
    with os.fdopen(os.open(order, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"command": command, "folder": os.getcwd(), "environment": dict(os.environ), "tasks": tasks}, file)
    children: list[subprocess.Popen[bytes]] = []
    for index, host in enumerate(places):
        words = [sys.executable, os.path.abspath(__file__), "--task", order, str(index)]
        if host.split(".")[0] != here:
            words = [*far(host), "/usr/bin/env", "python3", *words[1:]]
        pipe = subprocess.PIPE if is_labelled else None
        given = None if index == 0 else subprocess.DEVNULL
        try:
            children.append(subprocess.Popen(words, stdin=given, stdout=pipe, stderr=pipe))
        except OSError as error:
            sys.stderr.write(f"srun: error: {host}: {words[0]}: {error.strerror}\n")
            for child in children:
                child.kill()
            return 1

    def pass_on(number: int, frame: object) -> None:
        for child in children:
            child.send_signal(number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGINT, pass_on)
    readers = _readers(children) if is_labelled else []
    codes = [child.wait() for child in children]
    for reader in readers:
        reader.join()
    return max(_report(index, places[index], code) for index, code in enumerate(codes))


def far(host: str) -> list[str]:
    """What starts a command on another host of the job: OpenPBS has pbs_tmrsh, Torque a pbsdsh that takes a host."""
    return ["pbs_tmrsh", host] if shutil.which("pbs_tmrsh") else ["pbsdsh", "-h", host]


def _report(index: int, host: str, code: int) -> int:
    status = code if code >= 0 else 128 - code
    if status:
        sys.stderr.write(f"srun: error: {host}: task {index}: Exited with exit code {status}\n")
    return status


def _readers(children: list[subprocess.Popen[bytes]]) -> list[threading.Thread]:
    """Threads that put its number before each line of a task."""
    width = len(str(len(children) - 1))
    pairs: list[tuple[int, Any, IO[Any]]] = []
    for index, child in enumerate(children):
        pairs += [(index, child.stdout, sys.stdout), (index, child.stderr, sys.stderr)]

    def copy(index: int, source: IO[bytes], target: IO[str]) -> None:
        for line in source:
            target.write(f"{index:{width}}: {line.decode(errors='replace')}")
            target.flush()

    threads = [threading.Thread(target=copy, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    return threads


def run_task(path: str, index: int) -> int:
    """Become one task of a step."""
    with open(path) as file:
        order = json.load(file)
    os.chdir(order["folder"])
    environment = {**order["environment"], **order["tasks"][index]}
    try:
        os.execvpe(order["command"][0], order["command"], environment)
    except OSError as error:
        sys.stderr.write(f"slurmstepd: error: execve(): {order['command'][0]}: {error.strerror}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
