"""The bootstrap's relay between sshd and the agent: bytes come whole, however the kernel lets them be handed on."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from mini_slurm.agent import archive
from tests.waiting import wait_until

SIZE = 8 << 20  # bytes, more than any buffer on the way holds
PATIENCE = 20.0  # seconds
KINDS = (("socket", "pipe"), ("pipe", "socket"), ("socket", "socket"))  # some sshds make sockets for a command


class Way(NamedTuple):
    """What is written into `entrance` is carried from `source` to `target`, and read from `exit`."""

    entrance: int
    source: int
    target: int
    exit: int


@pytest.fixture
def carry() -> Callable[[int, int], None]:
    """The bootstrap's function; as it is sent as source, it ends with a call of its own main()."""
    source = Path(archive.__file__).with_name("bootstrap.py").read_text()
    functions: dict[str, Any] = {}
    exec(compile(source.rpartition("main(sys.stdin.buffer)")[0], "bootstrap", "exec"), functions)
    found: Callable[[int, int], None] = functions["carry"]
    return found


@pytest.fixture
def make_way() -> Iterator[Callable[[str, str], Way]]:
    """Ways of these kinds; their ends are closed with the test."""
    made: list[int] = []

    def make(source: str, target: str) -> Way:
        entrance, first = _pair(source)
        second, last = _pair(target)
        made.extend((entrance, first, second, last))
        return Way(entrance, first, second, last)

    yield make
    for descriptor in made:
        with suppress(OSError):
            os.close(descriptor)


def _pair(kind: str) -> tuple[int, int]:
    """Descriptors: what is written into the first one comes out of the other."""
    if kind == "pipe":
        reader, writer = os.pipe()
        return writer, reader
    one, other = socket.socketpair()
    return one.detach(), other.detach()


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.close(descriptor)


def _closing(carry: Callable[[int, int], None], way: Way) -> None:
    with suppress(ConnectionError):
        carry(way.source, way.target)
    os.close(way.target)


@pytest.mark.parametrize("spliced", [True, False], ids=["in the kernel", "copied"])
@pytest.mark.parametrize(("source", "target"), KINDS)
def test_megabytes_come_whole_and_their_end_too(
    carry: Callable[[int, int], None],
    make_way: Callable[[str, str], Way],
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    target: str,
    spliced: bool,
) -> None:
    if not spliced:
        monkeypatch.delattr(os, "splice", raising=False)  # Python 3.9
    way, sent, came = make_way(source, target), os.urandom(SIZE), bytearray()
    threads = [
        threading.Thread(target=_write_all, args=(way.entrance, sent), daemon=True),
        threading.Thread(target=_closing, args=(carry, way), daemon=True),
    ]
    for thread in threads:
        thread.start()
    while data := os.read(way.exit, 1 << 15):
        came += data
    for thread in threads:
        thread.join(PATIENCE)
    assert came == sent


@pytest.mark.parametrize(("source", "target", "asked"), [("socket", "pipe", "exit"), ("pipe", "socket", "entrance")])
def test_sshd_does_not_wait_while_the_relay_does(
    carry: Callable[[int, int], None], make_way: Callable[[str, str], Way], source: str, target: str, asked: str
) -> None:
    """Each way the relay waits for the agent, and sshd, which has one thread for both ways, looks at its pipe."""
    way = make_way(source, target)
    descriptor = getattr(way, asked)
    os.set_blocking(descriptor, False)
    with ExitStack() as stack:
        relay = threading.Thread(target=_closing, args=(carry, way), daemon=True)
        relay.start()
        stack.callback(relay.join, PATIENCE)
        stack.callback(os.close, way.exit if asked == "entrance" else way.entrance)  # lets the relay end
        looks: list[bool] = []
        sshd = threading.Thread(target=_look_until_it_would_wait, args=(descriptor, asked, looks), daemon=True)
        sshd.start()
        wait_until(lambda: len(looks) >= 100, "sshd to have looked at its pipe a hundred times", seconds=PATIENCE)
    sshd.join(PATIENCE)


def _look_until_it_would_wait(descriptor: int, asked: str, looks: list[bool]) -> None:
    """Fill the way, or find it empty; then look again and again, as sshd does when something else has come."""
    while len(looks) < 100:
        try:
            if asked == "entrance":
                os.write(descriptor, bytes(1 << 15))
            else:
                os.read(descriptor, 1 << 15)
        except BlockingIOError:
            looks.append(True)
            threading.Event().wait(0.001)
