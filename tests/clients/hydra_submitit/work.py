"""A sweep by hydra, each point of it a job."""

from __future__ import annotations

import os
from pathlib import Path

import hydra
from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=None)
def main(config: DictConfig) -> None:
    if config.x == 3:
        raise ValueError("three is not to be had")
    Path("product.txt").write_text(f"{config.x * config.y} {os.environ['SLURM_ARRAY_TASK_ID']}")


if __name__ == "__main__":
    main()
