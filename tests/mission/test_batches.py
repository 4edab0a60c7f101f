"""Batches of data on two machines that a JSON file describes: its page, and what the page does not show."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fleet import sshd
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Machines
from tests.mission import examples

NO_FILE = {"MINI_SLURM_FLEET": ""}  # the JSON file counts


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    skip_or_fail(sshd.missing())
    made = Machines(tmp_path_factory.mktemp("batches") / "fleet")
    try:
        made.add("node1", gpus=1)
        made.add("node2")
        yield made
    finally:
        made.close()


def test_the_page_does_what_it_says(fleet: Machines) -> None:
    assert examples.follow(fleet, "batches", fleet.work, **NO_FILE) == 17


def run(fleet: Machines, text: str) -> list[str]:
    """The lines that a program prints in the page's folder, where the JSON file and its scripts are by now."""
    environment = {**fleet.environment, **NO_FILE}
    done = fleet.run("python3", "-c", "from mini_slurm.api.batches import *\nbench = DataBenchSLURM()\n" + text,
                     env=environment)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout.splitlines()


def test_a_job_and_the_cluster_are_told_of_as_in_the_document(fleet: Machines) -> None:
    text = """
job = bench.submit_data_processing_job("scripts/process_data.py", time_limit="5:00")
print(bench.wait_for_jobs([job, 99999]) == {job: True, 99999: False})
status = bench.get_job_status(job)
print(*(status[name] for name in ("job_id", "name", "status", "exit_code")) == (job, "process_data", "COMPLETED", 0),)
print(status["stdout_path"].endswith(f"data/slurm_output/{job}/stdout.txt"), status["assigned_machine"])
print(bench.get_job_status(99999)["status"])
cluster = bench.get_cluster_status()
print(sorted(cluster["partitions"]), cluster["partitions"]["debug"]["nodelist"])
print(cluster["machines"]["machine_1"])
print([one.status for one in bench.scheduler.sacct() if one.job_id == job], bench.scheduler.squeue())
"""
    text = text.replace("print(*(status[name]", "print(tuple(status[name]").replace("0),)", "0))")
    lines = run(fleet, text)
    assert lines[:2] == ["True", "True"]
    assert lines[2] in ("True machine_1", "True machine_2")
    assert lines[3:5] == ["NOT_FOUND", "['compute', 'debug', 'long'] machine_1,machine_2"]
    assert lines[5] == str({
        "hostname": "node1", "ip": "", "cpus": 8, "memory_gb": 64, "gpu_available": True, "status": "ONLINE",
        "current_jobs": 0,
    })  # fmt: skip
    assert lines[6:] == ["['COMPLETED'] []"]


def test_what_does_not_end_in_time_has_not_ended_well(fleet: Machines) -> None:
    (fleet.work / "scripts" / "long.sh").write_text("#!/bin/bash\nsleep 600\n")
    text = """
job = bench.submit_data_processing_job("scripts/long.sh")
print(bench.wait_for_jobs([job], timeout=0.1) == {job: False})
print(bench.scheduler.scancel(job), bench.scheduler.scancel(99999))
print(bench.wait_for_jobs([job]) == {job: False}, bench.get_job_status(job)["status"], bench.scheduler.scancel(job))
"""
    assert run(fleet, text) == ["True", "True False", "True CANCELLED False"]


def test_a_file_may_be_given_to_a_function_of_a_module(fleet: Machines) -> None:
    (fleet.work / "mine.py").write_text("def count(path):\n    print(path, len(open(path).read()))\n")
    text = """
import mine
[job] = bench.submit_batch_processing(["data/raw/file3.csv"], mine.count)
print(bench.wait_for_jobs([job])[job], open(f"data/slurm_output/{job}/stdout.txt").read(), end="")
try:
    bench.submit_batch_processing(["x"], lambda path: None)
except Exception as error:
    print(type(error).__name__)
"""
    assert run(fleet, text) == ["True data/raw/file3.csv 6", "BadUsage"]


def test_the_tasks_of_an_array_write_files_of_their_own(fleet: Machines) -> None:
    (fleet.work / "array.sh").write_text("#!/bin/bash\n#SBATCH --array=1-2\necho task $SLURM_ARRAY_TASK_ID\n")
    text = """
job = bench.scheduler.sbatch("array.sh", mem="1G")
print(bench.wait_for_jobs([job]) == {job: True})
print([open(f"data/slurm_output/{job}/stdout_{task}.txt").read() for task in (1, 2)])
"""
    assert run(fleet, text) == ["True", "['task 1\\n', 'task 2\\n']"]


def test_an_analysis_without_a_script_and_a_script_that_is_not_there_are_named(fleet: Machines) -> None:
    text = """
for act in (lambda: bench.submit_parallel_analysis(["AAPL"], "guess"), lambda: bench.scheduler.sbatch("no.sh")):
    try:
        act()
    except Exception as error:
        print(type(error).__name__, error)
"""
    assert run(fleet, text) == [
        "Refused there is no script for the analysis guess: scripts/guess.py or scripts/guess.sh"
        " (write one, or name it: bench.job_templates[TYPE] = PATH)",
        "Refused no.sh: No such file or directory (look at the path)",
    ]
    done = fleet.run("python3", "-m", "mini_slurm.api.batches", "scancel", env={**fleet.environment, **NO_FILE})
    assert (done.returncode, done.stderr[:6]) == (2, "usage:")


def test_a_script_for_each_strategy_is_told_by_its_name(fleet: Machines) -> None:
    strategies = ("buy_and_hold", "momentum")
    for strategy in strategies:
        (fleet.work / "scripts" / f"backtest_{strategy}.py").write_text("print('well')\n")
    text = f"""
job_ids = []
for strategy in {strategies}:
    job_ids.append(bench.submit_data_processing_job(
        script_path=f"scripts/backtest_{{strategy}}.py", partition="compute", cpus=4, memory="8G", time_limit="4:00:00"
    ))
for job_id in job_ids:
    status = bench.get_job_status(job_id)
    print(status["name"], status["status"] in ("PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "COMPLETED"))
print(set(bench.wait_for_jobs(job_ids).values()))
"""
    assert run(fleet, text) == ["backtest_buy_and_hold True", "backtest_momentum True", "{True}"]
