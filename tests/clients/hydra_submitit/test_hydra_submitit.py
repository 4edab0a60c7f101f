"""hydra's launcher for submitit: a sweep is an array."""

from __future__ import annotations

from tests.clients.environments import HERE
from tests.clients.lab import Lab

SWEEP = ("-m", "hydra/launcher=submitit_slurm", "hydra.launcher.timeout_min=5", "hydra.launcher.mem_gb=1")


def test_each_point_of_a_sweep_is_a_task_and_one_may_fail(lab: Lab):
    words = ("python", "-W", "ignore", str(HERE / "hydra_submitit" / "work.py"), *SWEEP, "hydra.job.chdir=true")
    done = lab.run("hydra_submitit", *words, "+x=1,2,3", "+y=5")
    assert done.returncode == 1
    assert "ValueError: three is not to be had" in done.stderr, done.stderr
    found = sorted(path.read_text() for path in lab.folder("hydra_submitit").glob("multirun/*/*/*/product.txt"))
    assert found == ["10 1", "5 0"]
