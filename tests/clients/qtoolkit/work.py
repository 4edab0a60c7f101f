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


def submit(name: str, *commands: str, **options: object) -> str:
    folder = Path(name)
    folder.mkdir()
    resources = QResources(queue_name="main", job_name=name, memory_per_thread=100, nodes=1, processes_per_node=1,
                           time_limit=300, output_filepath="out", error_filepath="err")  # fmt: skip
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


def over(number: str) -> str:
    while (state := job(number)[2]) in ("PENDING", "RUNNING", "CONFIGURING", "COMPLETING"):
        time.sleep(0.2)
    return state


def main() -> None:
    good = submit("good", "echo good")
    bad = submit("bad", "exit 3")
    held = submit("held", "true", hold=None)
    long = submit("long", "sleep 600")
    after = submit("after", "cat ../good/out", dependency=f"afterok:{good}")
    listed = IO.parse_jobs_list_output(*shell(IO.get_jobs_list_cmd([held, long, "99999"], None)))
    while job(long)[2] != "RUNNING":
        time.sleep(0.2)
    unknown = IO.parse_jobs_list_output(*shell(IO.get_jobs_list_cmd(["99999"], None)))
    cancelled = [IO.parse_cancel_output(*shell(IO.get_cancel_cmd(one))).status.name for one in (held, long)]
    print(json.dumps({
        "listed": sorted([one.name, one.state.name, one.info.cpus, one.info.time_limit] for one in listed),
        "unknown": unknown,
        "cancelled": cancelled,
        "ends": [over(one) for one in (good, bad, held, long, after)],
        "job": job(good),
        "after": Path("after", "out").read_text(),
    }))  # fmt: skip


main()
