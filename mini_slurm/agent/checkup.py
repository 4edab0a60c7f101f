"""Sent to a machine as source by `mini-slurm doctor`: finds out what jobs meet there, and which others it reaches.

Stands alone, in Python 3.8. Answers with JSON lines: the facts, and after a line that names the others what became of
each. While the standard input is open, a port of each range is listened on, for the others to knock at.
"""

import functools
import json
import os
import pwd
import random
import resource
import shutil
import socket
import stat
import subprocess
import sys
import threading
import time
from typing import Any, BinaryIO, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

MOUNTS = "/proc/self/mountinfo"
KNOCKS = 64  # at once
TRIES = 20  # of ports in a range that are not free
PATIENCE = 10.0  # seconds for a GPU program
DAEMONS = ("slurmd", "pbs_mom", "sge_execd", "execd", "sbatchd", "lim")  # of systems that look after machines
GPU_PROGRAMS = (
    ("nvidia", ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]),
    ("amd", ["rocm-smi", "--showdriverversion"]),
    ("intel", ["xpu-smi", "discovery"]),
)
GPU_MAKERS = {"0x10de": "nvidia", "0x1002": "amd"}  # of PCI; Intel's are in most desktops and no use for jobs
GPU_FILES = {"nvidia": ["nvidiactl", "nvidia0"], "amd": ["kfd"]}  # of /dev
LOGIND = ("/etc/systemd/logind.conf", "/usr/lib/systemd/logind.conf.d", "/run/systemd/logind.conf.d",
          "/etc/systemd/logind.conf.d")  # fmt: skip
SSHD_KEYS = ("maxsessions", "maxstartups", "allowtcpforwarding")
LIMITS = {"open files": resource.RLIMIT_NOFILE, "processes": resource.RLIMIT_NPROC, "memory": resource.RLIMIT_AS,
          "file size": resource.RLIMIT_FSIZE, "CPU time": resource.RLIMIT_CPU,
          "locked memory": resource.RLIMIT_MEMLOCK}  # fmt: skip


def read(path: str) -> str:
    """A file's text, "" where it cannot be read."""
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


# --- facts


def system(order: Dict[str, Any]) -> Dict[str, Any]:
    """What runs there, and as whom."""
    names = os.uname()
    user = pwd.getpwuid(os.geteuid())
    python = ".".join(map(str, sys.version_info[:3]))
    return {"host": names.nodename, "kernel": names.release, "user": user.pw_name, "uid": user.pw_uid,
            "home": user.pw_dir, "has_home": os.path.isdir(os.path.expanduser("~")), "python": python,
            "executable": sys.executable, "systemd": os.path.isdir("/run/systemd/system")}  # fmt: skip


def place(order: Dict[str, Any]) -> List[str]:
    """What tells it from all other machines, and from containers of the same kernel."""
    return [read("/proc/sys/kernel/random/boot_id").strip(), os.readlink("/proc/self/ns/mnt")]


def modules(order: Dict[str, Any]) -> List[str]:
    """Parts of Python's library that the agent needs and some Pythons are made without."""
    import importlib

    missing = []
    for name in ("ctypes", "fcntl", "select", "zipfile", "zlib", "json", "resource", "termios"):
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    return missing


def folders(order: Dict[str, Any]) -> Dict[str, Dict[str, Any]]:
    """The disks that jobs use there."""
    uid = os.geteuid()
    places = {
        "spool": os.environ.get("MINI_SLURM_SPOOL") or f"/var/tmp/mini_slurm-{uid}",
        "claims": os.environ.get("MINI_SLURM_CLAIMS") or "/var/tmp/mini_slurm-claims",
        "home": os.path.expanduser("~"),
        "tmp": os.environ.get("TMPDIR") or "/tmp",
        "shm": "/dev/shm",
    }
    return {name: folder(path) for name, path in places.items()}


