"""What would the least that keeps a task's start and end on disk cost, in Python, without SSH, scheduler and limits?

`python -m benchmarks.task_floor [ROUNDS [TASKS]]` prints a JSON line a round; milliseconds of CPU time a task. A master
gives orders to watchers, one for each CPU: each writes down that its task begins, starts it by posix_spawn with a file
for its output, waits for it, writes down its end and answers. Nothing of that survives a crash of anybody but the
master; so whatever keeps our promises costs more. `xargs` is the same scripts by themselves, in the same minute.
"""

from __future__ import annotations

import json
import marshal
import os
import resource
import select
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

from benchmarks.task_cost import plain_cost
from benchmarks.throughput import WRAPPED

ORDER = 1 << 16  # bytes, at most
OUTPUT = os.O_WRONLY | os.O_CREAT


def write_down(folder: str, name: str, value: dict[str, object]) -> None:
    """A file that is seen whole or not at all."""
    with open(f"{folder}/{name}.new", "w") as file:
        file.write(json.dumps(value))
    os.rename(f"{folder}/{name}.new", f"{folder}/{name}.json")


def watch(channel: socket.socket) -> NoReturn:
    """See tasks to their ends, one after the other; the answer to an empty order is what all of it has cost."""
    while order := channel.recv(ORDER):
        script, folder, environment = marshal.loads(order)
        write_down(folder, "started", {"begun": time.time()})
        files = [(os.POSIX_SPAWN_OPEN, 1, f"{folder}/out", OUTPUT, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
        pid = os.posix_spawn(script, [script], environment, file_actions=files, setsid=True)
        _, status, used = os.wait4(pid, 0)
        ended = {"status": status, "user": used.ru_utime, "system": used.ru_stime, "max_rss": used.ru_maxrss}
        write_down(folder, "ended", ended)
        channel.send(marshal.dumps(ended))
    os._exit(0)


def start_watcher() -> socket.socket:
    """A forked watcher, by the socket that leads to it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if not os.fork():
        ours.close()
        watch(theirs)
    theirs.close()
    return ours


def run(script: str, folder: Path, tasks: int, watchers: list[socket.socket]) -> None:
    """All tasks, each in a folder of its own, and as many at once as there are watchers."""
    waiting, left = list(watchers), iter(range(tasks))
    busy: set[socket.socket] = set()
    while True:
        for watcher, task in zip(waiting, left, strict=False):
            place = folder / str(task)
            place.mkdir()
            watcher.send(marshal.dumps((script, str(place), dict(os.environ))))
            busy.add(watcher)
        if not busy:
            return
        waiting = select.select(busy, [], [])[0]
        for watcher in waiting:
            watcher.recv(ORDER)
        busy.difference_update(waiting)


def seconds(who: int) -> float:
    """User and system time."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def measure(script: str, folder: Path, tasks: int, at_once: int) -> dict[str, float]:
    """The rate, and CPU time of the master and of watchers with their scripts, in milliseconds a task."""
    own, others, begin = seconds(resource.RUSAGE_SELF), seconds(resource.RUSAGE_CHILDREN), time.perf_counter()
    watchers: list[socket.socket] = []
    for _ in range(at_once):
        watchers.append(start_watcher())
    run(script, folder, tasks, watchers)
    passed = time.perf_counter() - begin
    for watcher in watchers:
        watcher.close()
    for _ in watchers:
        os.wait()
    spent = {"master": seconds(resource.RUSAGE_SELF) - own, "watched": seconds(resource.RUSAGE_CHILDREN) - others}
    return {"tasks_a_second": round(tasks / passed), **{who: round(s / tasks * 1000, 2) for who, s in spent.items()}}


def main(rounds: int = 3, tasks: int = 1000, at_once: int = 32) -> None:
    """Measure, and print."""
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="mini_slurm-bench-") as folder:
            script = Path(folder) / "script"
            script.write_text(WRAPPED)
            script.chmod(0o700)
            plain, cost = plain_cost(str(script))
            rates = {"xargs_a_second": round(plain), "xargs": round(cost, 2)}
            print(json.dumps({**measure(str(script), Path(folder), tasks, at_once), **rates}), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
