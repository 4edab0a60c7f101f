"""Sent through the channel as source: checks the machine, sees to a running agent, and becomes a relay to it.

Stands alone, as the machine may hold nothing of mini_slurm yet. It speaks JSON lines on its standard output:
`{"status": "ready"}`, after which the agent's frames follow; `{"status": "need", "name": NAME}`, which wants a line
with a length and that many bytes; `{"status": "error", "error": TEXT, "hint": TEXT}`, which is
the end (`"again": true`: the same try may succeed later).
"""

import _thread
import contextlib
import errno
import fcntl
import hashlib
import importlib
import json
import os
import select
import socket
import stat
import sys
import time
from typing import Any, BinaryIO, Dict, NoReturn, Optional, Tuple

PATIENCE = 20.0  # seconds for an agent to start, to answer, or to hand over
BLOCK = 1 << 18  # bytes
PIPE = 1 << 19  # bytes that a pipe to sshd is to hold: who reads and who writes then wake each other less often
F_SETPIPE_SZ = 1031  # fcntl.h; named in Python's fcntl from 3.10 on
LOG_LIMIT = 1 << 20  # bytes; a longer log is begun anew
FULL = (errno.ENOSPC, errno.EDQUOT)
ELSEWHERE = "export MINI_SLURM_SPOOL=FOLDER at the top of ~/.bashrc there"


class Fault(Exception):
    """Why there is no agent, and in `hint` what to do about it."""

    def __init__(self, text: str, hint: str) -> None:
        super().__init__(text)
        self.hint = hint


class Passing(Fault):
    """A fault that may be gone at the next try."""


def main(stdin: BinaryIO) -> NoReturn:
    """Answer on standard output, then relay until either side ends."""
    wanted = json.loads(stdin.readline())
    folder = os.environ.get("MINI_SLURM_SPOOL") or f"/var/tmp/mini_slurm-{os.geteuid()}"
    os.umask(0o077)
    try:
        if wanted.get("stager"):
            bring_stager(folder, wanted, stdin)
        channel = reach(folder, wanted, stdin)
        channel.sendall(b"relay\n")
    except Fault as fault:
        refuse(fault)
    except OSError as error:
        refuse(explained(error, folder))
    answer({"status": "ready"})
    channel.settimeout(None)
    _thread.start_new_thread(relay_up, (stdin, channel))
    relay_down(channel)


def bring_stager(folder: str, wanted: Dict[str, Any], stdin: BinaryIO) -> NoReturn:
    """Become what brings files of jobs, which needs no agent. Raises Fault, OSError."""
    make_folder(folder)
    fetch_archive(folder, wanted, stdin)
    sys.path.insert(0, os.path.join(folder, wanted["name"]))
    stager = importlib.import_module("mini_slurm.agent.stager")
    answer({"status": "ready"})
    with contextlib.suppress(BrokenPipeError):
        stager.main(folder, stdin)
    os._exit(0)


def explained(error: OSError, folder: str) -> Fault:
    """An error of the system as a line, and what to do."""
    if error.errno in FULL:
        return Passing(f"no space left for the spool folder {folder}", f"free some there, or {ELSEWHERE}")
    if isinstance(error, ConnectionError):
        return Passing("the agent has just ended", "another try starts the next one")
    return Fault(f"cannot use the spool folder {folder}: {error.strerror or error}", ELSEWHERE)


def refuse(fault: Fault) -> NoReturn:
    """The end."""
    again = isinstance(fault, Passing)
    answer({"status": "error", "error": str(fault), "hint": fault.hint, "again": again})
    os._exit(1)


def answer(status: Dict[str, Any]) -> None:
    """One status line."""
    os.write(1, json.dumps(status).encode() + b"\n")


def reach(folder: str, wanted: Dict[str, Any], stdin: BinaryIO) -> socket.socket:
    """A connection to the agent; starts it, or has an older one hand over, where needed. Raises Fault, OSError."""
    make_folder(folder)
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    deadline = time.monotonic() + PATIENCE
    while True:
        found = connect(place)
        if found:
            channel, name, version = found
            # An archive that lies here already was replaced by somebody's newer one: two controllers of different
            # versions must not take the machine from each other for ever.
            if name == wanted["name"] or (version == wanted["version"] and has_archive(folder, wanted)):
                return channel
            fetch_archive(folder, wanted, stdin)
            channel.sendall(b"handover\n")
            channel.close()
            await_release(place, deadline)
        fetch_archive(folder, wanted, stdin)
        said = launch(folder, wanted["name"])
        if said not in ("ready", "another") or time.monotonic() > deadline:
            what = said or "no word from it"
            raise Passing(f"the agent does not start: {what}", f"see {folder}/agent.log there")
        time.sleep(0.01 if said == "another" else 0)


def make_folder(folder: str) -> None:
    """The spool folder, which must be the user's own and nobody else's. Raises Fault, OSError."""
    with contextlib.suppress(FileExistsError):
        os.makedirs(folder, 0o700)
    found = os.lstat(folder)
    if stat.S_ISLNK(found.st_mode):
        raise Fault(f"the spool folder {folder} is a link", f"rm {folder} there, or {ELSEWHERE}")
    if not stat.S_ISDIR(found.st_mode):
        raise Fault(f"{folder} is no folder", f"rm {folder} there, or {ELSEWHERE}")
    if found.st_uid != os.geteuid():
        raise Fault(f"the spool folder {folder} belongs to user {found.st_uid}", ELSEWHERE)
    if found.st_mode & 0o077:
        raise Fault(f"the spool folder {folder} is open to others", f"chmod 700 {folder} there")


