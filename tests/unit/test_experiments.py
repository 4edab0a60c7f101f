"""A runner's own part: configurations, functions, and the words about a failure."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mini_slurm import BadUsage, SlurmConfig, SlurmRunner
from mini_slurm.api.experiments import _ended, _named, _plain
from mini_slurm.model.states import JobState


@dataclass
class Settings:
    rate: float = 0.5


def train(config: dict[str, Any]) -> None:
    """Only its name counts."""


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlurmRunner:
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "state"))
    return SlurmRunner(output_dir=tmp_path / "outputs")


def test_the_defaults_are_those_that_runners_for_slurm_document() -> None:
    config = SlurmConfig()
    assert (config.partition, config.nodes, config.cpus_per_task, config.gpus_per_task) == ("gpu", 4, 8, 1)
    assert (config.time_limit, config.mem_per_cpu, config.setup_commands) == ("08:00:00", "4GB", [])
    assert config.timeout_seconds == 28800


def test_configurations_come_as_mappings_and_dataclasses() -> None:
    assert _plain({"rate": 1}) == {"rate": 1}
    assert _plain(Settings()) == {"rate": 0.5}
    with pytest.raises(BadUsage, match="a configuration is a mapping, not list"):
        _plain([1])


def test_a_function_is_named_where_a_job_finds_it() -> None:
    assert _named(train) == f"{__name__}:train"
    with pytest.raises(BadUsage, match="is no function that a job could import"):
        _named(lambda config: None)


@pytest.mark.parametrize("run_id", ["../up", "a/b", ".hidden", "-rf", "x" * 101, "a\nb", "a b", "%j"])
def test_an_id_that_is_no_name_of_files_is_refused(runner: SlurmRunner, run_id: str) -> None:
    with pytest.raises(BadUsage, match="cannot name files"):
        runner.spawn_experiment({"run_id": run_id, "_target_": "a.b"})
    assert runner.get_status(run_id) == "unknown"


@pytest.mark.parametrize("config", [{}, {"_target_": "nameless"}, {"_target_": "a.b; rm"}])
def test_an_experiment_needs_a_function(runner: SlurmRunner, config: dict[str, Any]) -> None:
    with pytest.raises(BadUsage, match="no function that an experiment could call"):
        runner.spawn_experiment(config)


def test_a_run_that_was_never_submitted_has_no_result(runner: SlurmRunner) -> None:
    assert runner.get_status("never") == "unknown"
    assert runner.cancel("never") is False
    with pytest.raises(BadUsage, match="no run never was submitted from"):
        runner.get_result("never")


def test_a_sweep_needs_room_for_one(runner: SlurmRunner) -> None:
    assert runner.run_sweep([]) == []
    with pytest.raises(BadUsage, match="parallelism must be at least 1"):
        runner.run_sweep([{}], parallelism=0)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("TIMEOUT", "reached its time limit of 8:00:00"),
        ("CANCELLED", "was cancelled"),
        ("OUT_OF_MEMORY", "used more memory than it had asked for"),
        ("NODE_FAIL", "lost one of its nodes"),
        ("FAILED", "ended as FAILED with exit status 3"),
        ("COMPLETED", "ended well"),
    ],
)
def test_how_a_job_ended_is_a_sentence(state: str, words: str) -> None:
    info: Any = SimpleNamespace(id="7", state=JobState[state], time_limit=timedelta(hours=8), signal=None, exit_code=3)
    assert _ended(info) == f"job 7 {words}"


def test_importing_the_runner_makes_no_folder(tmp_path: Path, runner: SlurmRunner) -> None:
    assert not os.path.exists(tmp_path / "outputs")
