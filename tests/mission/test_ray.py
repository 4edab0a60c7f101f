"""Experiments on a Ray cluster that the job starts on its machines: by a script, and by a runner of Python.

Ray itself is far too large to be installed for these tests: `ray symmetric-run` is a program of the lab, which does
what Ray does with its command line. All else is what users run.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from tests.mission import examples
from tests.mission.conftest import NODES, Lab


def test_an_experiment_on_four_machines(lab: Lab) -> None:
    outputs = lab.folder / "slurm_outputs"
    outputs.mkdir()
    lab.complete(lab.submit(lab.place("ray.sh")))
    cluster = "; ".join(f"{node} cpus=8 gpus=1" for node in NODES)
    assert (outputs / "run.out").read_text().splitlines() == [
        *("module load cuda/12.1", "environment tmgg", f"cluster: {cluster}", 'TMGG_RESULT:{"status":"completed"}'),
    ]
    assert (outputs / "run.err").read_text() == ""


def experiments(lab: Lab, case: str) -> Any:
    """What the program on the login node found out."""
    done = lab.fleet.run(sys.executable, lab.place("experiments.py"), case, cwd=lab.folder, seconds=90)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_runner_starts_an_experiment_on_four_machines_and_gets_its_result(lab: Lab) -> None:
    result = experiments(lab, "blocking")
    assert (result["status"], result["error_message"]) == ("completed", None)
    assert result["metrics"] == {"val_loss": 0.5, "nodes": "4"}
    assert result["config"] == {"rate": 0.25, "run_id": "blocking"}
    cluster = "; ".join(f"{node} cpus=8 gpus=1" for node in NODES)
    lines = (lab.folder / "slurm_outputs" / "blocking.out").read_text().splitlines()
    assert lines[:5] == ["module load cuda/12.1", "conda activate tmgg", f"cluster: {cluster}", "loss 0.5", ""]
    assert lines[5].startswith('EXPERIMENT_RESULT:{"run_id": "blocking"')
    kept = (lab.folder / "slurm_outputs" / "blocking.json").stat()
    assert kept.st_mode & 0o777 == 0o600  # configurations may hold secrets


def test_a_run_is_followed_by_its_id_from_anywhere(lab: Lab) -> None:
    job, first, status, metrics, last, unknown = experiments(lab, "spawned")
    assert lab.run("sacct", "-n", "-X", "-P", "-j", job, "--format=jobname%60") == "experiment-spawned\n"
    assert first in ("pending", "running")
    assert (status, metrics["val_loss"], last, unknown) == ("completed", 2, "completed", "unknown")


def test_a_sweep_gives_results_in_order_and_one_may_fail(lab: Lab) -> None:
    assert experiments(lab, "sweep") == [
        ["sweep0", "completed", 0, None],
        ["sweep1", "completed", 2, None],
        ["sweep2", "failed", None, "ValueError: the data is bad"],
        ["sweep3", "completed", 6, None],
    ]


def test_a_failed_experiment_says_why(lab: Lab) -> None:
    late, left, cancelled, again, refused = experiments(lab, "failures")
    assert late == "TimeoutError: the experiment took longer than 0.5 seconds"
    assert left.startswith("job ") and " ended as FAILED with exit status 3\n" in left
    assert left.endswith("has no line NAME_RESULT:{...}\nits standard error ends with:\nno such environment")
    assert "was cancelled" in cancelled
    assert "run cancelled is not over yet" in again
    assert "nvalid partition" in refused


def test_the_page_does_what_it_says(lab: Lab) -> None:
    assert examples.follow(lab.fleet, "experiments", lab.folder / "experiments") == 7
