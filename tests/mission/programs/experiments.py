"""Experiments, as a program on the login node runs them; and what they are."""

from __future__ import annotations

import json
import os
import sys
import time


def train(config):
    """Loss by rate; what the job has given it."""
    if config.get("bad"):
        raise ValueError("the data is bad")
    time.sleep(config.get("seconds", 0))
    print("loss", config["rate"] * 2)
    return {"metrics": {"val_loss": config["rate"] * 2, "nodes": os.environ["SLURM_JOB_NUM_NODES"]}}


def main(case):
    from mini_slurm import SlurmConfig, SlurmRunner, WaitTimeout

    if case == "blocking":
        config = SlurmConfig(
            partition="gpu",
            nodes=4,
            cpus_per_task=8,
            gpus_per_task=1,
            time_limit="04:00:00",
            mem_per_cpu="4GB",
            setup_commands=[
                "module load cuda/12.1",
                "conda activate tmgg",
            ],
        )
        runner = SlurmRunner(slurm_config=config, entry_point="experiments.py:train")
        result = runner.run_experiment({"rate": 0.25, "run_id": "blocking"})
        return vars(result)
    one = SlurmConfig(partition="gpu", nodes=1, gpus_per_task=0, exclusive=False, cpus_per_task=1, mem_per_cpu="100M")
    runner = SlurmRunner(one, entry_point=train)
    if case == "spawned":
        spawned = runner.spawn_experiment({"rate": 1, "seconds": 3, "run_id": "spawned"}, timeout_seconds=14400)
        first = runner.get_status(spawned.run_id)
        try:
            runner.get_result(spawned, timeout=0.1)
        except WaitTimeout as error:
            print(error)
        later = SlurmRunner(one, entry_point=train)  # as in another process
        result = later.get_result("spawned")
        return [
            spawned.job_id,
            first,
            result.status,
            result.metrics,
            later.get_status("spawned"),
            runner.get_status("x"),
        ]
    if case == "sweep":
        configs = [{"rate": rate, "seconds": 0.3, "bad": rate == 2, "run_id": f"sweep{rate}"} for rate in range(4)]
        results = runner.run_sweep(configs, parallelism=2)
        return [
            [result.run_id, result.status, result.metrics.get("val_loss"), result.error_message] for result in results
        ]
    slow = {"rate": 1, "seconds": 100}
    late = runner.spawn_experiment({**slow, "run_id": "late"}, timeout_seconds=0.5)
    commands = ["echo no such environment >&2", "exit 3"]
    leaving = SlurmRunner(SlurmConfig(**{**vars(one), "setup_commands": commands}), entry_point=train)
    left = leaving.spawn_experiment({**slow, "run_id": "left"})
    cancelled = runner.spawn_experiment({**slow, "run_id": "cancelled"})
    try:
        runner.spawn_experiment({**slow, "run_id": "cancelled"})
    except Exception as error:
        again = str(error)
    assert runner.cancel("cancelled") and not runner.cancel("nobody")
    nowhere = SlurmRunner(SlurmConfig(**{**vars(one), "partition": "nowhere"}), entry_point=train)
    try:
        nowhere.run_experiment({"rate": 1})
    except Exception as error:
        refused = f"{type(error).__name__}: {error}"
    found = [runner.get_result(spawned).error_message for spawned in (late, left, cancelled)]
    return [*found, again, refused]


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
