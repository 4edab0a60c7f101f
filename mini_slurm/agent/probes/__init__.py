"""What a machine has. A probe is a question (files to read, commands to run) and a parser; neither runs anything.

A GPU vendor is a module in PROBES; one whose programs also tell who uses its GPUs is in USE_PROBES too.
A GPU is a dictionary: vendor, index, uuid, name, type, memory (MiB).
"""

import os
import select
import signal
import sys
import time
from typing import Any, Dict, List, Optional, Protocol, Sequence, Tuple

from mini_slurm.agent.probes import amd, intel, nvidia

PATIENCE = 10.0  # seconds for one command
PATH = (*os.environ.get("PATH", "").split(":"), "/usr/local/bin", "/usr/bin", "/bin", "/opt/rocm/bin")


# processes as UUID of a GPU, pid and MiB (0: not told), and by UUID how many percent a GPU computes
Use = Tuple[List[Tuple[str, int, int]], Dict[str, int]]


class Probe(Protocol):
    """A vendor's module."""

    VISIBLE_DEVICES: str  # the variable that shows a job its GPUs
    VISIBLE_BY: str  # the key of a GPU that this variable wants

    @property
    def COMMANDS(self) -> Sequence[List[str]]:
        """What tells which GPUs there are; the first one's program says whether there are such GPUs."""

    def parse(self, outputs: List[str]) -> List[Dict[str, Any]]:
        """The GPUs, from what the commands printed. Raises ValueError."""


class UseProbe(Protocol):
    """What a vendor's module has besides, whose programs tell who uses its GPUs."""

    @property
    def USE_COMMANDS(self) -> Sequence[List[str]]:
        """What tells who uses them."""

    def parse_use(self, outputs: List[str]) -> Use:
        """Their use, from what the commands printed. Raises ValueError."""


PROBES: Dict[str, Probe] = {"nvidia": nvidia, "amd": amd, "intel": intel}
USE_PROBES: Dict[str, UseProbe] = {"nvidia": nvidia}


def present() -> List[str]:
    """The vendors whose program is on this machine."""
    return [vendor for vendor, probe in PROBES.items() if find(probe.COMMANDS[0][0])]


def visible(picked: List[Dict[str, Any]], vendors: List[str]) -> Dict[str, str]:
    """The variables that show a job these GPUs and hide the others; none on a machine without GPU programs."""
    values = {}
    for vendor in vendors:
        probe = PROBES[vendor]
        values[probe.VISIBLE_DEVICES] = ",".join(
            str(gpu[probe.VISIBLE_BY]) for gpu in picked if gpu["vendor"] == vendor
        )
    if picked:
        values["SLURM_JOB_GPUS"] = ",".join(str(gpu["index"]) for gpu in picked)
    return values


def ask_all() -> List[Dict[str, Any]]:
    """The GPUs of all vendors. Waits; a program that fails or answers oddly has no GPUs, and is named in the log."""
    gpus = []
    for vendor in present():
        probe = PROBES[vendor]
        try:
            gpus += probe.parse([output_of(command) for command in probe.COMMANDS])
        except (OSError, ValueError, KeyError, TypeError) as error:
            sys.stderr.write(f"{vendor} GPUs cannot be used: {error}\n")
            sys.stderr.flush()
    return gpus


def find(program: str) -> Optional[str]:
    """Where a program is: logins without a terminal often have a short PATH."""
    for folder in PATH:
        path = os.path.join(folder, program)
        if folder and os.access(path, os.X_OK):
            return path
    return None


def output_of(command: List[str]) -> str:
    """What a command prints. Raises OSError if it takes too long, ValueError if it fails."""
    reader, writer = os.pipe()
    try:
        pid = spawn(command, writer)
    except OSError:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    text, ended = _read_until(reader, time.monotonic() + PATIENCE)
    os.close(reader)
    if not ended:
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if not ended:
        raise TimeoutError(f"{command[0]} does not answer")
    if status:
        raise ValueError(f"{command[0]} failed: {text.strip()[:200]}")
    return text


def spawn(command: List[str], writer: int) -> int:
    """Start a command that writes there, and into nothing else; its pid. Raises OSError."""
    path = find(command[0])
    if path is None:
        raise FileNotFoundError(f"{command[0]} is not there")
    actions = [(os.POSIX_SPAWN_DUP2, writer, 1), (os.POSIX_SPAWN_DUP2, writer, 2)]
    environment = {**os.environ, "PATH": ":".join(PATH), "LC_ALL": "C"}
    return os.posix_spawn(path, command, environment, file_actions=actions)


def _read_until(reader: int, deadline: float) -> Tuple[str, bool]:
    data = b""
    while select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
        block = os.read(reader, 1 << 16)
        if not block:
            return data.decode(errors="replace"), True
        data += block
    return data.decode(errors="replace"), False
