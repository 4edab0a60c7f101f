"""The script of an experiment, and the program in it: what is given reaches the function as it is, and nothing else."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from mini_slurm.api import experiment_task
from mini_slurm.api.experiment_script import LARGEST_ORDER, Order, SlurmConfig, write_script
from mini_slurm.errors import BadUsage, Refused

HOSTILE = "'; touch owned; echo \"$(touch owned)`touch owned`\\ %j\u00e9"
WORK = """
import sys, time
def train(config):
    return {"seen": config}
def train_by_name(rate, steps=3):
    return {"metrics": {"loss": rate * steps}, "checkpoint_uri": "file:///c"}
def fail(config):
    raise ValueError("no such data")
def slow(config):
    time.sleep(60)
def leave(config):
    print("no line end", end="")
    sys.exit(config["code"])
class Number:
    def tolist(self):
        return 7
def odd(config):
    return {"n": Number(), "path": object}
"""


def order(function: str = "work:train", keywords: bool = False, seconds: float = 30, **config: Any) -> Order:
    return Order("EXPERIMENT", "run1", function, config, keywords, seconds)


def script(config: SlurmConfig, **more: Any) -> str:
    return write_script(config, order(**more), Path("slurm_outputs"))


def test_the_script_has_the_structure_that_runners_for_slurm_have() -> None:
    config = SlurmConfig(setup_commands=["module load cuda/12.1", "source activate tmgg"], job_name="tmgg-experiment")
    lines = script(config).splitlines()
    assert lines[:16] == [
        "#!/bin/bash",
        "#SBATCH --job-name=tmgg-experiment-run1",
        "#SBATCH --nodes=4",
        "#SBATCH --exclusive",
        "#SBATCH --tasks-per-node=1",
        "#SBATCH --cpus-per-task=8",
        "#SBATCH --gpus-per-task=1",
        "#SBATCH --mem-per-cpu=4GB",
        "#SBATCH --time=08:00:00",
        "#SBATCH --partition=gpu",
        "#SBATCH --output=slurm_outputs/run1.out",
        "#SBATCH --error=slurm_outputs/run1.err",
        "",
        "# Environment setup (from setup_commands)",
        "module load cuda/12.1",
        "source activate tmgg",
    ]
    step = lines.index("    ray symmetric-run \\")
    assert lines[step - 1] == r'srun --nodes="$SLURM_JOB_NUM_NODES" --ntasks="$SLURM_JOB_NUM_NODES" \\'[:-1]
    assert [line.strip(" \\") for line in lines[step + 1 : step + 5]] == [
        '--address "$ip_head"',
        '--min-nodes "$SLURM_JOB_NUM_NODES"',
        '--num-cpus="${SLURM_CPUS_PER_TASK}"',
        '--num-gpus="${SLURM_GPUS_PER_TASK}"',
    ]


def test_without_gpus_none_are_asked_for() -> None:
    text = script(SlurmConfig(gpus_per_task=0, exclusive=False))
    assert "--gpus-per-task" not in text and "--num-gpus=0" in text and "--exclusive" not in text


@pytest.mark.parametrize(
    "config",
    [
        SlurmConfig(),
        SlurmConfig(ray_port=6380),
        SlurmConfig(min_worker_port=20002, max_worker_port=29999),
        SlurmConfig(partition=HOSTILE, mem_per_cpu=HOSTILE, time_limit=HOSTILE, job_name=HOSTILE, python=HOSTILE),
    ],
)
def test_a_shell_accepts_the_script(config: SlurmConfig) -> None:
    text = script(config, text=HOSTILE)
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize(
    "values",
    [
        {"partition": "a\n#SBATCH --uid=0"},
        {"job_name": "a\x1b[2J"},
        {"nodes": 0},
        {"nodes": "4"},
        {"nodes": True},
        {"gpus_per_task": -1},
        {"ray_port": 70000},
        {"min_worker_port": 20002},
        {"timeout_seconds": 0},
    ],
)
def test_what_cannot_stand_in_a_script_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(BadUsage):
        SlurmConfig(**values)


def ports(config: SlurmConfig, user: int, job: int) -> dict[str, int]:
    """What the script's lines about ports come to, for a user and a job."""
    text = script(config)
    lines = text[text.index("# Ports") : text.index("ip_head=")] if "# Ports" in text else ""
    lines = lines or text[text.index("ray_port=") : text.index("ip_head=")]
    lines = lines.replace("UID", str(user))  # bash lets nobody assign it
    code = f"SLURM_JOB_ID={job}\n{lines}\necho $ray_port $min_worker_port $max_worker_port"
    done = subprocess.run(["bash", "-c", code], capture_output=True, text=True, check=True, timeout=20)
    return dict(zip(("ray", "least", "most"), map(int, done.stdout.split()), strict=True))


