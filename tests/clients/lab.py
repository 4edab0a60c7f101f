"""What the clients run against: a fleet over SSH, and Slurm's names for its commands first on PATH."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.clients.environments import HERE, environment
from tests.fleet import processes
from tests.fleet.machines import Machines

NODES = {name: {"cpus": 4, "memory": "4000M"} for name in ("node1", "node2")}
SETTINGS = {"requeue_delay": 1, "submit_from_jobs": True}


class Lab:
    """A login node where a client is installed."""

    def __init__(self, fleet: Machines) -> None:
        self.fleet = fleet
        self.shims = fleet.folder / "shims"
        done = fleet.run("mini-slurm", "shims", str(self.shims))
        assert done.returncode == 0, done.stderr

    def plain_environment(self, client: str) -> dict[str, str]:
        """Of a shell in which the client's environment is active, but Slurm's names lead nowhere yet."""
        theirs = self.fleet.environment
        return {**theirs, "PATH": f"{environment(client) / 'bin'}:{theirs['PATH']}"}

    def environment(self, client: str) -> dict[str, str]:
        """The same with Slurm's names first on PATH."""
        plain = self.plain_environment(client)
        return {**plain, "PATH": f"{self.shims}:{plain['PATH']}"}

    def folder(self, client: str) -> Path:
        """Where the client works."""
        folder = self.fleet.work / client
        folder.mkdir(exist_ok=True)
        return folder

    def run(self, client: str, *words: str, seconds: float = 120, **more: Any) -> subprocess.CompletedProcess[str]:
        """A command in that shell."""
        return self.fleet.run(*words, seconds=seconds, env=self.environment(client), cwd=self.folder(client), **more)

    def program(self, client: str, name: str, *words: str, seconds: float = 120) -> Any:
        """What a program beside the client's tests found out: the JSON of its last line."""
        return findings(self.run(client, "python", str(HERE / client / name), *words, seconds=seconds))

    def start(self, client: str, name: str) -> subprocess.Popen[str]:
        """Start such a program, which goes on while others do."""
        return subprocess.Popen(
            ["python", str(HERE / client / name)],
            env=self.environment(client),
            cwd=self.folder(client),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def slurm(self, *words: str) -> str:
        """What one of Slurm's commands prints; it must not fail."""
        path = {"PATH": f"{self.shims}:{self.fleet.environment['PATH']}"}
        done = self.fleet.run(*words, env={**self.fleet.environment, **path})
        assert (done.returncode, done.stderr) == (0, ""), (words, done.stdout, done.stderr)
        return done.stdout


@contextmanager
def started(folder: Path, *, by_address: bool = False, **settings: Any) -> Iterator[Lab]:
    """Two machines; `by_address`: nodes are called by addresses, as nobody can look their names up.

    `settings`: more of the fleet file's table [fleet], and the partition's name.
    """
    fleet = Machines(folder / "fleet")
    try:
        for number, (name, table) in enumerate(NODES.items(), start=1):
            fleet.add(name, **table, **({"address": f"127.0.0.{number}"} if by_address else {}))
        # ssh_config: batchspawner gives the account's own HOME to commands, the test's user has another
        names = "address" if by_address else "name"
        fleet.write_fleet(**{**SETTINGS, **settings}, node_names=names, ssh_config=str(fleet.ssh_config))
        yield Lab(fleet)
    finally:
        # radical.saga leaves the shells behind that it speaks to
        processes.kill([one for one in fleet.strays() if one.command.split()[-2:] == ["/usr/bin/sh", "-i"]])
        fleet.close()


def findings(done: subprocess.CompletedProcess[str]) -> Any:
    """What a program that ended has printed last."""
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])
