"""Snakemake with its executor for Slurm: each rule is a job."""

from __future__ import annotations

import subprocess

from tests.clients.environments import HERE
from tests.clients.lab import Lab

OPTIONS = ("--executor", "slurm", "--jobs", "4", "--default-resources", "slurm_partition=main", "--latency-wait", "5")


def snakemake(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    snakefile = str(HERE / "snakemake" / "Snakefile")
    early = ("--slurm-init-seconds-before-status-checks", "2")
    return lab.run("snakemake", "snakemake", "-s", snakefile, "-d", ".", *OPTIONS, *early, *words, seconds=300)


def test_rules_run_as_jobs_in_their_order_and_as_tasks_of_an_array(lab: Lab):
    done = snakemake(lab, "--slurm-array-jobs", "one")
    assert done.returncode == 0, done.stderr
    folder = lab.folder("snakemake")
    assert (folder / "total.txt").read_text() == "30\n"
    numbers, tasks = zip(*[path.read_text().split() for path in folder.glob("parts/*.job")], strict=True)
    assert (len(set(numbers)), sorted(tasks)) == (4, ["1", "2", "3", "4"])


def test_a_failing_rule_is_reported_with_its_state(lab: Lab):
    done = snakemake(lab, "bad.txt")
    assert done.returncode == 1
    assert "failed, SLURM status is: 'FAILED'" in done.stderr
