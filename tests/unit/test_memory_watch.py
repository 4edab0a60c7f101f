"""agent/memory.py on real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from mini_slurm.agent.memory import Watch

HOLD = "import sys; data = bytearray({mib} << 20); print(1, flush=True); sys.stdin.read()"
SHARE = """
import os, sys
data = bytearray(100 << 20)
children = [os.fork() or (sys.stdin.read(), os._exit(0)) for _ in range(3)]
print(*children, flush=True)
sys.stdin.read()
"""

Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Python code that prints a line when it is ready and ends when it is let go."""
    started = []

    def run(code: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.communicate()


def test_the_largest_process_is_killed_when_all_have_too_much(start: Start) -> None:
    small, large = start(HOLD.format(mib=10)), start(HOLD.format(mib=80))
    assert [process.stdout.readline() for process in (small, large) if process.stdout] == ["1\n", "1\n"]
    watch = Watch(60, 0.0)
    watch.look([small.pid, large.pid], 1.0)
    assert (large.wait(), small.poll(), watch.kills) == (-signal.SIGKILL, None, 1)
    assert 80 << 10 < watch.peak < 200 << 10
    watch.look([small.pid], 2.0)
    assert (small.poll(), watch.kills, watch.due) == (None, 1, 3.0)


def test_memory_that_processes_share_counts_once(start: Start) -> None:
    parent = start(SHARE)
    assert parent.stdout
    children = [int(word) for word in parent.stdout.readline().split()]
    watch = Watch(250, 0.0)
    watch.look([parent.pid, *children], 1.0)
    assert (watch.kills, watch.peak < 250 << 10, len(children)) == (0, True, 3)


def test_without_a_limit_there_is_only_a_peak() -> None:
    watch = Watch(0, 5.0)
    assert watch.due == 6.0
    watch.look([os.getpid(), 2**22 + 1], 6.0)
    assert (watch.kills, watch.peak > 1000) == (0, True)
