"""Fleets for tests: machines, the user's home with keys and ssh_config, a state folder, and the fleet file."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tomli_w

from mini_slurm.model.fleet import MachineEntry
from tests.fleet import processes, sshd
from tests.fleet.testbed import Bed
from tests.waiting import PAUSE, wait_until

PASSING = 5.0  # seconds that a channel may take to end
OURS = ("mini_slurm", "agent-")  # what the command line of an own process has


class LoginNode:
    """What commands of one test need: nothing of the real home is seen or touched."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.state = folder / "state"
        self.work = folder / "work"
        self.fleet_file = folder / "fleet.toml"
        self.ssh_config = self.home / ".ssh" / "config"
        self.tables: dict[str, dict[str, Any]] = {}
        self.variables: dict[str, str] = {}  # more of the environment of commands
        for path in (self.ssh_config.parent, self.work):
            path.mkdir(parents=True, mode=0o700)

    def write_fleet(self, *, partition: str = "main", **fleet: Any) -> None:
        """Write the fleet file: all machines in one partition; keywords go into its [fleet] table."""
        tables = {
            "fleet": {"name": "test", **fleet},
            "machines": self.tables,
            "partitions": {partition: {"machines": ",".join(self.tables), "default": True}},
        }
        self.fleet_file.write_text(tomli_w.dumps(tables))

    def entry(self, name: str, **more: Any) -> MachineEntry:
        """The machine as links take it."""
        return MachineEntry(name, name, **more)

    @property
    def environment(self) -> dict[str, str]:
        """Of commands on the login node."""
        return {
            "HOME": str(self.home),
            "PATH": f"{os.path.dirname(sys.executable)}:/usr/local/bin:/usr/bin:/bin:/usr/sbin",
            "USER": pwd.getpwuid(os.getuid()).pw_name,
            "LANG": "C.UTF-8",
            "MINI_SLURM_STATE": str(self.state),
            "MINI_SLURM_FLEET": str(self.fleet_file),
            "MINI_SLURM_CGROUPS": "off",
            **self.variables,
        }

    def run(self, *words: str, seconds: float = 60, **more: Any) -> subprocess.CompletedProcess[str]:
        """A command on the login node, in the folder `work`; its output as text. Keywords as for subprocess.run."""
        settings: dict[str, Any] = {
            "env": self.environment,
            "cwd": self.work,
            "capture_output": True,
            "text": True,
            "timeout": seconds,
        }
        if more.get("input") is None:
            more.pop("input", None)
            settings["stdin"] = subprocess.DEVNULL
        return subprocess.run(words, **{**settings, **more})

    @property
    def logs(self) -> list[Path]:
        """Folders and files that wait_until shows when it gives up."""
        return [self.folder]

    def controllers(self) -> list[processes.Process]:
        """The controllers of this state folder."""
        return [p for p in processes.mentioning(self.folder) if "mini_slurm.controller" in p.command]

    def agents(self) -> list[processes.Process]:
        """The agents of this fleet's machines, without the stepds of their jobs."""
        ours = processes.mentioning(self.folder)
        return [p for p in ours if "agent-" in p.command and "serve" in p.command and p.name != "msstepd"]

    def end_controllers(self) -> None:
        """SIGTERM for each; fails when one does not end."""
        controllers = self.controllers()
        processes.kill(controllers, 15)
        wait_until(lambda: not any(processes.alive(p.pid) for p in controllers), "controllers to end", logs=self.logs)

    def strays(self) -> list[processes.Process]:
        """Processes that nobody looks after: neither controller, agent, stepd or sshd, nor below one of them."""
        now = processes.everything()
        ours = processes.mentioning(self.folder)
        keepers = [p for p in ours if any(part in p.command for part in OURS) or p.name.startswith("sshd")]
        below = processes.descendants([os.getpid(), *(keeper.pid for keeper in keepers)], now)
        kept = {p.pid for p in [*keepers, *below]}
        return [p for p in ours if p.pid not in kept]

    def close(self) -> None:
        """End all of it. Fails when a process was left alone, or when a controller does not end on SIGTERM."""
        strays = self._lasting_strays()
        try:
            self.end_controllers()
        finally:
            self.end_machines()
            wait_until(self._none_left, "the last processes to be gone", logs=self.logs)
        assert not strays, "left behind:\n" + "\n".join(map(str, strays))

    def _lasting_strays(self) -> list[processes.Process]:
        """Those that are still there after a while: a channel that is just ending is none."""
        end = time.monotonic() + PASSING
        while (strays := self.strays()) and time.monotonic() < end:
            time.sleep(PAUSE)
        return strays

    def end_machines(self) -> None:
        """No more logins."""

    def _none_left(self) -> bool:
        left = processes.mentioning(self.folder)
        processes.kill(left)
        return not left


