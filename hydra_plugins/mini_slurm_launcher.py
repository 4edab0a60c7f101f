"""Where Hydra looks for launchers; it imports this module whenever one of its programs starts."""

from mini_slurm.api.hydra_launcher import MiniSlurmLauncher

__all__ = ["MiniSlurmLauncher"]