def connect(place: int) -> Optional[Tuple[socket.socket, str, int]]:
    """The running agent: a connection, its archive's name and its protocol; None without one. Raises Fault."""
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    channel.settimeout(PATIENCE)
    try:
        # By way of the folder's descriptor, since a socket's path may not be longer than 107 bytes.
        channel.connect(f"/proc/self/fd/{place}/agent.sock")
    except (FileNotFoundError, ConnectionRefusedError):
        channel.close()
        return None
    try:
        banner = b""
        while not banner.endswith(b"\n"):
            data = channel.recv(1)
            if not data:
                channel.close()
                return None  # it was about to end
            banner += data
        name, version = banner.decode().split()
        return channel, name, int(version)
    except socket.timeout:
        pid = owner(channel)
        raise Passing(f"the agent, process {pid}, does not answer", f"is it stopped? kill -CONT {pid} there") from None
    except ConnectionResetError:
        return None


def owner(channel: socket.socket) -> int:
    """The process at the other end."""
    return int.from_bytes(channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)[:4], sys.byteorder)


def await_release(place: int, deadline: float) -> None:
    """Wait until the former agent has gone. Raises Fault."""
    while time.monotonic() < deadline:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.005)
            continue
        fcntl.flock(place, fcntl.LOCK_UN)
        return
    raise Passing("an agent of another version holds the spool folder and does not let go", "end it there")


def has_archive(folder: str, wanted: Dict[str, Any]) -> bool:
    """Does the wanted agent lie here, whole?"""
    try:
        with open(os.path.join(folder, wanted["name"]), "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
    except FileNotFoundError:
        return False
    return bool(wanted["name"] == f"agent-{digest[:16]}.pyz")


def fetch_archive(folder: str, wanted: Dict[str, Any], stdin: BinaryIO) -> None:
    """Ask for the agent's archive, unless it lies here. Raises Fault, OSError."""
    if has_archive(folder, wanted):
        return
    path = os.path.join(folder, wanted["name"])
    part = f"{path}.{os.getpid()}"
    answer({"status": "need", "name": wanted["name"]})
    data = stdin.read(int(stdin.readline()))
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(data)
        os.rename(part, path)
    except OSError:
        if os.path.lexists(part):
            os.unlink(part)
        raise
    if not has_archive(folder, wanted):
        raise Passing("the agent's archive came damaged", "it is sent again")


def launch(folder: str, name: str) -> str:
    """Start a detached agent; its first word: "ready", "another" (one runs already), or what is wrong."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        detach(folder, name, writer)
    os.close(writer)
    os.waitpid(pid, 0)
    said = b""
    deadline = time.monotonic() + PATIENCE
    while select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
        data = os.read(reader, 4096)
        said += data
        if not data:
            break
    os.close(reader)
    return said.decode(errors="replace").strip()


def detach(folder: str, name: str, writer: int) -> NoReturn:
    """Become the agent, outside of this session."""
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.chdir("/")
        log = os.path.join(folder, "agent.log")
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        output = os.open(log, flags | (os.O_TRUNC if os.path.exists(log) and os.path.getsize(log) > LOG_LIMIT else 0))
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.set_inheritable(writer, True)
        python = sys.executable or "/proc/self/exe"
        options = ["-I", "-S", "-X", "utf8"]
        os.execv(python, [python, *options, os.path.join(folder, name), "serve", folder, str(writer)])
    except OSError as error:
        os.write(writer, (error.strerror or str(error)).encode())
    finally:
        os._exit(1)


def relay_up(stdin: BinaryIO, channel: socket.socket) -> None:
    """From the channel to the agent; the end of either ends the relay."""
    try:
        channel.sendall(stdin.read1(BLOCK))  # type: ignore[attr-defined]  # what was read ahead; then nothing is
        carry(stdin.fileno(), channel.fileno())
    finally:
        os._exit(0)


def relay_down(channel: socket.socket) -> NoReturn:
    """From the agent to the channel; the end of either ends the relay."""
    try:
        carry(channel.fileno(), 1)
    finally:
        os._exit(0)


def carry(source: int, target: int) -> None:
    """Hand bytes on until there are no more, without looking at them where they go into a pipe. Raises OSError.

    Out of a pipe they are copied: there splice waits for a full socket whatever it is told (Linux 6.5 and newer).
    """
    for descriptor in (source, target):
        with contextlib.suppress(OSError):  # it is a socket
            fcntl.fcntl(descriptor, F_SETPIPE_SZ, PIPE)
    try:
        if stat.S_ISFIFO(os.fstat(target).st_mode):
            return splice(source, target)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS):
            raise
    copy(source, target)


def splice(source: int, target: int) -> None:
    """Within the kernel. Raises OSError: EINVAL where it does not do that, before anything was taken."""
    if not hasattr(os, "splice"):  # Python 3.9
        raise OSError(errno.ENOSYS, "")
    ready = [select.poll(), select.poll()]
    ready[0].register(source, select.POLLIN)
    ready[1].register(target, select.POLLOUT)
    while True:
        try:
            # never waits within, as it holds the pipe's lock then, on which sshd would wait, and see to nothing else
            if not os.splice(source, target, PIPE, flags=os.SPLICE_F_NONBLOCK):
                return
        except BlockingIOError:
            for one in ready:
                one.poll()


def copy(source: int, target: int) -> None:
    """By way of this process. Raises OSError."""
    block = memoryview(bytearray(BLOCK))  # one for all: to make a new one each time costs more than the copying
    while size := os.readv(source, [block]):
        done = 0
        while done < size:
            done += os.write(target, block[done:size])


main(sys.stdin.buffer)
