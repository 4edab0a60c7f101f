"""hydra's launcher for mini_slurm itself: a sweep is an array, and what its points return comes back."""

from __future__ import annotations

import re
import subprocess

from tests.clients.environments import HERE
from tests.clients.lab import Lab

CLIENT = "hydra_mini_slurm"
OWN = """\
# @package hydra.launcher
_target_: hydra_plugins.mini_slurm_launcher.MiniSlurmLauncher

use_slurm: true
slurm_partition: main
slurm_nodes: 1
slurm_cpus_per_task: 2
slurm_gpus_per_task: 0
slurm_time_limit: "04:00:00"
slurm_mem_per_cpu: "8GB"

slurm_setup_commands:
  - "export GREETING=hello"
"""
SWEEP = ("-m", "hydra.launcher.slurm_mem_per_cpu=100M", "hydra.job.chdir=true")


def sweep(lab: Lab, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    program = ("python", "-W", "ignore", str(HERE / CLIENT / "work.py"))
    launcher = () if any("hydra/launcher=" in word for word in words) else ("hydra/launcher=mini_slurm",)
    return lab.run(CLIENT, *program, *SWEEP, *launcher, f"hydra.sweep.dir={name}", "+y=5", *words)


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


def test_a_launcher_of_ones_own_names_what_it_needs(lab: Lab):
    folder = lab.folder(CLIENT) / "conf" / "hydra" / "launcher"
    folder.mkdir(parents=True)
    (folder / "my_cluster.yaml").write_text(OWN)
    words = ("hydra/launcher=my_cluster", "hydra.launcher.slurm_time_limit='12:00:00'", "--config-dir", "conf")
    done = sweep(lab, "own", "+x=9", *words)
    assert done.returncode == 0, done.stderr
    assert products(lab, "own") == ["45 single"]
    seen = lab.slurm("sacct", "-n", "-X", "-P", "--name=work", "--format=partition,timelimit,reqcpus,reqmem")
    assert seen.splitlines()[-1] == "main|12:00:00|2|200M"
    refused = sweep(lab, "odd", "+x=9", "+hydra.launcher.slurm_partitions=main")
    assert refused.returncode == 1
    assert "hydra.launcher has no slurm_partitions" in refused.stderr


def test_a_point_gets_a_ray_cluster(lab: Lab):
    """Of the program that stands in for Ray, which is far too large to be installed here."""
    programs = HERE.parent / "mission" / "programs"
    words = ("hydra/launcher=mini_slurm_ray", "hydra.launcher.slurm_partition=main", "hydra.launcher.slurm_nodes=1")
    more = ("hydra.launcher.slurm_cpus_per_task=2", "hydra.launcher.slurm_gpus_per_task=0")
    path = f"hydra.launcher.slurm_setup_commands=['export PATH=\"$PATH:{programs}\"']"
    done = sweep(lab, "ray", *words, *more, path, "+x=10")
    assert done.returncode == 0, done.stderr
    assert products(lab, "ray") == ["50 single"]
    [output] = (lab.folder(CLIENT) / "ray" / ".slurm").glob("*.out")
    assert re.match(r"cluster: \S+ cpus=2 gpus=0\n", output.read_text())


def test_a_point_that_takes_too_long_is_ended(lab: Lab):
    done = sweep(lab, "late", "+x=5", "hydra.launcher.timeout_seconds=0.5")
    assert done.returncode == 1
    assert "the job took longer than 0.5 seconds" in done.stderr


def test_a_configuration_of_omegaconf_is_one_for_experiments(lab: Lab):
    code = """
from omegaconf import OmegaConf
from mini_slurm.api.experiments import _plain
print(_plain(OmegaConf.create({"model": {"size": "${size}"}, "size": 3})))
"""
    done = lab.run(CLIENT, "python", "-W", "ignore", "-c", code)
    assert done.stdout == "{'model': {'size': 3}, 'size': 3}\n", done.stderr
