"""The quick way to a script's process: posix_spawn(3), which lends it this process's memory instead of copying it.

To copy a Python process, and to write to pages that it shares, costs more than `bash -c true`. But the environment says
the process's own number, which nobody knows beforehand, and nothing may run before that number is written down. So the
call is made in a thread, with an environment that can still be written to, and the process is held before its exec: it
opens a file that this process has a lease on (fcntl(2)). The kernel tells us by SIGIO, and has it wait until the lease
is given up, or lost with this process. Then it opens started.json, and ends where there is none.
"""

import _thread
import ctypes
import fcntl
import os
import resource
import select
import signal
from contextlib import suppress
from typing import Any, List, Sequence, Set, Tuple

from mini_slurm.agent import limits
from mini_slurm.agent.script import NUMBER, Plan

FLAGS = 0x80 | 0x04 | 0x08  # spawn.h: POSIX_SPAWN_SETSID, ..._SETSIGDEF, ..._SETSIGMASK
ALL_SIGNALS = b"\xff" * 128  # also those that the C library keeps for itself, and would leave ignored
NO_SIGNALS = bytes(128)
LARGE = 1024  # bytes; the C library's structures have a third of it
CHILDREN = "/proc/self/task/{}/children"
ROOM = 24  # bytes, for the digits of a number and some more


class Unable(OSError):
    """There is no quick way here, or not for this script: fork finds out why, and says so."""


