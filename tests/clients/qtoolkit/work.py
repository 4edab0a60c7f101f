"""Jobs by qtoolkit's interface for Slurm, each command run as its users run it; prints what it read."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from qtoolkit.core.data_objects import QResources
from qtoolkit.io.slurm import SlurmIO

IO = SlurmIO()


def shell(command: str, folder: Path | None = None) -> tuple[int, str, str]:
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def submit(name: str, *commands: str, seconds: int = 300, **options: object) -> str:
    folder = Path(name)
    folder.mkdir()
    resources = QResources(queue_name="main", job_name=name, memory_per_thread=100, nodes=1, processes_per_node=1,
                           time_limit=seconds, output_filepath="out", error_filepath="err")  # fmt: skip
    text = IO.get_submission_script(list(commands), resources)
    for option, value in options.items():
        text = text.replace("\n", f"\n#SBATCH --{option}{'=' + value if value else ''}\n", 1)
    (folder / "job.sh").write_text(text)
    status, out, err = shell(IO.get_submit_cmd("job.sh"), folder)
    result = IO.parse_submit_output(status, out, err)
    assert result.job_id, (out, err)
    return result.job_id


def job(number: str) -> list[object]:
    found = IO.parse_job_output(*shell(IO.get_job_cmd(number)))
    return [found.name, found.state.name, found.sub_state.name, found.queue_name, found.info.time_limit,
            found.info.nodes, found.info.cpus, found.info.memory_per_cpu]  # fmt: skip


def over(number: str, pause: float = 0.2) -> str:
    while (state := job(number)[2]) in ("PENDING", "RUNNING", "CONFIGURING", "COMPLETING"):
        time.sleep(pause)
    return state


def main() -> None:
    good = submit("good", "echo good")
    bad = submit("bad", "exit 3")
    held = submit("held", "true", hold=None)
    long = submit("long", "sleep 600")
    again = submit("again", "echo $SLURM_RESTART_COUNT", "touch started", "[ $SLURM_RESTART_COUNT ] || sleep 600")
    array = submit("array", "echo $SLURM_ARRAY_TASK_ID > task-$SLURM_ARRAY_TASK_ID", array="1-3")
    after = submit("after", "cat ../good/out", dependency=f"afterok:{good}")
    listed = IO.parse_jobs_list_output(*shell(IO.get_jobs_list_cmd([held, long, "99999"], None)))
    while job(long)[2] != "RUNNING":
        time.sleep(0.2)
    while not Path("again", "started").exists():
        time.sleep(0.2)
    shell(f"scontrol requeue {again}")
    unknown = IO.parse_jobs_list_output(*shell(IO.get_jobs_list_cmd(["99999"], None)))
    cancelled = [IO.parse_cancel_output(*shell(IO.get_cancel_cmd(one))).status.name for one in (held, long)]
    print(json.dumps({
        "listed": sorted([one.name, one.state.name, one.info.cpus, one.info.time_limit] for one in listed),
        "unknown": unknown,
        "cancelled": cancelled,
        "ends": [over(one) for one in (good, bad, held, long, after)],
        "job": job(good),
        "after": Path("after", "out").read_text(),
        "again": [over(again), Path("again", "out").read_text()],
        "array": [over(f"{array}_{task}") and Path("array", f"task-{task}").read_text() for task in (1, 2, 3)],
    }))  # fmt: skip


if __name__ == "__main__":
    main()
