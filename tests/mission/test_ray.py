"""An experiment on a Ray cluster that the job starts on its machines."""

from __future__ import annotations

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
