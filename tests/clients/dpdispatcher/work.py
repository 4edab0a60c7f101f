"""Tasks by dpdispatcher, submitted and waited for; prints what became of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from dpdispatcher import Machine, Resources, Submission, Task


def submission(root: str, commands: dict[str, str], array: int = 0) -> Submission:
    """One whose tasks each have a folder, and are put into an array where there are `array` groups a job."""
    for name in commands:
        Path(root, name).mkdir(parents=True)
        Path(root, name, "in.txt").write_text(name)
    batch = "SlurmJobArray" if array else "Slurm"
    machine = Machine.load_from_dict(
        {"batch_type": batch, "context_type": "LocalContext", "local_root": root, "remote_root": f"{root}-remote"}
    )
    more = {"kwargs": {"slurm_job_size": array}} if array else {}
    resources = Resources.load_from_dict(
        {"number_node": 1, "cpu_per_node": 1, "gpu_per_node": 0, "queue_name": "main", "group_size": 1,
         "custom_flags": ["#SBATCH --time=5", "#SBATCH --mem=100M"], **more}
    )  # fmt: skip
    tasks = [
        Task(
            command=command,
            task_work_path=name,
            forward_files=["in.txt"],
            backward_files=["out.txt"],
            outlog="log",
            errlog="err",
        )
        for name, command in commands.items()
    ]
    return Submission(work_base="", machine=machine, resources=resources, task_list=tasks)


def out(root: str, name: str) -> str:
    return Path(root, name, "out.txt").read_text().strip()


def main() -> None:
    os.makedirs("single-remote"), os.makedirs("array-remote"), os.makedirs("bad-remote")
    commands = {"one": "cat in.txt > out.txt; sleep 8", "two": "echo $SLURM_JOB_NUM_NODES > out.txt; sleep 8"}
    single = submission("single", commands)
    single.run_submission(check_interval=1)
    array = submission(
        "array", {str(number): f"sleep 8; echo {number} squared > out.txt" for number in range(4)}, array=4
    )
    array.run_submission(check_interval=1)
    failing = submission("bad", {"bad": "sleep 3; exit 3"})
    try:
        failing.run_submission(check_interval=1)
        said = ""
    except RuntimeError as error:
        said = str(error)
    print(json.dumps({
        "single": [out("single", name) for name in ("one", "two")],
        "array": [out("array", str(number)) for number in range(4)],
        "said": said,
        "jobs": [len(done.belonging_jobs) for done in (single, array)],
    }))  # fmt: skip


main()
