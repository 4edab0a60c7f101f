"""Worse days than chaos.py has: power, half-dead networks, full and sealed disks, several deaths in one moment."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fleet import chaos, processes
from tests.fleet.chaos import Trouble, Wish
from tests.fleet.machines import Testbed
from tests.fleet.testbed import alive, shell

PAUSE = 0.5  # seconds between two faults, on average
ROOM = "64m"  # of each disk of the login node
SLOW = ("rate", "400kbit", "burst", "32kbit", "latency", "800ms")
NOBODY = "02:00:00:00:00:01"  # an address of hardware that is not there
BEARABLE = ("No space left", "Read-only file system", "disk is full", "readonly", "disk I/O error")
COMMANDS = ("msbatch: ", "msqueue: ")
LIMITS = "MaxSessions 1\nMaxStartups 1:50:2\n"


def inside(folder: str) -> str:
    """What jobs do, their marks in that folder wherever they run; they mark it when their output finds no room."""
    text = chaos.SCRIPT.replace('"marks/$key"', f'"{folder}/$key"')
    return text.replace('06g" "$1"', '06g" "$1" || mark lost').replace("3 >&2", "3 >&2 || mark lost")


@contextmanager
def own_disk(folder: Path) -> Iterator[None]:
    """The folder is a small disk of its own."""
    folder.mkdir(mode=0o700, exist_ok=True)
    shell("mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=700", "tmpfs", folder)
    try:
        yield
    finally:
        shell("umount", "--lazy", folder)


def fill(folder: Path) -> None:
    """Leave no room there."""
    with open(folder / ".full", "ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


class Disasters(Trouble):
    """Each fault is over after LONGEST_CUT at most, but for what has been killed."""

    def __init__(self, fleet: Testbed, dice: random.Random, disks: tuple[Path, ...]) -> None:
        super().__init__(fleet, dice, PAUSE)
        self._disks = disks  # of the login node: its state folder first
        self._healing: dict[tuple[str, str], tuple[float, Callable[[], object]]] = {}
        self.kinds = [
            self.controller, self.agent, self.cable, self.sshd, self.both, self.everybody, self.power, self.spool,
            self.full, self.sealed, self.deaf, self.slow, self.strict,
        ]  # fmt: skip

    def tick(self) -> None:
        """Do what is due."""
        self._end(time.monotonic())
        if not self._due:
            self._due = self._dice.sample(self.kinds, len(self.kinds))
        super().tick()

    def over(self) -> None:
        """All is well again."""
        super().over()
        self._end(float("inf"))

    def _end(self, now: float) -> None:
        for key in [key for key, (moment, _) in self._healing.items() if moment <= now]:
            self._healing.pop(key)[1]()

    def _for_a_while(self, kind: str, name: str, begin: Callable[[], object], end: Callable[[], object]) -> None:
        if (kind, name) not in self._healing:
            begin()
            self._healing[kind, name] = time.monotonic() + self._dice.uniform(0.3, chaos.LONGEST_CUT), end

    def both(self, name: str) -> None:
        """SIGKILL for the controller and an agent at the same moment."""
        processes.kill([*self._fleet.controllers(), *self._fleet.agents(name)], signal.SIGKILL)

    def everybody(self, name: str) -> None:
        """... and for all agents and connections."""
        sessions = [one for machine in chaos.CPUS for one in self._fleet.sessions(machine)]
        processes.kill([*self._fleet.controllers(), *self._fleet.agents(), *sessions], signal.SIGKILL)

    def power(self, name: str) -> None:
        """The machine loses power and is booted."""
        self._fleet.bed.crash(name)
        self._fleet.bed.boot(name)

    def spool(self, name: str) -> None:
        """No room on the machine's disk."""
        self._for_a_while("spool", name, lambda: self._fleet.bed.fill(name), lambda: self._fleet.bed.empty(name))

    def full(self, name: str) -> None:
        """No room on a disk of the login node."""
        disk = self._dice.choice(self._disks)
        self._for_a_while("full", str(disk), lambda: fill(disk), (disk / ".full").unlink)

    def sealed(self, name: str) -> None:
        """The state folder cannot be written, and its controller is gone."""
        disk = self._disks[0]

        def seal() -> None:
            processes.kill(self._fleet.controllers(), signal.SIGKILL)
            self._remount(disk, "ro")

        self._for_a_while("sealed", str(disk), seal, lambda: self._remount(disk, "rw"))

    def _remount(self, disk: Path, word: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{word}", disk], check=word == "rw", capture_output=True)

    def deaf(self, name: str) -> None:
        """The machine hears, but what it says goes nowhere: half-open connections."""
        login = f"{self._fleet.bed.net}.254"

        def neighbour(*words: str) -> None:
            self._fleet.bed.enter(name, "ip", "neigh", *words, "dev", "eth0", capture_output=True)

        self._for_a_while(
            "deaf", name,
            lambda: neighbour("replace", login, "lladdr", NOBODY, "nud", "permanent"),
            lambda: neighbour("del", login),
        )  # fmt: skip

    def slow(self, name: str) -> None:
        """A line of little width."""
        device = self._fleet.bed.machines[name]["cable"]
        self._for_a_while(
            "slow", name,
            lambda: shell("tc", "qdisc", "add", "dev", device, "root", "tbf", *SLOW),
            lambda: shell("tc", "qdisc", "del", "dev", device, "root"),
        )  # fmt: skip

    def strict(self, name: str) -> None:
        """Its sshd takes few connections at a time, and one session on each."""
        path = self._fleet.bed.folder / name / "sshd_config"
        former = path.read_text()

        def rewrite(text: str) -> None:
            path.write_text(text)
            servers = [p for p in self._fleet.on_machine(name) if p.name.startswith("sshd") and "listener" in p.command]
            for server in servers:
                if alive(server.pid):
                    processes.kill([server], signal.SIGHUP)

        self._for_a_while("strict", name, lambda: rewrite(LIMITS + former.replace(LIMITS, "")), lambda: rewrite(former))


def submit(fleet: Testbed, wish: Wish, folder: Path) -> int | None:
    """The number of the job, or of the array; None when it was refused, in one clear line and with nothing stored."""
    done = fleet.run("msbatch", "--parsable", "-D", str(folder), *wish.words)
    if done.returncode == 0:
        return int(done.stdout)
    check_refusal(done)
    return None


def check_refusal(done: subprocess.CompletedProcess[str]) -> None:
    """A command may fail for want of a disk alone, and says so in a line or two."""
    lines = done.stderr.splitlines()
    assert any(word in done.stderr for word in BEARABLE) and len(lines) <= 3, done.stderr
    assert lines[0].startswith(COMMANDS), done.stderr
