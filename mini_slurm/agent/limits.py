"""What the kernel is asked to hold processes to: resource limits, CPUs; and what makes them ours: reaper, title."""

import os
import resource
from functools import lru_cache
from typing import Any, Collection, List, Mapping, Sequence, Tuple

PR_SET_CHILD_SUBREAPER = 36
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
KEPT = 1 << 20  # bytes
LIBC: Any = None  # the C library; some Pythons are made without ctypes
try:
    import ctypes

    LIBC = ctypes.CDLL(None, use_errno=True)
except (ImportError, OSError):
    pass
TITLE: List[Any] = []  # the part of this process's memory where the kernel reads the title
PUNCH_HOLE_AND_KEEP_SIZE = 3  # of fallocate(2)
CPUS = os.sched_getaffinity(0)
OPEN_FILES: List[int] = []  # the soft limit this process began with; jobs get it back


def keep_memory() -> None:
    """Have the C library use memory again: what it gives back after each large message costs more than the message."""
    mallopt = getattr(LIBC, "mallopt", None)
    if mallopt is not None:  # it is glibc
        mallopt(M_MMAP_THRESHOLD, KEPT)
        mallopt(M_TRIM_THRESHOLD, KEPT)


def become_subreaper() -> bool:
    """Have orphans among this process's descendants become its own children. False where that cannot be."""
    try:
        return bool(LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    except AttributeError:
        return False


def set_title(title: str) -> None:
    """Show this process as `title` in ps: the memory that holds its arguments is written over."""
    try:
        if not TITLE:
            with open("/proc/self/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
            with open("/proc/self/comm", "wb", buffering=0) as comm:
                comm.write(b"msstepd")
            begin, end = int(fields[45]), int(fields[46])  # proc(5): arg_start, arg_end
            TITLE.append((ctypes.c_char * (end - begin)).from_address(begin) if LIBC and 0 < begin < end else None)
        if TITLE[0] is not None:
            size = len(TITLE[0])
            TITLE[0].raw = title.encode()[: size - 1].ljust(size, b"\0")
    except (OSError, IndexError, ValueError):
        return  # looks only


def give_back(file: int, begin: int, end: int) -> None:
    """Let the disk have what a file holds there, which nobody reads any more; where it cannot, nothing changes."""
    fallocate = getattr(LIBC, "fallocate64", None)
    if fallocate is not None:
        fallocate(file, PUNCH_HOLE_AND_KEEP_SIZE, ctypes.c_int64(begin), ctypes.c_int64(end - begin))


def raise_open_files() -> None:
    """Let this process open as many files as it may, within reason."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft != resource.RLIM_INFINITY and soft < most:
        OPEN_FILES.append(soft)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def changed_limits(limits: Mapping[str, Sequence[int]]) -> List[Tuple[int, Tuple[int, int]]]:
    """The submitter's soft limits as far as the machine's hard limits allow: those that are not this process's own."""
    return _changed((*(("NOFILE", soft) for soft in OPEN_FILES), *((name, soft) for name, (soft, _) in limits.items())))


@lru_cache(maxsize=4)
def _changed(limits: Tuple[Tuple[str, int], ...]) -> List[Tuple[int, Tuple[int, int]]]:
    """Worked out once for jobs that are alike: nobody changes this process's own limits."""
    changed = []
    for name, wanted in dict(limits).items():
        number = getattr(resource, "RLIMIT_" + name, None)
        if number is None:
            continue
        soft, hard = resource.getrlimit(number)
        if hard != resource.RLIM_INFINITY and (wanted == resource.RLIM_INFINITY or wanted > hard):
            wanted = hard
        if wanted != soft:
            changed.append((number, (wanted, hard)))
    return changed


def pin(cpu_ids: Collection[int], thread: int = 0) -> None:
    """Keep a thread (0: this one) and its children on these CPUs if they all exist, else on all that there are."""
    wanted = set(cpu_ids) if cpu_ids and CPUS.issuperset(cpu_ids) else CPUS
    if wanted != os.sched_getaffinity(thread):  # to ask costs next to nothing, and to move to another CPU much
        os.sched_setaffinity(thread, wanted)
