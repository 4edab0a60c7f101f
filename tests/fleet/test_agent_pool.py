"""What agent and stepds say to each other."""

from __future__ import annotations

import os
import select
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from mini_slurm.agent.kit import DONE, NEWS, NOTICE, say
from mini_slurm.agent.pool import LARGEST, Pool
from tests.fleet.agent_client import Client

FACTS = {"script": 4711, "cpus": [0, 1], "begun": 1.5, "cause": ""}


@pytest.fixture
def pool() -> Any:
    made: Any = Pool(SimpleNamespace(later=lambda seconds, work: None), "boot", "")  # type: ignore[arg-type]
    yield made
    os.close(made.reader)
    os.close(made._notify)


def test_what_stepds_say_arrives_with_its_facts(pool: Pool) -> None:
    say(pool._notify, 12, NEWS, FACTS)
    say(pool._notify, 13, NEWS, None)
    say(pool._notify, 12, DONE, {"sizes": {"out": 5}})
    assert list(pool.notices()) == [(12, NEWS, FACTS), (13, NEWS, None), (12, DONE, {"sizes": {"out": 5}})]


def test_facts_that_do_not_fit_are_read_from_the_disk(pool: Pool) -> None:
    say(pool._notify, 12, DONE, {"rss": {str(task): task for task in range(5000)}})
    assert list(pool.notices()) == [(12, DONE, None)]


def test_a_notice_that_was_read_in_part_is_completed(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mini_slurm.agent.pool.NOTICES", NOTICE.size + 3)
    say(pool._notify, 12, NEWS, FACTS)
    say(pool._notify, 13, NEWS, None)
    said: list[Any] = []
    while len(said) < 2:
        said += pool.notices()
    assert said == [(12, NEWS, FACTS), (13, NEWS, None)]


def test_an_end_reaches_an_agent_that_was_busy(pool: Pool) -> None:
    filled = 0
    with pytest.raises(BlockingIOError):
        while True:
            filled += os.write(pool._notify, NOTICE.pack(1, NEWS, 0))
    say(pool._notify, 12, NEWS, FACTS)  # not waited for: it looks by itself
    teller = threading.Thread(target=say, args=(pool._notify, 12, DONE, FACTS))
    teller.start()
    said: list[Any] = []
    while not said or said[-1][1] != DONE:
        select.select([pool.reader], [], [], 20)  # the teller may be slower than the reader
        said += pool.notices()
    teller.join()
    assert said[-1] == (12, DONE, FACTS)
    assert len(said) == filled // NOTICE.size + 1


def test_an_agent_that_is_gone_is_not_waited_for(pool: Pool) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    say(writer, 12, DONE, FACTS)
    os.close(writer)


def test_an_environment_that_is_too_large_for_a_packet_arrives_by_the_spool(client: Client) -> None:
    environment = {"PATH": os.environ["PATH"], **{f"LARGE_{number}": "x" * (LARGEST // 2) for number in range(4)}}
    ended, out, err = client.run("printf %s%s%s%s $LARGE_0 $LARGE_1 $LARGE_2 $LARGE_3", environment=environment)
    assert (ended.exit_code, len(out), err) == (0, 2 * LARGEST, "")