class Machines(LoginNode):
    """Machines that are an sshd each, on ports of the loopback address."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.known_hosts = self.ssh_config.parent / "known_hosts"
        self.key = sshd.make_key(self.ssh_config.parent / "id_ed25519")
        self.machines: dict[str, sshd.Machine] = {}

    def add(
        self,
        name: str,
        *,
        gpus: int = 0,
        claims: Path | None = None,
        trust: bool = True,
        environment: Mapping[str, str] | None = None,
        **table: Any,
    ) -> sshd.Machine:
        """One more machine; `environment`: more of what a login finds there; keywords go into its table."""
        machine = sshd.Machine(self.folder / "machines" / name, name, self.key, gpus=gpus, claims=claims)
        machine.environment.update(environment or {})
        self.machines[name] = machine
        machine.start()
        self.tables[name] = {**({"gpus": gpus} if gpus else {}), **table}
        if trust:
            self.trust(machine)
        self._write_ssh_config()
        self.write_fleet()
        return machine

    def trust(self, machine: sshd.Machine) -> None:
        """Add its host key to the user's known_hosts."""
        with open(self.known_hosts, "a") as file:
            file.write(machine.known_hosts_line)

    def _write_ssh_config(self) -> None:
        blocks = [f"Host {m.name}\n  HostName {sshd.ADDRESS}\n  Port {m.port}\n" for m in self.machines.values()]
        common = f"Host *\n  UserKnownHostsFile {self.known_hosts}\n  IdentityFile {self.key}\n  IdentitiesOnly yes\n"
        self.ssh_config.write_text("".join([*blocks, common]))

    def end_machines(self) -> None:
        """Kill each sshd and its sessions."""
        for machine in self.machines.values():
            machine.kill()


class Testbed(LoginNode):
    """Machines of the testbed: each with its own network cable, processes, boot id and disk for its spool."""

    __test__ = False  # pytest: no class of tests

    def __init__(self, folder: Path, bed: Bed) -> None:
        super().__init__(folder)
        self.bed = bed
        self.shared = bed.folder / "shared"  # the same files on the login node and on each machine

    def up(self, **tables: dict[str, Any]) -> None:
        """Bring up the machines; `gpus` of a table is also how many it has, the other keys are the fleet file's."""
        self.shared.mkdir()
        gpus = {name: int(table.get("gpus", 0)) for name, table in tables.items()}
        self.bed.up(list(tables), gpus=gpus)
        self.ssh_config.write_text(self.bed.ssh_config.read_text())
        self.tables = tables
        self.write_fleet()

    @property
    def logs(self) -> list[Path]:
        """The login node's, and the agents' on each machine."""
        return [self.folder, self.bed.folder]

    def on_machine(self, name: str) -> list[processes.Process]:
        """All processes of a machine."""
        pid = self.bed.machines[name]["pid"]
        return processes.descendants([pid] if pid else [])

    def agents(self, *names: str) -> list[processes.Process]:
        """The agents of these machines, or of all, without the stepds of their jobs."""
        inside = [p for name in names or self.tables for p in self.on_machine(name)]
        return [p for p in inside if "agent-" in p.command and "serve" in p.command and p.name != "msstepd"]

    def stepds(self, name: str) -> list[processes.Process]:
        """The stepds of a machine whose script is running."""
        return [p for p in self.on_machine(name) if p.name == "msstepd" and "[" in p.command]

    def sessions(self, name: str) -> list[processes.Process]:
        """The sshd processes of a machine that serve connections."""
        found = [p for p in self.on_machine(name) if p.name.startswith("sshd")]
        servers = {p.pid for p in found}
        return [p for p in found if p.parent in servers]

    def strays(self) -> list[processes.Process]:
        """Also what jobs left behind on the machines, where no stepd looks after it."""
        now = processes.everything()
        pids = [machine["pid"] for machine in self.bed.machines.values() if machine["pid"]]
        inside = processes.descendants(pids, now)
        kept = {p.pid for p in processes.descendants([p.pid for p in inside if p.name == "msstepd"], now)}
        jobs = {p.pid for p in processes.mentioning(Path("MINI_SLURM_ATTEMPT="))}
        return [*super().strays(), *(p for p in inside if p.pid in jobs - kept)]

    def end_machines(self) -> None:
        """Pull the power of each."""
        self.bed.down()
