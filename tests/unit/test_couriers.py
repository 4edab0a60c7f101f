"""controller/couriers.py: an answer waits for whoever has the database's connection for himself."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from mini_slurm.controller.couriers import Couriers
from mini_slurm.store import database, foreign


def test_an_answer_that_comes_within_another_transaction_is_not_lost(tmp_path: Path) -> None:
    """The controller's own transaction stays open while the disk writes."""
    tmp_path.chmod(0o700)
    db = database.open_database(str(tmp_path))
    with database.transaction(db):
        number = foreign.ask(db, "far", 1e12, json.dumps({"words": ["true"]}))

    async def answered() -> str | None:
        alone = asyncio.Lock()
        couriers = Couriers(db, alone, dict, lambda: None)
        couriers.look()
        async with alone:
            with database.transaction(db):
                for _ in range(5):
                    await asyncio.sleep(0)
        while couriers.is_busy:
            await asyncio.sleep(0)
        return foreign.take_answer(db, number)

    assert "has no host" in (asyncio.run(asyncio.wait_for(answered(), 10)) or "")
