"""What a stepd keeps from one attempt to the next, as to make it costs as much as a small job."""

import marshal
import os
import select
import signal
import struct
from typing import Any, Dict, Optional, Set, Tuple

from mini_slurm.agent import limits

try:
    from mini_slurm.agent import spawn
except ImportError:  # a Python that was made without ctypes
    spawn = None  # type: ignore[assignment]

NOTICE = struct.Struct("!IBH")  # pid of a stepd, what there is to see, and how many bytes tell of it
MOST = select.PIPE_BUF - NOTICE.size  # bytes; more are not written as a whole
NEWS, DONE = 0, 1
PASSED_OVER = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP)  # which Python and the agent ignore


class Kit:
    """Of one stepd, which was freshly forked from the agent."""

    def __init__(self, channel: int, notify: int, boot_id: str, cgroups: str) -> None:
        """`channel` and `notify`, a pipe, lead to the agent; nothing else of the agent's is kept."""
        self.boot_id = boot_id
        self.cgroups = cgroups  # the beginning of the folder of a job's; "": none can be made
        self._notify = notify
        self._pid = os.getpid()
        os.setsid()
        _close_all_but({channel, notify})
        limits.set_title("mini_slurm stepd")
        self.is_reaper = limits.become_subreaper()
        self.wakes = _handle_signals()
        self.poll = select.epoll()
        self.poll.register(self.wakes[0], select.EPOLLIN)
        self.spawner = _spawner(self.wakes)

    def tell(self, what: int, facts: Optional[Dict[str, Any]] = None) -> None:
        """Let the agent look. `facts`: what was written down, so that it need not be read."""
        say(self._notify, self._pid, what, facts)


def say(notify: int, pid: int, what: int, facts: Optional[Dict[str, Any]]) -> None:
    """Write a notice into the pipe that leads to the agent. For a busy one DONE waits until there is room."""
    text = marshal.dumps(facts) if facts else b""  # to a process of the same Python
    if len(text) > MOST:
        text = b""
    while True:
        try:
            os.write(notify, NOTICE.pack(pid, what, len(text)) + text)
            return
        except BlockingIOError:
            if what != DONE:
                return  # it looks by itself
            select.select([], [notify], [])
        except OSError:
            return  # no agent


def _close_all_but(keep: Set[int]) -> None:
    """The agent's sockets, and the locks of other attempts, must close with it."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in keep:
            try:
                os.close(int(name))
            except OSError:
                continue  # the descriptor that read the list


def _handle_signals() -> Tuple[int, int]:
    """A pipe, read end first, that gets a byte for each signal."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for number in (signal.SIGCHLD, *PASSED_OVER):
        signal.signal(number, _pass_over)
    return reader, writer


def _pass_over(number: int, frame: object) -> None:
    """Unlike a signal that is ignored, one with a handler gets its default back in the script, by exec."""


def _spawner(wakes: Tuple[int, int]) -> "Optional[spawn.Spawner]":
    try:
        return spawn.Spawner(wakes) if spawn else None
    except OSError:
        return None
