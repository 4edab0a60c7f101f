"""Slurm's commands for machines that have no Slurm; and the Python client, whose names are loaded when used."""

__version__ = "0.1.0"

# name -> the module that has it. This file also travels to the machines, where there is no client.
_NAMES = {
    "AsyncClient": "api.aio",
    "AsyncJob": "api.aio",
    "BadUsage": "errors",
    "Checkpoint": "api.jobs",
    "Client": "api.client",
    "ClientDispatcher": "api.groups",
    "DataBenchSLURM": "api.batches",
    "ExperimentResult": "api.experiments",
    "FleetError": "errors",
    "Job": "api.job",
    "JobFailed": "api.faults",
    "JobInfo": "api.info",
    "JobManager": "api.jobs",
    "JobState": "model.states",
    "JobStatus": "api.jobs",
    "LocalScheduler": "api.jobs",
    "LSFScheduler": "api.jobs",
    "MiniSlurmError": "errors",
    "NodeInfo": "api.info",
    "PartitionInfo": "api.info",
    "PBSScheduler": "api.jobs",
    "Refused": "errors",
    "ResourceRequirements": "api.jobs",
    "Scheduler": "api.jobs",
    "SlurmConfig": "api.experiment_script",
    "SLURMDistributedScheduler": "api.batches",
    "SlurmRunner": "api.experiments",
    "SLURMScheduler": "api.jobs",
    "SlurmSpawnedTask": "api.experiments",
    "StateError": "errors",
    "TemplateError": "errors",
    "UnknownJob": "api.faults",
    "Unreachable": "errors",
    "WaitTimeout": "api.faults",
}
__all__ = list(_NAMES)


def __getattr__(name):  # type: ignore[no-untyped-def]
    if name not in _NAMES:
        raise AttributeError("module 'mini_slurm' has no attribute " + repr(name))
    from importlib import import_module

    value = globals()[name] = getattr(import_module("mini_slurm." + _NAMES[name]), name)
    return value


def __dir__():  # type: ignore[no-untyped-def]
    return sorted({*globals(), *_NAMES})