def folder(path: str) -> Dict[str, Any]:
    """Room, kind of file system, and whose it is; of the folder that is there on the way to it."""
    place = os.path.realpath(path)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    disk, status = os.statvfs(place), os.stat(place)
    return {"path": path, "exists": os.path.lexists(path), "link": os.path.islink(path),
            "free": disk.f_bavail * disk.f_frsize, "size": disk.f_blocks * disk.f_frsize,
            "files_free": disk.f_favail if disk.f_files else None,
            "writable": os.access(place, os.W_OK | os.X_OK), "read_only": bool(disk.f_flag & os.ST_RDONLY),
            "noexec": bool(disk.f_flag & os.ST_NOEXEC), "type": kind_of(place), "uid": status.st_uid,
            "mode": stat.S_IMODE(status.st_mode)}  # fmt: skip


def kind_of(place: str) -> str:
    """The type of the file system: that of the longest mount point above."""
    best, kind = "", ""
    for line in read(MOUNTS).splitlines():
        fields = line.split()
        point = fields[4].replace("\\040", " ")
        if (place + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best):
            best, kind = point, fields[fields.index("-") + 1]
    return kind


def common(order: Dict[str, Any]) -> bool:
    """Are files of the login node's home seen here?"""
    path, text = order["token"]
    return bool(path) and read(path) == text


def limits(order: Dict[str, Any]) -> Dict[str, List[Optional[int]]]:
    """Soft and hard; None: none."""
    found = {name: resource.getrlimit(number) for name, number in LIMITS.items()}
    return {name: [None if one == resource.RLIM_INFINITY else one for one in pair] for name, pair in found.items()}


def logind(order: Dict[str, Any]) -> Dict[str, Any]:
    """Whether systemd ends what a login leaves behind."""
    files: List[str] = []
    for place in LOGIND:
        names = sorted(os.listdir(place)) if os.path.isdir(place) else []
        files += [os.path.join(place, name) for name in names if name.endswith(".conf")] or [place]
    said = {"KillUserProcesses": "no", "KillOnlyUsers": "", "KillExcludeUsers": "root"}
    for line in (line.strip() for path in files if os.path.isfile(path) for line in read(path).splitlines()):
        key, equals, value = line.partition("=")
        if equals and key.strip() in said:
            said[key.strip()] = value.strip()
    name = pwd.getpwuid(os.geteuid()).pw_name
    only, excluded = said["KillOnlyUsers"].split(), said["KillExcludeUsers"].split()
    kills = said["KillUserProcesses"].lower() in ("yes", "true", "on", "1")
    kills = kills and name not in excluded and (not only or name in only)
    return {"kills": kills, "lingers": os.path.exists("/var/lib/systemd/linger/" + name),
            "bus": os.path.exists(f"/run/user/{os.geteuid()}/bus")}  # fmt: skip


def cgroups(order: Dict[str, Any]) -> Dict[str, Any]:
    """The limits that hold for all jobs together, as they run below the login."""
    mount = next((line.split()[4] for line in read(MOUNTS).splitlines() if " - cgroup2 " in line), None)
    own = next((line[3:].strip() for line in read("/proc/self/cgroup").splitlines() if line.startswith("0::")), "")
    found: Dict[str, Any] = {"version": 2 if mount else 1 if os.path.isdir("/sys/fs/cgroup") else 0, "path": own}
    place = own if mount else "/"
    while mount and place != "/":
        for name in ("memory.max", "pids.max", "cpu.max"):
            value = read(mount + place + "/" + name).strip()
            number = limit_of(name, value)
            if number is not None and number < found.get(name, number + 1):
                found[name] = number
        place = os.path.dirname(place)
    found["delegated"] = bool(mount and own != "/" and os.access(mount + own + "/cgroup.procs", os.W_OK))
    return found


def limit_of(name: str, value: str) -> Optional[float]:
    """Bytes, processes or CPUs; None: no limit."""
    words = value.split()
    if not words or words[0] == "max":
        return None
    return int(words[0]) / int(words[1]) if name == "cpu.max" else int(words[0])


