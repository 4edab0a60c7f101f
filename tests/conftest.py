"""What holds for all tests: none of them leaves a process behind."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.fleet import processes
from tests.waiting import PAUSE

settings.register_profile("unhurried", deadline=None)  # a busy machine is no fault of an example
settings.load_profile("unhurried")

PASSING = 10.0  # seconds that what is just ending may take


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """At the end no process may have to do with a folder of these tests."""
    yield
    folder = tmp_path_factory.getbasetemp()
    end = time.monotonic() + PASSING
    while (left := processes.mentioning(folder)) and time.monotonic() < end:
        time.sleep(PAUSE)
    processes.kill(left)
    assert not left, "left behind:\n" + "\n".join(map(str, left))
