"""Machines for tests: a real OpenSSH server for each, without root, on a free port of the loopback address."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.fleet import processes
from tests.waiting import wait_until

SSHD = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin:/sbin")
ADDRESS = "127.0.0.1"
NVIDIA_SMI = Path(__file__).parent / "nvidia_smi.py"


def missing() -> str:
    """Why no machine can be made here; empty when all is there."""
    for program in ("sshd", "ssh", "ssh-keygen"):
        if not (SSHD if program == "sshd" else shutil.which(program)):
            return f"{program} is not installed (Debian: apt install openssh-server openssh-client)"
    return ""


def make_key(path: Path) -> Path:
    """A key pair without passphrase, made once."""
    if not path.exists():
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", path.name, "-f", str(path)]
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return path


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((ADDRESS, 0))
        return int(listener.getsockname()[1])


class Machine:
    """One machine: an sshd with its own host key, home, spool, claims, PATH and port."""

    def __init__(self, folder: Path, name: str, login_key: Path, *, gpus: int = 0, claims: Path | None = None) -> None:
        self.name = name
        self.folder = folder
        self.home = folder / "home"
        self.bin = folder / "bin"
        self.spool = folder / "spool"
        self.claims = claims or folder / "claims"
        self.log = folder / "sshd.log"
        self.port = free_port()
        for path in (self.home, self.bin):
            path.mkdir(parents=True)
        self.environment = self._environment(gpus)
        self.host_key = make_key(folder / "host_key")
        shutil.copy(login_key.with_suffix(".pub"), folder / "authorized_keys")
        self._listener: subprocess.Popen[bytes] | None = None
        self._sessions: list[processes.Process] = []

    def _environment(self, gpus: int) -> dict[str, str]:
        """What a login on the machine finds, as its own /etc/environment would give."""
        if gpus:
            stand_in = self.bin / "nvidia-smi"
            stand_in.write_text(
                f"#!{sys.executable}\n" + NVIDIA_SMI.read_text().replace("COUNT = 1", f"COUNT = {gpus}")
            )
            stand_in.chmod(0o755)
        return {
            "HOME": str(self.home),
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin:{os.path.dirname(sys.executable)}",
            "MINI_SLURM_SPOOL": str(self.spool),
            "MINI_SLURM_CLAIMS": str(self.claims),
            "MINI_SLURM_CGROUPS": "off",
        }

    def start(self, **options: str) -> None:
        """Start sshd; keywords are more lines of its configuration (MaxSessions="2")."""
        config = self.folder / "sshd_config"
        config.write_text("".join(f"{line}\n" for line in self._config(options)))
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)  # sshd's own start script does this
        assert SSHD
        with open(self.log, "ab") as log:
            self._listener = subprocess.Popen(
                [SSHD, "-D", "-e", "-f", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )
        wait_until(self._answers, f"sshd of {self.name} to answer", logs=[self.log])

    def _config(self, options: Mapping[str, str]) -> list[str]:
        settings = {
            "Port": str(self.port),
            "ListenAddress": ADDRESS,
            "HostKey": str(self.host_key),
            "AuthorizedKeysFile": str(self.folder / "authorized_keys"),
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "yes",
            "PermitUserEnvironment": "no",
            "LogLevel": "VERBOSE",
            "SetEnv": " ".join(f'"{name}={value}"' for name, value in self.environment.items()),
        }
        return [f"{name} {value}" for name, value in {**settings, **options}.items()]

    def _answers(self) -> bool:
        assert self._listener and self._listener.poll() is None, self.log.read_text(errors="replace")
        try:
            with socket.create_connection((ADDRESS, self.port), timeout=5) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def sessions(self) -> list[processes.Process]:
        """The sshd processes that serve connections, also of a listener that is gone."""
        now = processes.everything()
        if self._listener:
            below = processes.descendants([self._listener.pid], now)
            self._sessions += [p for p in below if p.name.startswith("sshd") and p not in self._sessions]
        self._sessions = [p for p in self._sessions if p.pid in now and now[p.pid].name == p.name]
        return self._sessions

    def kill_listener(self) -> None:
        """SIGKILL: no new connections; those that are there go on."""
        self.sessions()
        if self._listener:
            self._listener.kill()
            self._listener.wait()
            self._listener = None

    def kill_sessions(self) -> None:
        """SIGKILL for each connection's sshd; the listener goes on."""
        processes.kill(self.sessions(), signal.SIGKILL)
        wait_until(lambda: not self.sessions(), f"sessions of {self.name} to be gone")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it hang as a machine whose cable is cut does: connections stay, and nothing is answered."""
        sessions = list(self.sessions())
        processes.kill(sessions, signal.SIGSTOP)
        try:
            yield
        finally:
            processes.kill(sessions, signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL for sshd and all connections. What was started through them goes on."""
        self.kill_listener()
        self.kill_sessions()

    def restart(self, **options: str) -> None:
        """Kill, and start on the same port."""
        self.kill()
        self.start(**options)

    def new_host_key(self) -> None:
        """Become another machine at the same address; restart() makes it known."""
        for path in (self.host_key, self.host_key.with_suffix(".pub")):
            path.unlink()
        make_key(self.host_key)

    @property
    def known_hosts_line(self) -> str:
        """The line of known_hosts that trusts this machine."""
        kind, content = self.host_key.with_suffix(".pub").read_text().split()[:2]
        return f"[{ADDRESS}]:{self.port} {kind} {content}\n"