def gpus(order: Dict[str, Any]) -> Dict[str, Any]:
    """By maker: how many there are, what their program says, and device files that this user may not open."""
    found: Dict[str, Any] = {}
    for name in os.listdir("/sys/bus/pci/devices") if os.path.isdir("/sys/bus/pci/devices") else []:
        device = os.path.join("/sys/bus/pci/devices", name)
        maker = GPU_MAKERS.get(read(device + "/vendor").strip())
        if maker and read(device + "/class").startswith(("0x0300", "0x0302", "0x0380", "0x1200")):
            found.setdefault(maker, {"devices": 0})["devices"] += 1
    for maker, words in GPU_PROGRAMS:
        path = shutil.which(words[0], path=os.environ.get("PATH", "") + ":/usr/local/bin:/usr/bin:/bin:/opt/rocm/bin")
        if path:
            found.setdefault(maker, {"devices": 0}).update(program(path, words))
    for maker in found:
        files = ["/dev/" + name for name in GPU_FILES.get(maker, [])]
        found[maker]["closed"] = [name for name in files if os.path.exists(name) and not os.access(name, os.R_OK)]
    return found


def program(path: str, words: List[str]) -> Dict[str, Any]:
    """What a GPU program says."""
    try:
        done = subprocess.run(
            [path, *words[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=PATIENCE, errors="replace",
        )  # fmt: skip
        return {"program": path, "status": done.returncode, "said": done.stdout.strip()[:500]}
    except subprocess.TimeoutExpired:
        return {"program": path, "status": None, "said": "it does not answer"}
    except OSError as error:
        return {"program": path, "status": 1, "said": error.strerror}


def sshd(order: Dict[str, Any]) -> Dict[str, Any]:
    """What the sshd that this login came through is told, as far as its files can be read."""
    path = next((words[words.index("-f") + 1] for words in ancestors() if "-f" in words[:-1]), "/etc/ssh/sshd_config")
    found: Dict[str, Any] = {"file": path}
    for key, value in sshd_lines(path, 0):
        if key in SSHD_KEYS:
            found.setdefault(key, value)
    return found


def ancestors() -> Iterator[List[str]]:
    """The words of each sshd above this process."""
    pid = os.getppid()
    while pid > 1:
        words = read(f"/proc/{pid}/cmdline").replace("\0", " ").split()
        if any("sshd" in word for word in words[:2]):
            yield words
        pid = int(read(f"/proc/{pid}/stat").rpartition(")")[2].split()[1:2][0] or 0)


def sshd_lines(path: str, depth: int) -> Iterator[Tuple[str, str]]:
    """Keys and values outside of Match blocks; the first of a key counts."""
    import glob

    for line in read(path).splitlines():
        key, _, value = line.strip().replace("=", " ", 1).partition(" ")
        if key.lower() == "match":
            return
        if key.lower() == "include" and depth < 8:
            for name in value.split():
                for inner in sorted(glob.glob(os.path.join("/etc/ssh", name))):
                    yield from sshd_lines(inner, depth + 1)
        elif key and not key.startswith("#"):
            yield key.lower(), value.strip()


def others(order: Dict[str, Any]) -> Dict[str, Any]:
    """Systems that look after this machine, or are reached from it."""
    names = {read(f"/proc/{pid}/comm").strip() for pid in os.listdir("/proc") if pid.isdigit()}
    wanted = order.get("programs")
    folder = os.environ.get("PATH", os.defpath) if wanted is None else wanted
    paths = {name: shutil.which(name, path=folder) for name in order["commands"]}
    found = {name: path for name, path in paths.items() if path and not is_ours(path)}
    return {"daemons": sorted(names & set(DAEMONS)), "commands": found}


def is_ours(path: str) -> bool:
    """Does it lead to a command of ours?"""
    name = os.path.basename(os.path.realpath(path))
    return name.startswith("ms") or "mini_slurm" in read(path)[:4096]


def shell(order: Dict[str, Any]) -> Dict[str, Any]:
    """What a login without terminal has."""
    name = pwd.getpwuid(os.geteuid()).pw_shell
    return {"shell": name, "path": os.environ.get("PATH", ""), "bash": shutil.which("bash")}


# To add one: a function, and its name here; what it finds is judged by a row of cli/doctor/machines.py.
FACTS: Tuple[Callable[[Dict[str, Any]], Any], ...] = (
    system, place, modules, folders, common, limits, logind, cgroups, gpus, sshd, others, shell
)  # fmt: skip


def gather(order: Dict[str, Any]) -> Dict[str, Any]:
    """All facts; one that cannot be found out says why."""
    facts: Dict[str, Any] = {}
    for fact in FACTS:
        try:
            facts[fact.__name__] = fact(order)
        except Exception as error:  # whatever a machine has in store: the other facts are still wanted
            facts.setdefault("faults", {})[fact.__name__] = f"{type(error).__name__}: {error}"
    return facts


# --- who reaches whom


class Doors:
    """A port of each range, listened on by a thread that says a word to whoever connects."""

    def __init__(self, ranges: Sequence[Tuple[str, int, int]], word: str) -> None:
        self.ports: Dict[str, int] = {}
        self._word = word.encode()
        for name, first, last in ranges:
            listener = self._listen(*(first, last) if first else ephemeral())
            if listener:
                self.ports[name] = listener.getsockname()[1]
                threading.Thread(target=self._greet, args=[listener], daemon=True).start()

    def _listen(self, first: int, last: int) -> Optional[socket.socket]:
        for port in random.sample(range(first, last + 1), min(TRIES, last - first + 1)):
            listener = socket.socket()
            try:
                listener.bind(("", port))
                listener.listen(128)
                return listener
            except OSError:
                listener.close()
        return None

    def _greet(self, listener: socket.socket) -> None:
        while True:
            try:
                with listener.accept()[0] as caller:
                    caller.sendall(self._word)
            except OSError:
                time.sleep(0.1)


def ephemeral() -> Tuple[int, int]:
    """The ports that a program gets which asks for any."""
    words = read("/proc/sys/net/ipv4/ip_local_port_range").split() or ["32768", "60999"]
    return int(words[0]), int(words[1])


def visit(peers: List[Dict[str, Any]], patience: float) -> List[Dict[str, Any]]:
    """Look each up and knock at each of its ports; one whose name is still looked up by the end has no addresses."""
    results: List[Dict[str, Any]] = [{"name": peer["name"], "addresses": None, "ports": {}} for peer in peers]
    waiting = list(range(len(peers)))

    def work() -> None:
        while waiting:
            try:
                number = waiting.pop()
            except IndexError:
                return  # another thread took the last
            results[number] = knock(peers[number], patience)

    in_parallel([work] * min(KNOCKS, len(peers)), 3 * patience)
    return results


def in_parallel(works: Sequence[Callable[[], None]], patience: float) -> None:
    """Do all at once, and wait for them so long."""
    end = time.monotonic() + patience
    threads = [threading.Thread(target=work, daemon=True) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))


def knock(peer: Dict[str, Any], patience: float) -> Dict[str, Any]:
    """What became of one of the others."""
    try:
        found = socket.getaddrinfo(peer["name"], None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        why = str(getattr(error, "strerror", None) or error)
        return {"name": peer["name"], "addresses": [], "fault": why, "ports": {}}
    addresses = sorted({str(one[4][0]) for one in found})
    ports: Dict[str, str] = {}

    def work(name: str, port: int) -> None:
        ports[name] = answer(addresses[0], port, peer["word"], patience)

    works = [functools.partial(work, name, port) for name, port in peer["ports"].items()]
    in_parallel(works, 2 * patience)
    return {"name": peer["name"], "addresses": addresses, "ports": ports}


def answer(address: str, port: int, word: str, patience: float) -> str:
    """Why the port is not that machine's; nothing when it is."""
    try:
        with socket.create_connection((address, port), timeout=patience) as connection:
            said = connection.recv(len(word)).decode(errors="replace")
        return "" if said == word else "another machine answers"
    except socket.timeout:
        return "no answer"
    except OSError as error:
        return str(error.strerror or error)


def say(**values: Any) -> None:
    """A line of the answer."""
    sys.stdout.write(json.dumps({"status": "ready", **values}) + "\n")
    sys.stdout.flush()


def main(stdin: BinaryIO) -> None:
    """Facts, then visits for each line that names some, until the input ends."""
    order = json.loads(stdin.readline())
    doors = Doors(order["ranges"], order["word"])
    say(facts=gather(order), ports=doors.ports, time=time.time())
    for line in stdin:
        visits = json.loads(line)
        say(reached=visit(visits["peers"], visits["patience"]))


main(sys.stdin.buffer)
