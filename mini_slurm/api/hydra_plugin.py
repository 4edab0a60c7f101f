"""In the wheel this is `hydra_plugins.mini_slurm_launcher`: Hydra looks there whenever one of its programs starts.

Hydra 1.3 takes a launcher from no other package.
"""

from mini_slurm.api import hydra_launcher


class MiniSlurmLauncher(hydra_launcher.MiniSlurmLauncher):
    """The launcher as Hydra names it."""
