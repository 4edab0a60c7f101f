"""Jobs of processes that find each other by Slurm's variables: JAX, Lightning."""

from __future__ import annotations

import json
from typing import Any

from tests.clients.environments import HERE
from tests.clients.lab import Lab


class Processes:
    """Jobs of one client's scripts; `job.sh` runs its `task.py` in four processes on two machines."""

    def __init__(self, lab: Lab, client: str) -> None:
        self._lab = lab
        self._client = client

    def submit(self, *words: str, options: tuple[str, ...] = (), script: str = "job.sh") -> str:
        """The number of a job; `words` are the processes' arguments."""
        path = HERE / self._client / script
        exported = f"--export=ALL,TASKS={path.parent}"
        done = self._lab.run(self._client, "sbatch", "--parsable", exported, *options, str(path), *words)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def end(self, number: str) -> list[str]:
        """The state of each of the job's tasks, once it has ended."""
        after = ("-o", "/dev/null", "-d", f"afterany:{number}", "--wrap", ":")
        self._lab.run(self._client, "sbatch", "-W", *after, seconds=200)
        return self._lab.slurm("sacct", "-nXP", "-o", "State", "-j", number).split("\n")[:-1]

    def text(self, name: str) -> str:
        """A job's output."""
        return (self._lab.folder(self._client) / f"{name}.txt").read_text()

    def count(self, name: str, word: str) -> int:
        """How often the word stands in a job's output so far."""
        path = self._lab.folder(self._client) / f"{name}.txt"
        return path.read_text().count(word) if path.exists() else 0

    def cancel(self, *words: str) -> None:
        """Call scancel."""
        self._lab.slurm("scancel", *words)

    def printed(self, name: str) -> Any:
        """What a job's processes found out together."""
        (found,) = [line.partition("FOUND ")[2] for line in self.text(name).splitlines() if "FOUND " in line]
        return json.loads(found)
