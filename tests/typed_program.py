"""A user's program, as a strict type checker reads it. It is never run: each line says of what type an answer is."""

from __future__ import annotations

from datetime import timedelta
from typing import assert_type

from mini_slurm import (
    AsyncClient,
    AsyncJob,
    Checkpoint,
    Client,
    ClientDispatcher,
    DataBenchSLURM,
    ExperimentResult,
    Job,
    JobFailed,
    JobInfo,
    JobManager,
    JobState,
    JobStatus,
    LocalScheduler,
    NodeInfo,
    PartitionInfo,
    ResourceRequirements,
    Scheduler,
    SlurmConfig,
    SLURMDistributedScheduler,
    SlurmRunner,
    SlurmSpawnedTask,
    WaitTimeout,
)
from mini_slurm.api.batches import SLURMJob
from mini_slurm.api.jobs import JobInfo as Told


def plain() -> None:
    with Client() as client:
        job = client.submit("job.sh", 1, time=timedelta(hours=1), array=range(3), export={"SEED": "7"})
        assert_type(job, Job)
        assert_type(job.info(), JobInfo)
        assert_type(job.state, JobState)
        assert_type(client.wait([job, 3, "4_1"], timeout=1.0), dict[str, JobInfo])
        assert_type(client.jobs(states=[JobState.RUNNING], user=True), list[JobInfo])
        assert_type(client.nodes(), list[NodeInfo])
        assert_type(client.partitions(), list[PartitionInfo])
        assert_type(next(job.follow()), str)
        assert_type(next(iter(client.as_completed([job]))), JobInfo)
        try:
            job.check(timeout=1)
        except JobFailed as error:
            assert_type(error.info, JobInfo)
        except WaitTimeout as error:
            assert_type(error.hint, str)


async def awaited() -> None:
    async with AsyncClient() as client:
        job = await client.submit(wrap="true")
        assert_type(job, AsyncJob)
        assert_type(await job.check(1), JobInfo)
        assert_type(await client.wait([job]), dict[str, JobInfo])
        async for line in job.follow():
            assert_type(line, str)
        async for info in client.as_completed([job]):
            assert_type(info, JobInfo)


def layers() -> None:
    manager = JobManager(LocalScheduler())
    job = manager.submit("a.sh", "a", ResourceRequirements(nodes=2), dependencies=["1"], checkpoint=Checkpoint())
    assert_type(job, str)
    assert_type(manager.status(job), JobStatus)
    assert_type(manager.wait_all([job]), dict[str, JobStatus])
    assert_type(manager.queue(), list[Told])
    bench = DataBenchSLURM()
    assert_type(bench.submit_data_processing_job(script_path="x.py", cpus=4, memory="8G", time_limit="2:00:00"), int)
    assert_type(bench.wait_for_jobs([1], timeout=3600), dict[int, bool])
    assert_type(SLURMDistributedScheduler().squeue(), list[SLURMJob])
    runner = SlurmRunner(slurm_config=SlurmConfig(nodes=1))
    assert_type(runner.spawn_experiment({}), SlurmSpawnedTask)
    assert_type(runner.run_sweep([{}], parallelism=1), list[ExperimentResult])
    assert_type(ClientDispatcher().dispatch_clients(benchmark_id=1, num_clients=2, time_limit=3), str)


class Own(Scheduler):
    """A scheduler of somebody's own has three methods."""

    def submit_job(
        self,
        script_path: object,
        job_name: str,
        resources: ResourceRequirements,
        dependencies: object = None,
        **kwargs: object,
    ) -> str:
        return ""

    def get_job_status(self, job_id: str) -> JobStatus:
        return JobStatus.UNKNOWN

    def cancel_job(self, job_id: str) -> bool:
        return False