class Spawner:
    """Starts one script after the other."""

    def __init__(self, wakes: Tuple[int, int]) -> None:
        """`wakes`: a pipe that signals write to, and this object when posix_spawn returns. Raises Unable."""
        self._news, self._wake = wakes
        self._libc = limits.LIBC
        self._order = _thread.allocate_lock()
        self._order.acquire()
        self._thread = 0
        self._cpus: Set[int] = set()  # where that runs
        self.number = 0
        self._words: List[Any] = []  # of posix_spawn
        self._planned: Tuple[Any, ...] = ()  # what the actions were made of: for the next script it is mostly the same
        self._error = 0
        self._pending = False  # has posix_spawn been called, and not returned yet?
        self._awaited = False  # does somebody wait for its return?
        try:
            # Two openings of one file: the process has the first, and finds the file by it.
            self._file = os.memfd_create("held")
            self._lease = os.open(f"/proc/self/fd/{self._file}", os.O_RDWR | os.O_CLOEXEC)
            os.close(os.open(CHILDREN.format(os.getpid()), os.O_RDONLY))
            self._actions, self._attributes = ctypes.create_string_buffer(LARGE), ctypes.create_string_buffer(LARGE)
            self._libc.posix_spawn_file_actions_init(self._actions)
            self._libc.posix_spawnattr_init(self._attributes)
            self._add_chdir = self._libc.posix_spawn_file_actions_addchdir_np
            self._libc.posix_spawnattr_setsigdefault(self._attributes, ALL_SIGNALS)
            self._libc.posix_spawnattr_setsigmask(self._attributes, NO_SIGNALS)
            if self._libc.posix_spawnattr_setflags(self._attributes, ctypes.c_short(FLAGS)):
                raise Unable("an old C library")
        except (AttributeError, OSError) as error:
            raise Unable(str(error)) from error
        signal.signal(signal.SIGIO, lambda number, frame: None)

    def hold(self, plan: Plan, files: Tuple[int, int], started: str) -> "Spawner":
        """Make a process that runs the script after release(), if the file `started` is there; `files`: its output.

        The result is this object, whose `number` is the process's. Raises Unable; then nothing is left of it.
        """
        own_number = ctypes.create_string_buffer(len(NUMBER) + ROOM)
        self._plan(plan, files, own_number, started)
        self.number = self._begin(plan.start.umask)
        for limit, values in plan.limits:
            with suppress(OSError, ValueError):
                resource.prlimit(self.number, limit, values)
        own_number.value = f"{NUMBER}={self.number}".encode()
        return self

    def release(self) -> None:
        """Let the process that is held go on."""
        with suppress(OSError):  # the kernel takes away a lease that was kept for too long
            fcntl.fcntl(self._lease, fcntl.F_SETLEASE, fcntl.F_UNLCK)

    @property
    def is_pending(self) -> bool:
        """Is it not known yet whether the script came to run? Then there will be news."""
        self._awaited = True  # before the look: the thread looks at it after its own word
        return self._pending

    def has_failed(self) -> bool:
        """Did the script not come to run after all? Told once; the process is gone then."""
        if self._pending or not self._error:
            return False
        self._error = 0
        return True

    def _plan(self, plan: Plan, files: Tuple[int, int], own_number: Any, started: str) -> None:
        """Work out all of posix_spawn's words."""
        start = plan.start
        words = _encode([plan.path, *start.arguments])
        self._prepare(files, start.work_dir, start.std_in or os.devnull, started)
        values = _encode(
            [f"{name}={value}" for name, value in {"PWD": start.work_dir.rstrip("/") or "/", **plan.values}.items()]
        )
        environment = _array([*values, ctypes.cast(own_number, ctypes.c_char_p)])
        self._words = [words[0], self._actions, self._attributes, _array(words), environment, own_number]

    def _prepare(self, files: Tuple[int, int], work_dir: str, std_in: str, started: str) -> None:
        """What the process does before its exec. Raises Unable."""
        planned = (files, work_dir, std_in, started)
        if planned == self._planned:
            return
        self._planned = ()
        *paths, folder, opened = _encode([f"/proc/self/fd/{self._file}", started, work_dir, std_in])
        libc, actions = self._libc, self._actions
        libc.posix_spawn_file_actions_destroy(actions)
        libc.posix_spawn_file_actions_init(actions)
        libc.posix_spawn_file_actions_adddup2(actions, files[0], 1)
        libc.posix_spawn_file_actions_adddup2(actions, files[1], 2)
        libc.posix_spawn_file_actions_addclose(actions, self._lease)
        for path in paths:
            libc.posix_spawn_file_actions_addopen(actions, 0, path, os.O_RDONLY, 0)
        self._add_chdir(actions, folder)
        libc.posix_spawn_file_actions_addopen(actions, 0, opened, os.O_RDONLY, 0)
        self._planned = planned

    def _begin(self, umask: int) -> int:
        """Have the thread call posix_spawn, and wait for the process to be held: its number. Raises Unable."""
        try:
            fcntl.fcntl(self._lease, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as error:
            raise Unable(str(error)) from error
        own = os.umask(umask)
        try:
            self._pending, self._awaited = True, False
            cpus = os.sched_getaffinity(0)
            if self._thread and cpus != self._cpus:
                limits.pin(cpus, self._thread)
            if not self._thread:
                _thread.start_new_thread(self._call, ())
            self._cpus = cpus
            self._order.release()
            return self._await()
        except Unable:
            self.release()
            raise
        finally:
            os.umask(own)

    def _await(self) -> int:
        while True:
            select.select([self._news], [], [])
            held = signal.SIGIO in os.read(self._news, 4096)
            if not self._pending:
                error, self._error = self._error, 0
                raise Unable(os.strerror(error))
            children = _children(self._thread) if held else []
            if children:
                return children[-1]

    def _call(self) -> None:
        """The thread: it is stopped as long as the process has this process's memory."""
        self._thread = _thread.get_native_id()
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # they are for the other thread
        number = ctypes.c_int()
        while True:
            self._order.acquire()
            self._error = self._libc.posix_spawn(ctypes.byref(number), *self._words[:5])
            self._pending = False
            if self._error or self._awaited:
                os.write(self._wake, b"\0")


def _children(thread: int) -> List[int]:
    children = os.open(CHILDREN.format(thread), os.O_RDONLY | os.O_CLOEXEC)
    try:
        return [int(word) for word in os.read(children, 4096).split()]
    finally:
        os.close(children)


def _encode(texts: List[str]) -> List[bytes]:
    """Each as bytes; all at once takes a third of the time. Raises Unable."""
    encoded = os.fsencode("\0".join(texts)).split(b"\0")
    if len(encoded) != len(texts):
        raise Unable("a zero byte")
    return encoded


def _array(texts: Sequence[Any]) -> Any:
    """A char *[] that ends with NULL."""
    return (ctypes.c_char_p * (len(texts) + 1))(*texts, None)
