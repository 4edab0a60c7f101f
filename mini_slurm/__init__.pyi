"""What type checkers see of mini_slurm/__init__.py, which loads these names only when they are used."""

from mini_slurm.api.aio import AsyncClient as AsyncClient
from mini_slurm.api.aio import AsyncJob as AsyncJob
from mini_slurm.api.client import Client as Client
from mini_slurm.api.faults import JobFailed as JobFailed
from mini_slurm.api.faults import UnknownJob as UnknownJob
from mini_slurm.api.faults import WaitTimeout as WaitTimeout
from mini_slurm.api.info import JobInfo as JobInfo
from mini_slurm.api.info import NodeInfo as NodeInfo
from mini_slurm.api.info import PartitionInfo as PartitionInfo
from mini_slurm.api.job import Job as Job
from mini_slurm.errors import BadUsage as BadUsage
from mini_slurm.errors import FleetError as FleetError
from mini_slurm.errors import MiniSlurmError as MiniSlurmError
from mini_slurm.errors import Refused as Refused
from mini_slurm.errors import StateError as StateError
from mini_slurm.errors import Unreachable as Unreachable
from mini_slurm.model.states import JobState as JobState

__version__: str
