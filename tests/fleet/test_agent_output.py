"""Output on its way from the job to the submit side: whole, in order, once, and never in the way."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mini_slurm.agent.outlet import WINDOW
from mini_slurm.protocol.messages import Acknowledge, EndAttempt, Ended, Output, Ping, Pong, Started
from tests.fleet.agent_client import Client, attempt_of, wanted
from tests.waiting import wait_until

Connect = Callable[..., Client]
MIXED = """
python3 - <<'P'
import os
for i in range(2000):
    os.write(1 + (i * i // 3 + i // 7) % 2, b"%d\\n" % i)
P
"""


def test_the_order_of_writes_to_both_streams_is_known(client: Client) -> None:
    client.run(MIXED)
    assert client.merged[attempt_of(1)].decode().split() == [str(i) for i in range(2000)]


def test_the_order_of_a_shells_lines_is_known(client: Client) -> None:
    client.run("for i in {1..50}; do echo a$i; echo b$i >&2; echo c$i; done")
    assert client.merged[attempt_of(1)].decode().split() == [f"{x}{i}" for i in range(1, 51) for x in "abc"]


def test_merged_streams_are_one_file_in_order(client: Client) -> None:
    ended, out, err = client.run("echo a; echo b >&2; echo c", streams="merged")
    assert (out, err, ended.sizes) == ("a\nb\nc\n", "", {"out": 6})


@pytest.mark.parametrize("streams", ["ordered", "split", "merged"])
def test_there_are_files_for_what_was_written_alone(client: Client, streams: str) -> None:
    for number, script in enumerate(("true", "echo a"), 1):
        client.send(wanted(attempt_of(number), script, streams=streams))
    ended = {client.wait(Ended).attempt for _ in range(2)}
    assert ended == {attempt_of(1), attempt_of(2)}
    silent, speaking = (client.spool / "attempts" / attempt_of(number) for number in (1, 2))
    assert not any((silent / name).exists() for name in ("out", "err", "order"))
    assert (speaking / "out").read_text() == "a\n"
    assert not (speaking / "err").exists()


def frame(text: bytes) -> bytes:
    return len(text).to_bytes(4, "big") + bytes(4) + text


@pytest.mark.parametrize("streams", ["ordered", "split", "merged"])
def test_a_stream_can_be_opened_by_its_path(client: Client, streams: str) -> None:
    _, out, err = client.run("echo a > /dev/stdout; echo b >> /dev/stderr; echo c > /dev/fd/1", streams=streams)
    assert sorted((out + err).split()) == ["a", "b", "c"]


@pytest.mark.parametrize("streams", ["ordered", "split"])
def test_five_megabytes_arrive_whole(client: Client, streams: str) -> None:
    ended, out, _ = client.run("seq 1 800000; seq 1 10 >&2", streams=streams)
    assert len(out) == ended.sizes["out"] > 5_000_000
    assert out == "".join(f"{i}\n" for i in range(1, 800_001))


def test_unacknowledged_output_stays_within_the_window(client: Client) -> None:
    client.send(wanted(attempt_of(1), "head -c 5000000 /dev/zero", streams="split"))
    client.wait(Started, attempt_of(1))
    client.wait(Ended, attempt_of(1))
    name = (attempt_of(1), "out")
    while len(client.files.get(name, b"")) < WINDOW:
        assert client.receive()
    client.send(Ping(1))
    client.wait(Pong)
    assert len(client.files[name]) == WINDOW


def test_a_slow_reader_holds_up_nobody_else(make_client: Connect, tmp_path: Path) -> None:
    slow = make_client("slow")
    for number in range(4):
        slow.send(wanted(f"slow.{number}.0", "head -c 3000000 /dev/zero; echo end >&2", streams="split"))
    quick = make_client("quick")
    assert quick.run("echo hello")[1] == "hello\n"
    for number in range(4):
        ended, out, err = slow.finish(f"slow.{number}.0")
        assert (len(out), err, ended.exit_code) == (3_000_000, "end\n", 0)


def test_output_goes_on_where_it_was_acknowledged(make_client: Connect) -> None:
    first = make_client()
    first.send(
        wanted(attempt_of(1), "for i in {1..20000}; do echo $i; [ $((i % 100)) = 0 ] && echo e$i >&2; done; true")
    )
    first.wait_for_text(attempt_of(1), "100\n")
    have = {stream: len(data) for (_, stream), data in first.files.items()}
    for stream, size in have.items():
        first.send(Acknowledge(attempt_of(1), stream, size))
    first.send(Ping(1))
    first.wait(Pong)
    first.close()
    second = make_client(greet=False)
    second.files, second.merged = first.files, first.merged
    for stream, size in have.items():
        second.files[(attempt_of(1), stream)] = second.files[(attempt_of(1), stream)][:size]
    second.greet()
    _, out, err = second.finish(attempt_of(1))
    assert out == "".join(f"{i}\n" for i in range(1, 20_001))
    assert err == "".join(f"e{i}\n" for i in range(100, 20_001, 100))
    want = [word for i in range(1, 20_001) for word in ([str(i), f"e{i}"] if i % 100 == 0 else [str(i)])]
    assert second.merged[attempt_of(1)].decode().split() == want


def test_acknowledged_output_is_not_sent_again(make_client: Connect) -> None:
    first = make_client()
    first.send(wanted(attempt_of(1), "echo one; echo two"))
    first.wait(Ended, attempt_of(1))
    first.wait_for_text(attempt_of(1), "two\n")
    first.acknowledge()
    first.send(Ping(1))
    first.wait(Pong)
    first.close()
    second = make_client()
    ended = second.wait(Ended, attempt_of(1))
    second.send(Ping(2))
    second.wait(Pong)
    assert ended.sizes["out"] == 8
    assert not second.files


def test_a_new_connection_takes_the_place_of_the_old_one(make_client: Connect) -> None:
    first, second = make_client(), make_client()
    assert second.run("echo here")[1] == "here\n"
    assert first.process.wait(30) == 0


def test_two_state_folders_see_their_own_attempts_only(make_client: Connect) -> None:
    one, two = make_client("one"), make_client("two")
    one.send(wanted("one.1.0", "sleep 1000"))
    one.wait(Started, "one.1.0")
    assert two.run("echo two")[1] == "two\n"
    assert make_client("two").welcome.attempts == []
    assert not [message for message in two.inbox if not isinstance(message, Output)]
    one.send(EndAttempt("one.1.0", 0))
    one.finish("one.1.0")


@pytest.mark.parametrize(
    "data",
    [b"\xff" * 64, frame(b"[]"), frame(b'["Forget","other.1.0"]'), frame(b'["Forget","s1/../x.1.0"]')],
    ids=["noise", "empty", "another's", "outside"],
)
def test_a_wrong_frame_ends_the_connection_and_not_the_agent(make_client: Connect, data: bytes) -> None:
    good, bad = make_client("good"), make_client("s1")
    bad._write(data)
    assert bad.process.wait(30) == 0
    assert good.run("echo fine")[1] == "fine\n"


def test_a_flood_is_faster_than_fifty_megabytes_a_second_would_need(client: Client) -> None:
    size = 30_000_000
    client.send(wanted(attempt_of(1), f"head -c {size} /dev/zero | cat"))
    client.wait(Started, attempt_of(1))
    began = time.monotonic()
    out = client.spool / "attempts" / attempt_of(1) / "out"
    wait_until(lambda: out.exists() and os.path.getsize(out) == size, "the end of the flood", logs=[client.spool])
    spent = time.monotonic() - began
    assert spent < 15, f"{size / spent / 1e6:.0f} MB/s"
