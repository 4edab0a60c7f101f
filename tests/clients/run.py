"""Runs the tests of the clients that are named, or of all, and prints a table of them: scripts/test-clients."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.clients import beside, own
from tests.clients.environments import HERE

USAGE = """\
usage: test-clients [CLIENT ...]            the tests of these clients, or of all, and a table of them
       test-clients --own [CLIENT ...]      tests that their authors run against a live Slurm
       test-clients --beside [CLIENT ...]   times on a fleet and on a real Slurm, in turns
clients:"""


class Table:
    """What became of the tests of each client."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        self.seconds: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test, its setup or its end."""
        client = _client(report.nodeid)
        self.seconds[client] += report.duration
        if report.when == "call" or report.outcome != "passed":
            self.counts.setdefault(client, Counter())[report.outcome] += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print it."""
        terminalreporter.write_sep("-", "clients")
        terminalreporter.write_line(f"{'client':24} {'version':12} passed failed seconds")
        for client, counts in sorted(self.counts.items()):
            line = f"{client:24} {version(client):12} {counts['passed']:6} {counts['failed']:6}"
            terminalreporter.write_line(f"{line} {self.seconds[client]:7.0f}")


def _client(node: str) -> str:
    """The client that a test is about, by the folder it is in or by its parameter."""
    path, _, name = node.partition("::")
    folder = Path(path).parent.name
    if folder != HERE.name:
        return folder
    client = name.partition("[")[2].rstrip("]")
    return client if (HERE / client / "requirements.txt").exists() else "all"


def version(client: str) -> str:
    """Of the client itself, the first in its requirements."""
    path = HERE / client / "requirements.txt"
    return path.read_text().splitlines()[0].partition("==")[2] if path.exists() else ""


def main(clients: Sequence[str]) -> int:
    """Exit status: pytest's."""
    if clients and clients[0] in ("-h", "--help"):
        print(USAGE, *sorted(path.parent.name for path in HERE.glob("*/requirements.txt")))
        return 0
    for option, module in (("--own", own), ("--beside", beside)):
        if clients[:1] == [option]:
            return module.main(clients[1:])
    unknown = [client for client in clients if not (HERE / client / "requirements.txt").exists()]
    if unknown:
        print(f"test-clients: there is no client {unknown[0]}: tests/clients/ has a folder for each", file=sys.stderr)
        return 2
    os.environ["MINI_SLURM_CLIENTS"] = " ".join(clients) or "all"
    return int(pytest.main(["-q", str(HERE)], plugins=[Table()]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
