"""Calls on a cluster's login node: a row in the store, which the controller answers over its one connection there."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from mini_slurm.clusters.base import Answer, Call, Lost, NotMade, unheard
from mini_slurm.clusters.local import DROPPED
from mini_slurm.errors import Refused
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.store import foreign
from mini_slurm.store.database import transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.clusters.base import Hear

# variables of the user's that the commands there are to get, too: options by another way
PASSED = ("SBATCH_", "SCANCEL_", "SINFO_", "SQUEUE_")
PATIENCE = 600.0  # seconds for an answer
WAKE = 5.0  # seconds after which the controller is woken again: it may have been killed
FIRST_PAUSE, LONGEST_PAUSE = 0.003, 0.05  # seconds between two looks for it
FIRST_REST, LONGEST_REST = 1.0, 10.0  # seconds until what was not over yet is asked for again


class RemoteRunner:
    """Runs a cluster's commands on its login node."""

    remote = True

    def __init__(self, db: sqlite3.Connection, entry: ClusterEntry, wake: Callable[[], None]) -> None:
        self._db = db
        self._entry = entry
        self._wake = wake

    def run(self, call: Call, hear: Hear = unheard) -> Answer:
        """Run it to its end. Raises NotMade, Lost, and Refused where there is no such program."""
        body = order(self._entry, call)
        answer = self._ask(body)
        if answer.get("stays"):
            answer = self._stay({**body, "again": True, "script": None, "stdin": ""}, answer, hear)
        if answer.get("missing"):
            raise Refused(
                f"cluster {self._entry.name}: {answer['fault']} of {self._entry.host}",
                hint=f"set folder in [clusters.{self._entry.name}] of the fleet file",
            )
        if "fault" in answer:
            kind = NotMade if answer.get("clear") else Lost
            raise kind(f"cluster {self._entry.name}: {answer['fault']}", hint=answer.get("hint", ""))
        return Answer(answer["code"], answer["out"].encode("latin-1"), answer["err"].encode("latin-1"))

    def _stay(self, body: dict[str, object], answer: dict[str, Any], hear: Hear) -> dict[str, Any]:
        """Ask until it is over. Nobody waits over there meanwhile, and a way that breaks is tried until it is whole."""
        pause = FIRST_REST
        while answer.get("stays") or "fault" in answer:
            hear(answer.get("out", "").encode("latin-1"))
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_REST)
            with suppress(Lost):
                answer = self._ask(body)
        return answer

    def _ask(self, body: dict[str, object]) -> dict[str, Any]:
        with transaction(self._db):
            number = foreign.ask(self._db, self._entry.name, time.time(), json.dumps(body))
        found: dict[str, Any] = json.loads(self._wait(number))
        return found

    def _wait(self, number: int) -> str:
        pause, now = FIRST_PAUSE, time.monotonic()
        end, woken = now + PATIENCE, now - WAKE
        while now < end:
            if now - woken >= WAKE:
                self._wake()
                woken = now
            found = foreign.take_answer(self._db, number)
            if found is not None:
                return found
            time.sleep(pause)
            now = time.monotonic()
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
        "stays": call.patience is None,
    }
