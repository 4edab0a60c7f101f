"""Jobs by simple_slurm; prints what became of them."""

from __future__ import annotations

import datetime
import json
import subprocess
import time
from pathlib import Path

from simple_slurm import Slurm

OVER = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY")


def job(name: str, **options: object) -> Slurm:
    return Slurm(job_name=name, output=f"{name}.txt", time=datetime.timedelta(minutes=5), mem="100M", **options)


def submit(name: str, *commands: str, **options: object) -> int:
    slurm = job(name, **options)
    for command in commands:
        slurm.add_cmd(command)
    return slurm.sbatch(verbose=False)


def rows(number: int) -> list[list[str]]:
    words = ["sacct", "-X", "-n", "-P", "-o", "JobID,State,ExitCode", "-j", str(number)]
    found = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [row.split("|") for row in found]


def ended(number: int, pause: float = 0.2) -> list[list[str]]:
    while not (found := rows(number)) or any(not state.startswith(OVER) for _, state, _ in found):
        time.sleep(pause)
    return [row[1:] for row in found]


def text(name: str) -> str:
    return Path(name).read_text()


def main() -> None:
    value = submit("value", "echo $SLURM_JOB_NAME $SLURM_CPUS_PER_TASK $(( 6 * 7 ))", cpus_per_task=2)
    array = submit("array", "echo $SLURM_ARRAY_TASK_ID >> tasks.txt", array=range(3, 8, 2))
    failing = submit("failing", "exit 3")
    after = submit("after", "cat value.txt", dependency={"afterok": value})
    otherwise = submit("otherwise", "echo sorry", dependency={"afternotok": failing})
    never = submit("never", "echo never", dependency={"afterok": failing}, kill_on_invalid_dep="yes")
    held = submit("held", "sleep 600", hold=True)
    signalled = submit("signalled", "srun sh -c 'touch runs; exec sleep 600'")
    requeued = submit(
        "requeued", "echo $SLURM_RESTART_COUNT >> restarts", "touch first", "[ $SLURM_RESTART_COUNT ] || sleep 600"
    )
    parsable = submit("parsable", "true", parsable=True)
    ended(array)  # simple_slurm cannot read a queue with arrays
    while not (Path("runs").exists() and Path("first").exists()):
        time.sleep(0.1)
    subprocess.run(["scontrol", "requeue", str(requeued)], check=True)
    slurm = Slurm()
    slurm.squeue.update_squeue()
    queue = {number: slurm.squeue.jobs[number] for number in (held, signalled)}
    named = list(slurm.squeue.get_filtered_jobs("signal"))
    slurm.scancel.cancel_job(held)
    slurm.scancel.signal_job(signalled)
    numbers = (value, array, failing, after, otherwise, never, held, signalled, requeued, parsable)
    names = ("value", "array", "failing", "after", "otherwise", "never", "held", "signalled", "requeued", "parsable")
    found = {name: ended(number) for name, number in zip(names, numbers, strict=True)}
    texts = {name: text(f"{name}.txt") for name in ("value", "after", "otherwise")}
    lines = {"tasks": sorted(text("tasks.txt").split()), "restarts": text("restarts").split("\n")}
    srun = Slurm(ntasks=2, nodes=2, output="srun.txt").srun("hostname", "; true")
    print(
        json.dumps(
            {
                **found,
                "texts": texts,
                **lines,
                "queue": list(queue.values()),
                "named": named == [signalled],
                "srun": srun,
                "hosts": len(text("srun.txt").split()),
            }
        )
    )


if __name__ == "__main__":
    main()
