"""Where the agent may make cgroups: found out once, when it starts.

Version 2 first: only a subtree that was given to us is touched there, as systemd and container managers rely on being
alone in theirs: the cgroup that we are in, where it was delegated, else a scope that the user's service manager makes
for us. Then version 1: the cgroup that we are in, where it can be written to. Without either, memory is watched.
"""

import os
import zlib
from contextlib import suppress
from typing import Iterator, Tuple

from mini_slurm.agent import cgroup, scope
from mini_slurm.agent.log import log
from mini_slurm.agent.memory import LEAST

SWITCH = "MINI_SLURM_CGROUPS"  # in the agent's environment; "off": memory is watched
LEAF = "mini_slurm-agent"  # a cgroup whose children have controllers has no processes of its own: ours go here
DELEGATED = ("user.delegate", "trusted.delegate")  # extended attributes by which systemd tells root
PROC = "/proc/self"
ROUNDS = 5  # of moving processes, which may start others meanwhile
Place = Tuple[str, str]  # how msinfo calls what is here, and the path of a job's folder without the job's name
WATCHED: Place = ("watched", "")


def find(spool: str) -> Place:
    """How memory can be limited here, for the agent of this spool. What is not to be had, and why, is in the log."""
    if os.environ.get(SWITCH) == "off":
        return WATCHED
    for kind, look in ((cgroup.V2, _delegated), (cgroup.V1, _writable)):
        try:
            beginning = f"{look()}/mini_slurm-{os.geteuid()}-{zlib.crc32(os.fsencode(spool)):08x}."
            _try(beginning)
        except (OSError, ValueError) as error:
            log(f"no {kind.name} for jobs: {error}")
            continue
        log(f"the memory of jobs is limited by {kind.name}: {beginning}*")
        return kind.name, beginning
    return WATCHED


def _try(beginning: str) -> None:
    """Make a group as for a job. Raises OSError."""
    folder = f"{beginning}trial"
    try:
        cgroup.make_for_job(folder, LEAST)
    finally:
        cgroup.remove(folder)


def _own_folder(mount: str, controller: str) -> str:
    """The cgroup that this process is in: of version 2 (no `controller`), or of 1. Raises OSError."""
    lines = (line.split(":", 2) for line in cgroup.read(f"{PROC}/cgroup").splitlines())
    for path in [path for _, names, path in lines if controller in names.split(",")]:
        for root, place in _mounts(mount, controller):
            if os.path.commonpath([root, path]) == root:
                folder = os.path.normpath(os.path.join(place, os.path.relpath(path, root)))
                if cgroup.OWN_NAME.search(folder):
                    raise OSError("the agent was started by a job, in that job's cgroup")
                return folder
    raise OSError("there are none")


def _mounts(kind: str, option: str) -> Iterator[Tuple[str, str]]:
    """Where cgroups of this version are mounted: the part of the tree, and the place (proc(5), mountinfo)."""
    for line in cgroup.read(f"{PROC}/mountinfo").splitlines():
        words = line.split()
        file_system, _, options = words[words.index("-") + 1 :]
        if file_system == kind and (not option or option in options.split(",")):
            yield words[3], words[4]


# --- version 1


def _writable() -> str:
    """The memory cgroup that we are in. Raises OSError: nothing can be made there, or no job could be kept in it."""
    folder = _own_folder("cgroup", "memory")
    if not os.access(folder, os.W_OK):
        raise OSError(f"{folder} cannot be written to")
    if cgroup.read(f"{folder}/memory.use_hierarchy").strip() != "1":
        raise OSError(f"what is in {folder} would not count for those above (memory.use_hierarchy)")
    words = cgroup.read(f"{folder}/memory.oom_control").split()
    if "oom_kill" not in words or words[words.index("oom_kill_disable") + 1] != "0":
        raise OSError(f"the kernel does not kill, or does not tell so, in {folder} (memory.oom_control)")
    return folder


# --- version 2


def _delegated() -> str:
    """A cgroup that is ours to divide, ready for that. Raises OSError, ValueError."""
    folder = _own_unit()
    if not _is_delegated(folder):
        try:
            scope.enter("agent")
        except OSError as error:
            raise OSError(f"{folder} was not delegated to us; {error}") from None
        folder = _own_unit()
    _prepare(folder)
    return folder


def _own_unit() -> str:
    """The cgroup of version 2 that we are in, as it was given to us. Raises OSError."""
    folder = _own_folder("cgroup2", "")
    return os.path.dirname(folder) if os.path.basename(folder) == LEAF else folder  # of an agent before this one


def _is_delegated(folder: str) -> bool:
    """Is it ours to divide? A user can write only to what was given to him, or to what his service manager manages."""
    if scope.OWN_NAME.search(folder):
        return True
    if os.geteuid() and "/user@" not in folder:
        files = (cgroup.PROCESSES, cgroup.V2.control)
        return all(os.access(path, os.W_OK) for path in (folder, *(f"{folder}/{name}" for name in files)))
    with suppress(OSError):
        return any(os.getxattr(folder, name) == b"1" for name in DELEGATED if name in os.listxattr(folder))
    return False


def _prepare(folder: str) -> None:
    """Have cgroups below get the memory controller. Raises OSError."""
    if "memory" not in cgroup.read(f"{folder}/cgroup.controllers").split():
        raise OSError(f"{folder} has no memory controller")
    _empty(folder)
    cgroup.write(f"{folder}/{cgroup.V2.control}", "+memory")


def _empty(folder: str) -> None:
    """Move all processes to a leaf. Raises OSError."""
    os.makedirs(f"{folder}/{LEAF}", exist_ok=True)
    leaf = cgroup.Group(f"{folder}/{LEAF}")
    for _ in range(ROUNDS):
        for pid in cgroup.Group(folder).pids():
            with suppress(ProcessLookupError):
                leaf.add(pid)
