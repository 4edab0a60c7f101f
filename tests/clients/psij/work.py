"""Jobs by PSI/J; prints what it saw of them."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import timedelta
from pathlib import Path

from psij import Job, JobAttributes, JobExecutor, JobSpec, JobState, ResourceSpecV1
from psij.executors.batch.slurm import SlurmExecutorConfig

PATIENCE = timedelta(seconds=100)


class Jobs:
    """An executor, and what it has been given."""

    def __init__(self, pause: int = 1) -> None:
        config = SlurmExecutorConfig(queue_polling_interval=pause, initial_queue_polling_delay=1)
        self.executor = JobExecutor.get_instance("slurm", config=config)

    def submit(self, name: str, *words: str, minutes: int = 5, **more: object) -> Job:
        custom = {f"slurm.{key}": value for key, value in dict(more.pop("slurm", {})).items()}
        attributes = JobAttributes(duration=timedelta(minutes=minutes), queue_name="main", custom_attributes=custom)
        spec = JobSpec(
            executable=words[0],
            arguments=list(words[1:]),
            name=name,
            directory=Path.cwd(),
            stdout_path=Path(f"{name}.txt").absolute(),
            attributes=attributes,
            **more,
        )
        job = Job(spec)
        self.executor.submit(job)
        return job


def outcome(job: Job) -> list[object]:
    """The state, exit status and message that it ended with."""
    status = job.wait(PATIENCE)
    return [status.state.name, status.exit_code, status.message] if status else ["no end", None, None]


def main() -> None:
    jobs = Jobs()
    value = jobs.submit("value", "/bin/echo", "six times seven")
    failing = jobs.submit("failing", "/bin/sh", "-c", "exit 3")
    cancelled = jobs.submit("cancelled", "/bin/sleep", "600")
    held = jobs.submit("held", "/bin/sleep", "600", slurm={"begin": "now+1hour"})
    after = jobs.submit("after", "/bin/cat", "value.txt", slurm={"dependency": f"afterok:{value.native_id}"})
    again = "touch first; [ $SLURM_RESTART_COUNT ] || sleep 600"
    requeued = jobs.submit("requeued", "/bin/sh", "-c", again)
    resources = ResourceSpecV1(node_count=2, processes_per_node=2, cpu_cores_per_process=1)
    ranks = "echo $SLURM_PROCID $(sort -u $PSIJ_NODEFILE | tr '\\n' ' ') $(wc -l < $PSIJ_NODEFILE) $GIVEN"
    wide = jobs.submit(
        "wide", "/bin/sh", "-c", ranks, resources=resources, launcher="srun", environment={"GIVEN": "given"}
    )
    cancelled.wait(PATIENCE, target_states=[JobState.ACTIVE])
    requeued.wait(PATIENCE, target_states=[JobState.ACTIVE])
    while not Path("first").exists():
        time.sleep(0.1)
    subprocess.run(["scontrol", "requeue", str(requeued.native_id)], check=True)
    held.wait(PATIENCE, target_states=[JobState.QUEUED])
    queued = held.status.state.name
    listed = {job.native_id for job in (value, cancelled, held)} <= set(jobs.executor.list())
    attached = Job()
    jobs.executor.attach(attached, cancelled.native_id)
    cancelled.cancel()
    held.cancel()
    names = {
        "value": value,
        "failing": failing,
        "cancelled": cancelled,
        "held": held,
        "after": after,
        "wide": wide,
        "requeued": requeued,
        "attached": attached,
    }
    found = {name: outcome(job) for name, job in names.items()}
    texts = {name: sorted(Path(f"{name}.txt").read_text().splitlines()) for name in ("value", "after", "wide")}
    print(json.dumps({**found, "texts": texts, "queued": queued, "listed": listed}))


if __name__ == "__main__":
    main()
