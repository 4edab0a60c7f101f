"""msrun and msalloc in tests: started, spoken to, and watched while they run."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fleet.machines import LoginNode, Machines
from tests.waiting import wait_until

COUNT = "n=0; while [ ! -e {gate} ]; do echo $n; n=$((n + 1)); sleep 0.02; done; echo end; exit 7"


class Front:
    """One that runs; its output goes to files, which tests look at while it grows."""

    def __init__(self, fleet: LoginNode, process: subprocess.Popen[bytes], out: Path, err: Path) -> None:
        self.fleet = fleet
        self.process = process
        self._out = out
        self._err = err

    @property
    def out(self) -> str:
        """What it has printed."""
        return self._out.read_text()

    @property
    def err(self) -> str:
        """What it has said."""
        return self._err.read_text()

    def shows(self, text: str) -> None:
        """Wait until this is part of the output, or of what it says."""
        wait_until(lambda: text in self.out + self.err, f"{text!r}", seconds=30, logs=[*self.fleet.logs, self._err])

    def end(self, seconds: float = 60) -> int:
        """Its exit status, when it has ended."""
        return self.process.wait(seconds)


@contextmanager
def started(fleet: LoginNode, *words: str, **variables: str) -> Iterator[Front]:
    """A command that runs; killed at the end of the block, if it still does."""
    number = len(list(fleet.folder.glob("front-*.out")))
    out, err = (fleet.folder / f"front-{number}.{name}" for name in ("out", "err"))
    with open(out, "wb") as output, open(err, "wb") as errors:
        process = subprocess.Popen(
            words,
            env={**fleet.environment, **variables},
            cwd=fleet.work,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
    try:
        yield Front(fleet, process, out, err)
    finally:
        process.kill()
        process.wait()


def held(fleet: Machines) -> int:
    """How many CPUs the claims of all machines hold."""
    return sum(
        len(json.loads(claim.read_text())["cpus"])
        for machine in fleet.machines.values()
        for claim in machine.claims.glob("*")
        if ".spare-" not in claim.name
    )


def all_is_given_back(fleet: Machines) -> None:
    """Wait until no machine holds anything, and no lock is left behind."""
    wait_until(lambda: not held(fleet), "the claims to be given back", logs=fleet.logs)
    wait_until(lambda: not os.listdir(fleet.state / "fronts"), "the locks to be gone", logs=fleet.logs)


def counted(text: str) -> None:
    """All numbers, each once and in order, and the last line."""
    *numbers, last = text.splitlines()
    assert last == "end"
    assert numbers == [str(number) for number in range(len(numbers))]
