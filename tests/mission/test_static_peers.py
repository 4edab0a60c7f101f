"""Processes on all machines of a job that find each other by name and speak TCP: scripts written for a cluster."""

from __future__ import annotations

import re

from tests.fleet import jobs
from tests.mission import examples
from tests.mission.conftest import NODES, Lab

RANKS = [f"rank {rank} of 4 on {node}, 3 peers, {{}} GPUs, sum 10" for rank, node in enumerate(NODES)]


def lines(gpus: int, run: str = "alone") -> list[str]:
    """What the four ranks print."""
    return [f"{run}: {line.format(gpus)}" for line in RANKS]


def test_one_process_with_all_gpus_on_each_machine(lab: Lab) -> None:
    lab.place("slurm_benchmark.py")
    out = lab.complete(lab.submit(lab.place("static_peers_gpu.sh")))
    assert sorted(out.splitlines()) == [*lines(4), "module load cuda/12.0", "module load python/3.11"]


def test_peers_by_the_addresses_of_an_interface(lab: Lab) -> None:
    """The script asks for eight machines; there are four."""
    lab.place("slurm_benchmark.py")
    out = lab.complete(lab.submit("--nodes=4", lab.place("static_peers_ib.sh")))
    assert sorted(out.splitlines()) == lines(0)


def test_an_array_of_jobs_on_four_machines_each(lab: Lab) -> None:
    lab.place("slurm_benchmark.py")
    number = lab.submit(lab.place("static_peers_array.sh"))
    done = jobs.wait_over(lab.fleet, seconds=120)  # type: ignore[arg-type]
    tasks = [job for job in done if job.array_job_id == number]
    assert [job.state.name for job in tasks] == ["COMPLETED"] * 10
    for task in range(1, 11):
        text = (lab.folder / f"slurm-{number}_{task}.out").read_text()
        assert sorted(text.splitlines()) == lines(0, f"benchmark-run-{task}")


def test_commands_to_debug_connections(lab: Lab) -> None:
    script = lab.folder / lab.place("static_peers_debug.sh")
    script.write_text("#!/bin/bash\n" + script.read_text())
    (lab.folder / "home" / "asoc-protocol").mkdir(parents=True)
    number = lab.submit("--nodes=4", f"--export=ALL,HOME={lab.folder / 'home'}", script.name)
    out = lab.complete(number)
    assert out.count("netstat -tlnp: 9000\n") == 2
    assert "Directory listing for /" in out
    assert out.count("iptables -L: 9000\n") == 4
    assert set(re.findall(r"^ping -c 1 (.*): 9000$", out, re.M)) == {"node1", "node2"}
    assert f"JobId={number} JobName=static_peers_debug.sh\n" in out
    assert re.search(rf"^ +{number} +compute +static_p ", out, re.M)
    assert out.endswith(f"/tmp/{number}/asoc-protocol\n")


def test_the_page_does_what_it_says(lab: Lab) -> None:
    assert examples.follow(lab.fleet, "static_peers", lab.folder / "peers") == 10
