"""hydra's launcher for mini_slurm itself: a sweep is an array, and what its points return comes back."""

from __future__ import annotations

import subprocess

from tests.clients.environments import HERE
from tests.clients.lab import Lab

CLIENT = "hydra_mini_slurm"
SWEEP = ("-m", "hydra/launcher=mini_slurm", "hydra.launcher.slurm_mem_per_cpu=100M", "hydra.job.chdir=true")


def sweep(lab: Lab, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    program = ("python", "-W", "ignore", str(HERE / CLIENT / "work.py"))
    return lab.run(CLIENT, *program, *SWEEP, f"hydra.sweep.dir={name}", "+y=5", *words)


def products(lab: Lab, name: str) -> list[str]:
    return sorted(path.read_text() for path in (lab.folder(CLIENT) / name).glob("*/product.txt"))


def test_each_point_of_a_sweep_is_a_task_and_one_may_fail(lab: Lab):
    done = sweep(lab, "three", "+x=1,2,3")
    assert done.returncode == 1
    assert "ValueError: three is not to be had" in done.stderr, done.stderr
    assert products(lab, "three") == ["10 1", "5 0"]


def test_one_point_is_a_single_job(lab: Lab):
    done = sweep(lab, "one", "+x=2")
    assert done.returncode == 0, done.stderr
    assert products(lab, "one") == ["10 single"]


def test_a_job_that_dies_says_how(lab: Lab):
    done = sweep(lab, "dead", "+x=4")
    assert done.returncode == 1
    assert "ended as FAILED with exit status 9" in done.stderr


def test_batches_count_on_and_set_up_commands_come_first(lab: Lab):
    words = ("hydra.sweeper.max_batch_size=2", "hydra.launcher.slurm_setup_commands=['export GREETING=hello']")
    done = sweep(lab, "batches", *words, "+x=6,7,8", "hydra.sweep.subdir=p${hydra.job.num}-${oc.env:GREETING,none}")
    assert done.returncode == 0, done.stderr
    folders = sorted(path.name for path in (lab.folder(CLIENT) / "batches").glob("p*"))
    assert folders == ["p0-hello", "p1-hello", "p2-hello"]


def test_a_point_that_takes_too_long_is_ended(lab: Lab):
    done = sweep(lab, "late", "+x=5", "hydra.launcher.timeout_seconds=0.5")
    assert done.returncode == 1
    assert "the job took longer than 0.5 seconds" in done.stderr
