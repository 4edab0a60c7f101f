"""How long do 1,000 small files take to a job's folder on a machine over SSH, and how long the same files again?

And how much of a large file travels of which a little has changed?
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.measure import fleet
from mini_slurm.controller.stage_in import StageIn
from mini_slurm.controller.stager import Talk
from mini_slurm.links.ssh import SshLink
from mini_slurm.model.staging import Plan
from mini_slurm.staging.snapshot import Snapshots
from tests.fleet.machines import Machines

FILES, SIZE = 1000, 10_000  # of 10,000 bytes each
RUNS = 5
AS_RSYNC, AGAIN = 3.0, 0.5  # times rsync, seconds
LARGE, NEW, MOST = 200_000_000, 1000, 2_000_000  # bytes of a file, new ones in its middle, that may travel
LIMIT = 1 << 30  # bytes that the machine may keep


def main() -> list[dict[str, object]]:
    """Medians: rsync -a to an empty folder, a snapshot to a machine that has none of it, and the same once more."""
    with fleet(node1={"cpus": 4, "memory": "4000M"}) as made:
        rsync, first, again = asyncio.run(_measure(made))
        travelled, seconds = asyncio.run(_change(made))
    return [
        {"what": "1,000 new files (10 MB) as a snapshot: taken, sent, in the job's folder", "value": first,
         "measured": f"{first:.2f} s, {first / rsync:.1f} x `rsync -a` over ssh ({rsync:.2f} s)",
         "limit": f"at most {AS_RSYNC:g} x", "good": first <= AS_RSYNC * rsync},
        {"what": "the same, unchanged, for the next job", "value": again, "measured": f"{again:.2f} s",
         "limit": f"at most {AGAIN:g} s", "good": again <= AGAIN},
        {"what": "a file of 200 MB with 1,000 new bytes in its middle and 4 more in front", "value": travelled,
         "measured": f"{travelled / 1e6:.2f} MB sent, {seconds:.1f} s", "limit": f"at most {MOST / 1e6:g} MB",
         "good": travelled <= MOST},
    ]  # fmt: skip


async def _measure(made: Machines) -> tuple[float, float, float]:
    link = SshLink(made.entry("node1"), ssh_config=str(made.ssh_config))
    await link.open()  # the controller has this connection anyway
    seconds: tuple[list[float], ...] = ([], [], [])
    with ThreadPoolExecutor(3) as threads:
        for number in range(RUNS):
            code = _make_files(made.folder / f"code{number}")
            seconds[0].append(_rsync(made, code, f"copy{number}"))
            for run in (1, 2):
                seconds[run].append(await _stage(made, link, threads, code, f"bench.{number}.{run}"))
    await link.close()
    rsync, first, again = map(statistics.median, seconds)
    return rsync, first, again


def _make_files(folder: Path) -> Path:
    for number in range(FILES):
        path = folder / f"part{number % 20}" / f"file{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(SIZE))
    return folder


def _rsync(made: Machines, code: Path, name: str) -> float:
    begin = time.perf_counter()
    words = ["rsync", "-a", "-e", f"ssh -F {made.ssh_config}", f"{code}/", f"node1:{made.folder}/{name}"]
    subprocess.run(words, env=made.environment, check=True, stdin=subprocess.DEVNULL)
    return time.perf_counter() - begin


async def _stage(made: Machines, link: SshLink, threads: ThreadPoolExecutor, code: Path, attempt: str) -> float:
    begin = time.perf_counter()
    made.state.mkdir(mode=0o700, exist_ok=True)
    snapshots = Snapshots(str(made.state))
    name, root = await asyncio.to_thread(snapshots.take, str(code), "dir")
    talk = Talk(await link.open_stager(), "node1")
    await talk.greet(attempt, LIMIT, [attempt])
    await StageIn(Plan(root, snapshot=name), snapshots, threads, lambda done, total: None).run(talk)
    seconds = time.perf_counter() - begin
    await talk.send("drop")  # the job is over
    await talk.hear("dropped", 0)
    await talk.close()
    return seconds


class Counted(Talk):
    """A talk that counts the bytes that are sent."""

    total = 0

    async def send_frame(self, frame: bytes) -> None:
        """Count, and send."""
        self.total += len(frame)
        await super().send_frame(frame)


async def _change(made: Machines) -> tuple[int, float]:
    """Bytes sent and seconds for a large file, once the machine has what it was before."""
    link = SshLink(made.entry("node1"), ssh_config=str(made.ssh_config))
    await link.open()
    folder = made.folder / "large"
    folder.mkdir()
    data = os.urandom(LARGE)
    with ThreadPoolExecutor(3) as threads:
        (folder / "file").write_bytes(data)
        await _stage(made, link, threads, folder, "bench.large.1")
        middle = LARGE // 2
        (folder / "file").write_bytes(b"more" + data[:middle] + os.urandom(NEW) + data[middle + NEW :])
        begin = time.perf_counter()
        snapshots = Snapshots(str(made.state))
        name, root = await asyncio.to_thread(snapshots.take, str(folder), "dir")
        talk = Counted(await link.open_stager(), "node1")
        await talk.greet("bench.large.2", LIMIT, ["bench.large.2"])
        await StageIn(Plan(root, snapshot=name), snapshots, threads, lambda done, total: None).run(talk)
        seconds = time.perf_counter() - begin
        await talk.close()
    await link.close()
    return talk.total, seconds
