"""What type checkers see of mini_slurm/__init__.py, which loads these names only when they are used."""

from mini_slurm.api.aio import AsyncClient as AsyncClient
from mini_slurm.api.aio import AsyncJob as AsyncJob
from mini_slurm.api.batches import DataBenchSLURM as DataBenchSLURM
from mini_slurm.api.batches import SLURMDistributedScheduler as SLURMDistributedScheduler
from mini_slurm.api.client import Client as Client
from mini_slurm.api.experiment_script import SlurmConfig as SlurmConfig
from mini_slurm.api.experiments import ExperimentResult as ExperimentResult
from mini_slurm.api.experiments import SlurmRunner as SlurmRunner
from mini_slurm.api.experiments import SlurmSpawnedTask as SlurmSpawnedTask
from mini_slurm.api.faults import JobFailed as JobFailed
from mini_slurm.api.faults import UnknownJob as UnknownJob
from mini_slurm.api.faults import WaitTimeout as WaitTimeout
from mini_slurm.api.groups import ClientDispatcher as ClientDispatcher
from mini_slurm.api.info import JobInfo as JobInfo
from mini_slurm.api.info import NodeInfo as NodeInfo
from mini_slurm.api.info import PartitionInfo as PartitionInfo
from mini_slurm.api.job import Job as Job
from mini_slurm.api.jobs import Checkpoint as Checkpoint
from mini_slurm.api.jobs import JobManager as JobManager
from mini_slurm.api.jobs import JobStatus as JobStatus
from mini_slurm.api.jobs import LocalScheduler as LocalScheduler
from mini_slurm.api.jobs import LSFScheduler as LSFScheduler
from mini_slurm.api.jobs import PBSScheduler as PBSScheduler
from mini_slurm.api.jobs import ResourceRequirements as ResourceRequirements
from mini_slurm.api.jobs import Scheduler as Scheduler
from mini_slurm.api.jobs import SLURMScheduler as SLURMScheduler
from mini_slurm.errors import BadUsage as BadUsage
from mini_slurm.errors import FleetError as FleetError
from mini_slurm.errors import MiniSlurmError as MiniSlurmError
from mini_slurm.errors import Refused as Refused
from mini_slurm.errors import StateError as StateError
from mini_slurm.errors import TemplateError as TemplateError
from mini_slurm.errors import Unreachable as Unreachable
from mini_slurm.model.states import JobState as JobState

__version__: str
