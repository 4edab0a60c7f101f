"""Batches of data on a fleet that a JSON file describes: a job for each script, each file, each symbol.

    from mini_slurm.api.batches import DataBenchSLURM

    bench = DataBenchSLURM()
    jobs = bench.submit_batch_processing(["a.csv", "b.csv"], "scripts/process_file.py")
    print(bench.wait_for_jobs(jobs))

On the command line: python -m mini_slurm.api.batches sinfo|sbatch|squeue|scancel|sacct.
"""

from mini_slurm.api.batches.bench import DataBenchSLURM
from mini_slurm.api.batches.scheduler import SLURMDistributedScheduler, SLURMJob

__all__ = ["DataBenchSLURM", "SLURMDistributedScheduler", "SLURMJob"]
