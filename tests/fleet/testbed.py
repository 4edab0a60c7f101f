#!/usr/bin/env python3
"""testbed: several real SSH machines on one host, for tests of what crosses a network.

Each machine is a set of Linux namespaces (network, hostname, processes, mounts) with its own address on a private
bridge, its own /tmp, /var/tmp, /run and /dev/shm, boot id and sshd. All share the host's other files, as over NFS,
and one home; except the folders that --private names, of which every machine has its own. Root may log in, and the
accounts that --user names, which have their own homes and keys.

    testbed.py up [NAME ...] [--private DIR ...] [--gpus NAME=N ...] [--user LOGIN ...]
    testbed.py status
    testbed.py cut NAME | heal NAME      unplug / plug in its network cable
    testbed.py crash NAME | boot NAME    pull the power / start it again (new boot id, empty /tmp and /run)
    testbed.py fill NAME | empty NAME    leave no room on its /var/tmp / make room again
    testbed.py run NAME CMD ...          a command inside, without SSH (a person at its console)
    testbed.py down                      end all of it

Needs root, iproute2, util-linux and openssh-server. Several beds can be up at once, each with its own $TESTBED_DIR
(default /var/lib/testbed; not below /tmp or /run, which machines do not share), $TESTBED_NET (default 10.77.0) and
$TESTBED_BRIDGE (default testbed0, at most 8 characters). ssh_config in the folder is for `ssh -F` as root,
ssh_config_LOGIN for other accounts.
"""

from __future__ import annotations

import argparse
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROGRAMS = ("sshd", "ssh", "ssh-keygen", "ip", "unshare", "nsenter", "mount")
NVIDIA_SMI = Path(__file__).parent / "nvidia_smi.py"
DISK = "256m"  # size of each machine's /var/tmp, in memory
CONFIG = """HostKey {folder}/host_key
AuthorizedKeysFile {folder}/keys/%u
StrictModes no
UsePAM no
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
SetEnv "PATH={path}"
Match User root
  SetEnv "PATH={path}" "HOME={folder}/home"
"""


class TestbedError(Exception):
    """Something of the bed cannot be done; the text is for the person who asked."""

    __test__ = False  # pytest: no class of tests


