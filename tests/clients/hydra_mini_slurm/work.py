"""A sweep by hydra, each point of it a job."""

from __future__ import annotations

import os
import time
from pathlib import Path

import hydra
from omegaconf import DictConfig


@hydra.main(version_base="1.3", config_path=None)
def main(config: DictConfig) -> float:
    if config.x == 3:
        raise ValueError("three is not to be had")
    if config.x == 4:
        os._exit(9)
    if config.x == 5:
        time.sleep(60)
    Path("product.txt").write_text(f"{config.x * config.y} {os.environ.get('SLURM_ARRAY_TASK_ID', 'single')}")
    return float(config.x * config.y)


if __name__ == "__main__":
    main()