def test_jobs_and_users_get_ports_that_do_not_meet() -> None:
    blocks = [ports(SlurmConfig(), user, job) for user in (0, 1000, 1001) for job in (1, 2, 3)]
    spans = sorted((block["ray"], block["most"]) for block in blocks)
    assert all(before[1] < after[0] for before, after in pairwise(spans))
    assert all(block["ray"] < block["least"] < block["most"] < 32768 for block in blocks)


def test_a_block_where_somebody_listens_is_passed_over() -> None:
    import socket

    first = ports(SlurmConfig(), 1000, 5)["ray"]
    with socket.create_server(("127.0.0.1", first)):
        assert ports(SlurmConfig(), 1000, 5)["ray"] != first
    assert ports(SlurmConfig(), 1000, 5)["ray"] == first


def test_a_node_of_many_cpus_has_ports_for_its_workers() -> None:
    block = ports(SlurmConfig(cpus_per_task=256), 1000, 5)
    assert block["most"] - block["least"] >= 2 * 256


def test_ports_that_are_given_are_taken() -> None:
    config = SlurmConfig(ray_port=6380, min_worker_port=20002, max_worker_port=29999)
    assert ports(config, 1000, 5) == {"ray": 6380, "least": 20002, "most": 29999}


# --- the program in the script


def run(folder: Path, function: str, keywords: bool = False, seconds: float = 30, **config: Any) -> Any:
    """What the script's last command comes to, when a shell runs it without Ray: exit status, result, errors."""
    (folder / "work.py").write_text(WORK)
    text = script(SlurmConfig(python=sys.executable), function=function, keywords=keywords, seconds=seconds, **config)
    program = text[text.index("program=$(") : text.index("# Get head")]
    command = text[text.index("    -- \\\n") + len("    -- \\\n") :]
    (folder / "job.sh").write_text(program + command)
    done = subprocess.run(
        ["bash", "job.sh"], cwd=folder, capture_output=True, text=True, timeout=60, env={"PATH": "/bin"}
    )
    [line] = re.findall(r"^EXPERIMENT_RESULT:(.*)$", done.stdout, re.M)
    return done.returncode, json.loads(line), done.stderr


def test_a_function_gets_the_configuration_and_its_result_is_printed(tmp_path: Path) -> None:
    config = {"text": HOSTILE, "deep": {"list": [1, 2.5, None, True]}, "run_id": "run1"}
    status, result, errors = run(tmp_path, "work:train", **config)
    assert (status, result["status"], errors) == (0, "completed", "")
    assert result["metrics"]["seen"] == config
    assert result["duration_seconds"] >= 0
    assert not (tmp_path / "owned").exists()


def test_a_function_of_a_file_gets_the_entries_as_keywords(tmp_path: Path) -> None:
    status, result, _ = run(tmp_path, f"{tmp_path}/work.py:train_by_name", keywords=True, rate=2, steps=5)
    assert (status, result["metrics"], result["checkpoint_uri"]) == (0, {"loss": 10}, "file:///c")


def test_a_failure_is_a_result_with_its_reason(tmp_path: Path) -> None:
    status, result, errors = run(tmp_path, "work:fail")
    assert (status, result["status"]) == (1, "failed")
    assert result["error_message"] == "ValueError: no such data"
    assert "Traceback" in errors and 'work.py", line' in errors


def test_a_function_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    assert "ModuleNotFoundError: No module named 'nowhere'" in run(tmp_path, "nowhere:f")[1]["error_message"]
    assert "AttributeError" in run(tmp_path, "work:nothing")[1]["error_message"]


def test_an_experiment_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    status, result, _ = run(tmp_path, "work:slow", seconds=0.2)
    assert status == 1
    assert result["error_message"] == "TimeoutError: the experiment took longer than 0.2 seconds"


@pytest.mark.parametrize(("code", "word"), [(0, "completed"), (3, "failed")])
def test_leaving_counts_by_its_status(tmp_path: Path, code: int, word: str) -> None:
    status, result, _ = run(tmp_path, "work:leave", code=code)
    assert (status, result["status"]) == (int(bool(code)), word)


def test_what_json_does_not_know_becomes_what_it_knows(tmp_path: Path) -> None:
    assert run(tmp_path, "work:odd")[1]["metrics"] == {"n": 7, "path": "<class 'object'>"}


def test_a_large_configuration_fits_and_a_too_large_one_is_refused(tmp_path: Path) -> None:
    assert len(run(tmp_path, "work:train", blob="x" * 500_000)[1]["metrics"]["seen"]["blob"]) == 500_000
    with pytest.raises(Refused, match="too many for a job"):
        order(blob="x" * LARGEST_ORDER).pieces()


def test_a_configuration_that_is_no_json_is_refused() -> None:
    with pytest.raises(Refused, match="is not JSON"):
        order(thing=object()).pieces()


def test_the_program_needs_only_an_old_python_and_its_library() -> None:
    tree = ast.parse(Path(experiment_task.__file__).read_text(), feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= sys.stdlib_module_names
    assert os.path.basename(experiment_task.__file__) == "experiment_task.py"