def missing() -> str:
    """Why no bed can be made here; empty when all is there."""
    if os.geteuid() != 0:
        return "machines in namespaces need root"
    for program in PROGRAMS:
        if not shutil.which(program, path=PATH):
            return f"{program} is not installed (Debian: apt install openssh-server iproute2 util-linux)"
    tried = subprocess.run(["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "true"], capture_output=True)
    return "" if tried.returncode == 0 else f"namespaces are not allowed here: {tried.stderr.decode().strip()}"


def shell(*words: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program. Raises TestbedError when it fails and `check` is true."""
    argv = [str(word) for word in words]
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if check and done.returncode:
        raise TestbedError(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")
    return done


def alive(pid: int | None) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return bool(pid) and Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Bed:
    """All machines of one bed; what is up is kept in testbed.json, so that each command finds it again."""

    def __init__(self, folder: Path, net: str, bridge: str) -> None:
        self.folder = folder
        self.net = net
        self.bridge = bridge
        self.ssh_config = folder / "ssh_config"
        self._book = folder / "testbed.json"
        self._children: dict[str, subprocess.Popen[bytes]] = {}  # those that this process booted
        self.machines: dict[str, dict[str, Any]] = json.loads(self._book.read_text()) if self._book.exists() else {}

    def up(
        self,
        names: Sequence[str],
        private: Sequence[str] = (),
        gpus: Mapping[str, int] | None = None,
        users: Sequence[str] = (),
        python: Path | None = None,
    ) -> None:
        """Make the machines and wait until each answers.

        `users` are the accounts, besides root, that may log in; `python` is the last folder on the machines' PATH.
        """
        self.down()
        (self.folder / "home").mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self._make_keys(users)
        for number, name in enumerate(names, 1):
            self.machines[name] = {
                "address": f"{self.net}.{number}",
                "cable": f"{self.bridge}-{number}",
                "gpus": (gpus or {}).get(name, 0),
                "private": list(private),
                "users": list(users),
                "path": f"{self.folder / name / 'bin'}:{PATH}:{python or f'{sys.base_prefix}/bin'}",
                "pid": None,
            }
        self._save()
        self._write_client_files(users)
        self._make_network()
        for name in self.machines:
            self._make_disk(name)
            self._boot(name)
        self._wait_ssh(self.machines)

    def _save(self) -> None:
        self._book.write_text(json.dumps(self.machines, indent=1))

    def _machine(self, name: str) -> dict[str, Any]:
        if name not in self.machines:
            raise TestbedError(f"no machine {name}; there are: {' '.join(self.machines) or 'none (testbed.py up)'}")
        return self.machines[name]

    def _space(self, name: str) -> str:
        return f"{self.bridge}-{name}"

    def _make_keys(self, users: Sequence[str]) -> None:
        """One key for the machines, one for root and one for each account, which lets nobody else in."""
        (self.folder / "keys").mkdir(exist_ok=True)
        for owner, name in {"": "host_key", "root": "id", **{user: f"id_{user}" for user in users}}.items():
            key = self.folder / name
            if not key.exists():
                shell("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "testbed", "-f", key)
            if owner:
                shutil.chown(key, owner)
                shutil.copy(f"{key}.pub", self.folder / "keys" / owner)

    def _write_client_files(self, users: Sequence[str]) -> None:
        key = " ".join((self.folder / "host_key.pub").read_text().split()[:2])
        known = "".join(f"{name},{m['address']} {key}\n" for name, m in self.machines.items())
        (self.folder / "known_hosts").write_text(known)
        blocks = "".join(f"Host {name}\n  HostName {m['address']}\n" for name, m in self.machines.items())
        for user, end in {"root": "", **{user: f"_{user}" for user in users}}.items():
            common = [f"UserKnownHostsFile {self.folder}/known_hosts", f"IdentityFile {self.folder}/id{end}"]
            common += ["IdentitiesOnly yes", f"User {user}"]
            text = blocks + "Host *\n" + "".join(f"  {line}\n" for line in common)
            (self.folder / f"ssh_config{end}").write_text(text)
        hosts = "127.0.0.1 localhost\n" + "".join(f"{m['address']} {name}\n" for name, m in self.machines.items())
        (self.folder / "hosts").write_text(hosts + f"{self.net}.254 login\n")

    def _make_network(self) -> None:
        shell("ip", "link", "add", self.bridge, "type", "bridge")
        shell("ip", "addr", "add", f"{self.net}.254/24", "dev", self.bridge)
        shell("ip", "link", "set", self.bridge, "up")
        for name, m in self.machines.items():
            space, cable = self._space(name), m["cable"]
            shell("ip", "netns", "add", space)
            shell("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
            shell("ip", "link", "set", cable, "master", self.bridge, "up")
            shell("ip", "-n", space, "addr", "add", f"{m['address']}/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                shell("ip", "-n", space, "link", "set", device, "up")

    def _make_disk(self, name: str) -> None:
        """Its /var/tmp outlives a crash, as a disk does."""
        disk = self.folder / name / "vartmp"
        disk.mkdir(parents=True)
        shell("mount", "-t", "tmpfs", "-o", f"size={DISK},mode=1777", "tmpfs", disk)

    def _boot(self, name: str) -> None:
        m, home = self._machine(name), self.folder / name
        if alive(m["pid"]):
            raise TestbedError(f"{name} is up already")
        shutil.rmtree(home / "tmp", ignore_errors=True)
        for folder in ("tmp", "bin", *(f"private{path}" for path in m["private"])):
            (home / folder).mkdir(parents=True, exist_ok=True)
        for path in m["private"]:
            Path(path).mkdir(parents=True, exist_ok=True)
        (home / "tmp").chmod(0o1777)
        (home / "boot_id").write_text(f"{uuid.uuid4()}\n")
        if m["gpus"]:
            program = NVIDIA_SMI.read_text().replace("COUNT = 1", f"COUNT = {m['gpus']}")
            (home / "bin" / "nvidia-smi").write_text(f"#!/usr/bin/env python3\n{program}")
            (home / "bin" / "nvidia-smi").chmod(0o755)
        (home / "sshd_config").write_text(CONFIG.format(folder=self.folder, path=m["path"]))
        (home / "init").write_text(self._init(name))
        words = ["ip", "netns", "exec", self._space(name), "unshare", "--uts", "--mount", "--ipc", "--pid", "--fork"]
        words += ["--mount-proc", "--kill-child", "bash", str(home / "init")]
        with open(home / "log", "ab") as log:
            self._children[name] = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        m["pid"] = self._children[name].pid
        self._save()

    def _init(self, name: str) -> str:
        """The script that is the machine's process 1."""
        home = self.folder / name
        binds = {"tmp": "/tmp", "vartmp": "/var/tmp", "boot_id": "/proc/sys/kernel/random/boot_id"}
        binds |= {f"private{path}": path for path in self._machine(name)["private"]}
        sources = {home / source: target for source, target in binds.items()} | {self.folder / "hosts": "/etc/hosts"}
        lines = ["#!/bin/bash", "set -e", f"hostname {name}", "cd /"]
        # All sources are opened before the first bind, which may hide another one.
        lines += [f"exec {number}<{source}" for number, source in enumerate(sources, 10)]
        lines += [f"mount --bind /proc/self/fd/{n} {target}" for n, target in enumerate(sources.values(), 10)]
        lines += [f"exec {number}<&-" for number, _ in enumerate(sources, 10)]
        lines += ["mount -t tmpfs -o mode=755 tmpfs /run", "mkdir -p /run/sshd"]
        for uid in (0, *(pwd.getpwnam(user).pw_uid for user in self._machine(name)["users"])):
            lines += [f"mkdir -p -m 700 /run/user/{uid}", f"chown {uid} /run/user/{uid}"]
        lines += ["mount -t tmpfs -o mode=1777 tmpfs /dev/shm"]
        lines += [f"{shutil.which('sshd', path=PATH)} -D -e -f {home}/sshd_config &"]
        lines += ["wait $!", "while :; do sleep 3600 & wait $!; done"]  # process 1 reaps what is orphaned
        return "\n".join(lines) + "\n"

    def _wait_ssh(self, names: Sequence[str] | Mapping[str, Any], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        for name in names:
            words = ("ssh", "-F", self.ssh_config, "-o", "ConnectTimeout=2", name, "true")
            while shell(*words, check=False).returncode:
                if time.monotonic() > end:
                    raise TestbedError(f"{name} does not answer: {(self.folder / name / 'log').read_text()}")
                time.sleep(0.1)

    def boot(self, name: str) -> None:
        """Start it again, and wait until it answers."""
        self._boot(name)
        self._wait_ssh([name])

    def crash(self, name: str) -> None:
        """Pull the power: all its processes are gone at once."""
        m = self._machine(name)
        if alive(m["pid"]):
            os.kill(m["pid"], signal.SIGKILL)  # --kill-child takes the whole machine with it
            inside = self._first_process(m["pid"])
            while alive(m["pid"]) or alive(inside):
                time.sleep(0.02)
        if name in self._children:
            self._children.pop(name).wait()
        m["pid"] = None
        self._save()

    def _first_process(self, pid: int) -> int | None:
        """The machine's process 1, as the host numbers it."""
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return int(children[0]) if children else None

    def cut(self, name: str) -> None:
        """Unplug its network cable."""
        shell("ip", "link", "set", self._machine(name)["cable"], "down")

    def heal(self, name: str) -> None:
        """Plug the cable in again."""
        shell("ip", "link", "set", self._machine(name)["cable"], "up")

    def fill(self, name: str) -> None:
        """Leave no room on its /var/tmp."""
        disk = self.folder / self._check(name) / "vartmp"
        with open(disk / ".full", "ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def empty(self, name: str) -> None:
        """Make room on its /var/tmp again."""
        (self.folder / self._check(name) / "vartmp" / ".full").unlink(missing_ok=True)

    def _check(self, name: str) -> str:
        self._machine(name)
        return name

    def enter(self, name: str, *argv: str, **more: Any) -> subprocess.CompletedProcess[Any]:
        """Run a command inside, as a person at its console would; keywords as for subprocess.run."""
        inside = self._first_process(self._machine(name)["pid"] or 0)
        if inside is None:
            raise TestbedError(f"{name} is off")
        environment = {**os.environ, "PATH": self._machine(name)["path"]}
        words = ["nsenter", "-t", str(inside), "-m", "-u", "-i", "-n", "-p", "--", *argv]
        return subprocess.run(words, **{"env": environment, **more})

    def down(self) -> None:
        """End all of it."""
        for name, m in self.machines.items():
            self.crash(name)
            shell("ip", "link", "del", m["cable"], check=False)
            shell("ip", "netns", "del", self._space(name), check=False)
            shell("umount", self.folder / name / "vartmp", check=False)
            shutil.rmtree(self.folder / name, ignore_errors=True)
        if self.machines:
            shell("ip", "link", "del", self.bridge, check=False)
        self.machines = {}
        self._book.unlink(missing_ok=True)

    def status(self) -> str:
        """A line for each machine."""
        lines = (
            f"{name} {m['address']} {'up' if alive(m['pid']) else 'off'} gpus={m['gpus']}"
            for name, m in self.machines.items()
        )
        return "\n".join(lines)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up")
    up.add_argument("names", nargs="*")
    up.add_argument("--private", action="append", default=[])
    up.add_argument("--gpus", action="append", default=[])
    up.add_argument("--user", action="append", default=[])
    for verb in ("status", "down"):
        verbs.add_parser(verb)
    for verb in ("cut", "heal", "crash", "boot", "fill", "empty"):
        verbs.add_parser(verb).add_argument("name")
    run = verbs.add_parser("run")
    run.add_argument("name")
    run.add_argument("argv", nargs=argparse.REMAINDER)
    return parser.parse_args(argv)


def main() -> int:
    """Do one verb."""
    args = parse(sys.argv[1:])
    said = os.environ.get
    bed = Bed(
        Path(said("TESTBED_DIR", "/var/lib/testbed")),
        said("TESTBED_NET", "10.77.0"),
        said("TESTBED_BRIDGE", "testbed0"),
    )
    try:
        if args.verb == "up":
            gpus = {name: int(count) for name, count in (pair.split("=") for pair in args.gpus)}
            bed.up(args.names or ["node1", "node2", "node3", "node4"], args.private, gpus, args.user)
        elif args.verb == "run":
            return bed.enter(args.name, *args.argv).returncode
        elif args.verb == "down":
            bed.down()
        elif args.verb != "status":
            getattr(bed, args.verb)(args.name)
    except TestbedError as error:
        print(f"testbed: {error}", file=sys.stderr)
        return 1
    if args.verb in ("up", "status"):
        print(bed.status())
    return 0


if __name__ == "__main__":
    sys.exit(main())
