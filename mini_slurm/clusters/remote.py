"""Calls on a cluster's login node: a row in the store, which the controller answers over its one connection there."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable

from mini_slurm.clusters.base import Answer, Call, Lost, NotMade
from mini_slurm.clusters.local import DROPPED
from mini_slurm.errors import Refused
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.store import foreign
from mini_slurm.store.database import transaction

# variables of the user's that the commands there are to get, too: options by another way
PASSED = ("SBATCH_", "SCANCEL_", "SINFO_", "SQUEUE_")
PATIENCE = 600.0  # seconds for an answer
FIRST_PAUSE, LONGEST_PAUSE = 0.003, 0.05  # seconds between two looks for it


class RemoteRunner:
    """Runs a cluster's commands on its login node."""

    remote = True

    def __init__(self, db: sqlite3.Connection, entry: ClusterEntry, wake: Callable[[], None]) -> None:
        self._db = db
        self._entry = entry
        self._wake = wake

    def run(self, call: Call) -> Answer:
        """Run it to its end. Raises NotMade, Lost, and Refused where there is no such program."""
        with transaction(self._db):
            number = foreign.ask(self._db, self._entry.name, time.time(), json.dumps(order(self._entry, call)))
        self._wake()
        answer = json.loads(self._wait(number))
        if answer.get("missing"):
            raise Refused(
                f"cluster {self._entry.name}: {answer['fault']} of {self._entry.host}",
                hint=f"set folder in [clusters.{self._entry.name}] of the fleet file",
            )
        if "fault" in answer:
            kind = NotMade if answer.get("clear") else Lost
            raise kind(f"cluster {self._entry.name}: {answer['fault']}", hint=answer.get("hint", ""))
        return Answer(answer["code"], answer["out"].encode("latin-1"), answer["err"].encode("latin-1"))

    def _wait(self, number: int) -> str:
        pause, end = FIRST_PAUSE, time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = foreign.take_answer(self._db, number)
            if found is not None:
                return found
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE)
        raise Lost(f"cluster {self._entry.name}: no answer within {PATIENCE:g} seconds")


def order(entry: ClusterEntry, call: Call) -> dict[str, object]:
    """A call as it travels; `there.py` reads it."""
    passed = {name: value for name, value in os.environ.items() if name.startswith(PASSED) and name not in DROPPED}
    script = call.script and (call.script.name, call.script.data.decode("latin-1"), call.script.arguments)
    return {
        "words": call.words,
        "stdin": call.stdin.decode("latin-1"),
        "script": script,
        "folder": call.folder,
        "programs": entry.folder,
        "variables": {**passed, **entry.environment, **call.variables},
        "dropped": DROPPED,
        "once": call.once,
    }
