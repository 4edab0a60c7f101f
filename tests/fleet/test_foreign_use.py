"""GPUs that people use by hand, GPUs that jobs share, and what jobs make of theirs: real agents, a stand-in's GPUs."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mini_slurm.protocol.messages import Outside, Refused, Started, Watch
from tests.fleet import sshd
from tests.fleet.agent_client import OTHER, STATE, Client, attempt_of, end_everything, wanted
from tests.fleet.machines import Machines
from tests.waiting import wait_until

Connect = Callable[..., Client]
GPU0, GPU1 = (f"GPU-{index:08d}-0000-0000-0000-000000000000" for index in range(2))
HALF = ("a100", 40960, 81920)


@pytest.fixture
def somebody() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is nobody's job."""
    process = subprocess.Popen(["sleep", "1000"])
    yield process
    assert process.poll() is None, "what is not ours was ended"
    process.kill()
    process.wait()


@pytest.fixture
def gpus(tmp_path: Path) -> Path:
    """The folder of a program that tells of two GPUs, and where a file `gpu-use` says who uses them."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "nvidia-smi"
    program.write_text("#!/usr/bin/env python3\n" + sshd.NVIDIA_SMI.read_text().replace("COUNT = 1", "COUNT = 2"))
    program.chmod(0o755)
    return folder


@pytest.fixture
def agents(make_client: Connect, gpus: Path, tmp_path: Path) -> Iterator[tuple[Client, Client]]:
    """Two agents of one machine that know nothing of each other but their claims."""
    common = {"MINI_SLURM_CLAIMS": str(tmp_path / "claims"), "PATH": f"{gpus}:/usr/local/bin:/usr/bin:/bin"}
    clients = [make_client(STATE, environment=common)]
    folder = tmp_path / "other"
    clients.append(make_client(OTHER, environment={**common, "MINI_SLURM_SPOOL": str(folder)}))
    clients[1].spool = folder
    yield clients[0], clients[1]
    end_everything(folder)


def start(client: Client, number: int, **changes: object) -> list[str]:
    """The GPUs that a new attempt got."""
    name = f"{client.state}.{number}.0"
    client.send(wanted(name, "sleep 1000", **changes))
    return client.wait(Started, name).gpu_ids


def refusal(client: Client, number: int, **changes: object) -> Refused:
    name = f"{client.state}.{number}.0"
    client.send(wanted(name, "sleep 1000", **changes))
    return client.wait(Refused, name)


def test_agents_that_do_not_know_each_other_share_a_gpu_and_never_give_more_than_it_has(
    agents: tuple[Client, Client],
) -> None:
    one, other = agents
    assert start(one, 1, shares=[HALF]) == [GPU0]
    assert start(other, 1, shares=[("", 1, 2)]) == [GPU0]
    assert start(other, 2, shares=[("a100", 1, 4)]) == [GPU1]
    assert start(one, 2, shares=[HALF]) == [GPU1]
    assert refusal(other, 3, shares=[HALF]).busy
    assert refusal(one, 3, gpus={"": 1}).busy
    assert not refusal(one, 4, shares=[("t4", 1, 4)]).busy
    assert start(other, 4, shares=[("a100", 1, 4)]) == [GPU1]


def test_a_gpu_in_use_by_hand_is_told_and_not_handed_out(
    agents: tuple[Client, Client], gpus: Path, somebody: subprocess.Popen[bytes]
) -> None:
    one, _ = agents
    (gpus / "gpu-use").write_text(f"0 {somebody.pid} 5000\n1 {somebody.pid} 50\n")
    one.send(Watch(1.0, 100, [], 0.0))
    seen = one.wait(Outside)
    [use] = [use for use in seen.uses if use["gpu"]]
    assert (use["pid"], use["command"], use["gpu"], use["gpu_memory"]) == (somebody.pid, "sleep", GPU0, 5000)
    assert seen.blocked == {"a100": 1}
    assert start(one, 1, gpus={"": 1}) == [GPU1]
    assert refusal(one, 2, gpus={"": 1}).busy
    assert refusal(one, 3, shares=[HALF]).busy
    one.send(Watch(1.0, 100, ["sleep"], 0.0))
    assert not one.wait(Outside).blocked
    assert start(one, 4, shares=[HALF]) == [GPU0]


def test_a_job_whose_gpus_do_nothing_is_named_until_they_compute(agents: tuple[Client, Client], gpus: Path) -> None:
    one, other = agents
    start(one, 1, gpus={"": 1})
    other.send(Watch(1.0, 100, [], 1.5))
    one.send(Watch(1.0, 100, [], 1.5))
    assert not one.wait(Outside).idle
    assert one.wait(Outside).idle[attempt_of(1)] >= 1.5
    (gpus / "gpu-use").write_text("0 30\n")
    assert not one.wait(Outside).idle
    assert not any(isinstance(said, Outside) and said.idle for said in other.inbox)


@pytest.fixture
def fleet(machines: Callable[..., Machines]) -> Machines:
    """One machine with two GPUs of four shards each, looked at every second."""
    fleet = machines(node1={"gpus": 2, "cpus": 8, "memory": "2000M", "shards": 4})
    fleet.write_fleet(watch_interval=1)
    return fleet


def test_use_by_hand_is_shown_avoided_and_booked(fleet: Machines, somebody: subprocess.Popen[bytes]) -> None:
    used = fleet.machines["node1"].bin / "gpu-use"
    used.write_text(f"0 {somebody.pid} 4096\n")
    assert "gpu:2,shard:8" in fleet.run("msinfo", "-h", "-o", "%G").stdout

    def shown(*words: str) -> str:
        done = fleet.run(*words)
        assert done.returncode == 0, done.stderr
        return next((line for line in done.stdout.splitlines() if f" {somebody.pid} " in line), "")

    header, told = fleet.run("msinfo", "--limits").stdout.splitlines()
    assert header.split() == ["NODE", "HARD", "MEMORY", "CPUS", "GPUS"]
    assert told.startswith("node1 ") and told.split()[-2:] == ["affinity", "variable"]
    line = wait_until(lambda: shown("msinfo", "--foreign"), "the use to be shown", logs=fleet.logs)
    assert line.split()[:2] == ["node1", "0"] and " 4G " in line and line.endswith("sleep")
    script = "#!/bin/sh\necho $CUDA_VISIBLE_DEVICES $SLURM_SHARDS_ON_NODE\n"
    first = fleet.run("msbatch", "-W", "--gres=gpu:1", "-o", "first", input=script)
    assert first.returncode == 0, first.stderr
    assert (fleet.work / "first").read_text().split() == [GPU1]
    fleet.run("msbatch", "--gres=gpu:2", "-o", "second", input=script)
    wait_until(lambda: "Resources" in fleet.run("msqueue", "-h", "-t", "PD", "-o", "%r").stdout, "it to wait")
    used.write_text("")
    wait_until(lambda: (fleet.work / "second").exists() and (fleet.work / "second").read_text(), "it to run")
    assert (fleet.work / "second").read_text().split() == [f"{GPU0},{GPU1}"]
    assert " Unknown " not in wait_until(lambda: shown("msacct", "--foreign"), "the books", logs=fleet.logs)
    fleet.run("msbatch", "-W", "--gres=shard:2", "-o", "third", input=script)
    assert (fleet.work / "third").read_text().split() == [GPU0, "2"]


def test_peaks_of_a_job_are_booked(fleet: Machines) -> None:
    used = fleet.machines["node1"].bin / "gpu-use"
    script = f"#!/bin/sh\nprintf '0 %s 3072\\n0 87\\n' $$ > {used}\nuntil [ -e {fleet.work}/go ]; do sleep 0.1; done\n"
    fleet.run("msbatch", "--gres=gpumem:10G", input=script)
    measured = ("msstat", "-n", "-P", "-j", "1.batch", "-o", "TRESUsageInMax")
    wait_until(
        lambda: "gres/gpumem=3G,gres/gpuutil=87" in fleet.run(*measured).stdout, "the use to be seen", logs=fleet.logs
    )
    assert " 3G " not in fleet.run("msinfo", "--foreign").stdout
    (fleet.work / "go").touch()
    wait_until(lambda: not fleet.run("msqueue", "-h").stdout, "the job to end", logs=fleet.logs)
    booked = fleet.run("msacct", "-n", "-j", "1", "-P", "-o", "JobID,TRESUsageInMax,AllocTRES").stdout.splitlines()
    assert "gres/gpumem=10G" in booked[0]
    assert booked[1].startswith("1.batch|gres/gpumem=3G,gres/gpuutil=87|")
