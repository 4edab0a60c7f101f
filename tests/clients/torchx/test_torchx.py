"""TorchX: the replicas of an application are the parts of a heterogeneous job."""

from __future__ import annotations

import re
import subprocess

from tests.clients.environments import HERE
from tests.clients.lab import Lab


def torchx(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    component = f"{HERE / 'torchx' / 'component.py'}:greet"
    return lab.run(
        "torchx", "torchx", "run", "--wait", "-s", "slurm", "-cfg", "partition=main,time=5", component, *words
    )


def test_an_application_runs_with_two_replicas(lab: Lab):
    done = torchx(lab)
    assert "Job finished: SUCCEEDED" in done.stderr, done.stderr
    [number] = re.findall(r"^slurm://torchx/(\d+)$", done.stdout, re.MULTILINE)
    for replica in range(2):
        assert (lab.folder("torchx") / f"slurm-{number}-greeter-{replica}.out").read_text() == f"greeting {number}\n"


def test_one_that_fails_is_reported_so(lab: Lab):
    done = torchx(lab, "--fails", "True")
    assert (done.returncode, "state: FAILED (5)" in done.stdout + done.stderr) == (1, True), done.stderr


def test_one_that_is_cancelled_is_told_in_the_list(lab: Lab):
    run = ("torchx", "run", "-s", "slurm", "-cfg", "partition=main,time=5", "utils.sh", "sleep", "600")
    [handle] = lab.run("torchx", *run).stdout.split()
    cancelled = lab.run("torchx", "torchx", "cancel", handle)
    assert cancelled.returncode == 0, cancelled.stderr
    number = handle.rpartition("/")[2]
    lab.run("torchx", "sbatch", "-W", "-o", "/dev/null", "-d", f"afterany:{number}", "--wrap", ":")
    listed = lab.run("torchx", "torchx", "list", "-s", "slurm").stdout
    assert [line.split() for line in listed.splitlines() if handle in line] == [[handle, "CANCELLED"]]
