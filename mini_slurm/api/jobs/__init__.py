"""Jobs on whatever scheduler there is: one interface to a fleet, a Slurm, a PBS, an LSF, or no scheduler at all.

from mini_slurm.api.jobs import JobManager, ResourceRequirements

manager = JobManager()
job = manager.submit("train.sh", "training", ResourceRequirements(gpus_per_node=1))
print(manager.wait(job))
"""

from mini_slurm.api.jobs.backoff import Backoff
from mini_slurm.api.jobs.base import Scheduler
from mini_slurm.api.jobs.local import LocalScheduler
from mini_slurm.api.jobs.manager import JobManager
from mini_slurm.api.jobs.schedulers import LSFScheduler, PBSScheduler, SLURMScheduler
from mini_slurm.api.jobs.values import Checkpoint, JobInfo, JobStatus, ResourceRequirements

__all__ = [
    "Backoff",
    "Checkpoint",
    "JobInfo",
    "JobManager",
    "JobStatus",
    "LSFScheduler",
    "LocalScheduler",
    "PBSScheduler",
    "ResourceRequirements",
    "SLURMScheduler",
    "Scheduler",
]
