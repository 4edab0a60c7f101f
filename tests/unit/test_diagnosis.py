"""output/diagnosis.py: sdiag's form, and the figures that a fleet has."""

from __future__ import annotations

from mini_slurm.output.diagnosis import Counts, lines


def test_the_figures_of_jobs_stand_where_sdiag_has_them() -> None:
    found = lines(Counts(9, 8, 7, 6, 5, 4, 3), 100.0, 250.9, lambda at: f"<{at:.0f}>")
    assert found[:4] == ["*" * 55, "sdiag output at <251> (250)", "Data since      <100> (100)", "*" * 55]
    jobs = [line for line in found if line.startswith("Jobs")]
    assert jobs == [
        "Jobs submitted: 9", "Jobs started:   8", "Jobs completed: 7", "Jobs canceled:  6", "Jobs failed:    5",
        "Jobs pending:   4", "Jobs running:   3",
    ]  # fmt: skip
