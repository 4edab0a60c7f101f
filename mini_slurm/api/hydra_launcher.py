"""Hydra's sweeps as jobs: `hydra/launcher=mini_slurm`. Needs mini-slurm[hydra], also where the jobs run.

Hydra imports this module whenever one of its programs starts, so it imports little itself.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, filter_overrides
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from mini_slurm.errors import BadUsage

TARGET = "hydra_plugins.mini_slurm_launcher.MiniSlurmLauncher"

log = logging.getLogger(__name__)


@dataclass
class MiniSlurmConf:
    """What a sweep's jobs ask for; None is left to the fleet.

    slurm_folder: for the jobs' output; default: .slurm in the sweep's own. slurm_job_name: default: the program's name.
    timeout_seconds: how long one point's function may take. python: on the machines; default: that of the sweep.
    """

    _target_: str = TARGET
    use_slurm: bool = True
    slurm_partition: str | None = None
    slurm_nodes: int = 1
    slurm_cpus_per_task: int = 1
    slurm_gpus_per_task: int = 0
    slurm_time_limit: str | None = None
    slurm_mem_per_cpu: str | None = None
    slurm_setup_commands: list[str] = field(default_factory=list)
    slurm_job_name: str | None = None
    slurm_array_parallelism: int | None = None
    slurm_options: dict[str, Any] = field(default_factory=dict)
    slurm_folder: str | None = None
    timeout_seconds: float | None = None
    use_ray: bool = False
    python: str | None = None


@dataclass
class MiniSlurmRayConf(MiniSlurmConf):
    """Jobs that start a Ray cluster, as runners of experiments on Slurm do."""

    slurm_partition: str | None = "gpu"
    slurm_nodes: int = 4
    slurm_cpus_per_task: int = 8
    slurm_gpus_per_task: int = 1
    slurm_time_limit: str | None = "08:00:00"
    slurm_mem_per_cpu: str | None = "4GB"
    timeout_seconds: float | None = 28800
    use_ray: bool = True


class MiniSlurmLauncher(Launcher):
    """Submits each batch of a sweep as one job, an array where it has several points, and waits for it."""

    def __init__(self, **settings: Any) -> None:
        """Settings are those of MiniSlurmConf; a launcher's file need not name them all. Raises BadUsage."""
        defaults = {key: value for key, value in vars(MiniSlurmConf()).items() if not key.startswith("_")}
        unknown = ", ".join(sorted(settings.keys() - defaults.keys()))
        if unknown:
            raise BadUsage(f"hydra.launcher has no {unknown}", hint=f"it has {', '.join(sorted(defaults))}")
        self.settings = {**defaults, **{key: _plain(value) for key, value in settings.items()}}
        self.hydra_context: HydraContext | None = None
        self.task_function: TaskFunction | None = None
        self.config: DictConfig | None = None

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Called by Hydra, before launch()."""
        self.hydra_context = hydra_context
        self.task_function = task_function
        self.config = config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run these points; what became of each, in their order. What a point raised is raised by its return_value."""
        from mini_slurm.api import hydra_sweep

        for number, overrides in enumerate(job_overrides, start=initial_job_idx):
            log.info("\t#%d : %s", number, " ".join(filter_overrides(overrides)))
        assert self.config is not None
        hydra = self.config.hydra
        settings = dict(self.settings)
        settings["slurm_job_name"] = settings["slurm_job_name"] or str(hydra.job.name)
        settings["slurm_folder"] = settings["slurm_folder"] or f"{hydra.sweep.dir}/.slurm"
        order = {
            "hydra_context": self.hydra_context,
            "task_function": self.task_function,
            "config": self.config,
            "overrides": [list(overrides) for overrides in job_overrides],
            "first": initial_job_idx,
        }
        return hydra_sweep.run(settings, order)


def _plain(value: Any) -> Any:
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


for _name, _node in (("mini_slurm", MiniSlurmConf), ("mini_slurm_ray", MiniSlurmRayConf)):
    ConfigStore.instance().store(group="hydra/launcher", name=_name, node=_node, provider="mini_slurm")
