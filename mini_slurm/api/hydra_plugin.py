"""In the wheel this is `hydra_plugins.mini_slurm_launcher`: Hydra looks there whenever one of its programs starts."""

from mini_slurm.api.hydra_launcher import MiniSlurmLauncher

__all__ = ["MiniSlurmLauncher"]
