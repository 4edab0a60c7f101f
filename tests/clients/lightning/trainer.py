"""A training whose trainer, told that its time is nearly over, saves a checkpoint and has Slurm requeue the job."""

from __future__ import annotations

import os
import time

import torch
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.plugins.environments import SLURMEnvironment

RESUMED = os.environ.get("SLURM_RESTART_COUNT", "0") != "0"
FOLDER = os.path.join(os.getcwd(), os.environ.get("SLURM_ARRAY_TASK_ID", "alone"))


class Slow(LightningModule):
    """A model that learns for ever in its first run, and a few steps in the next."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.began = 0

    def on_train_start(self) -> None:
        self.began = self.trainer.global_step
        print("BEGINS", self.began, flush=True)

    def training_step(self, batch: torch.Tensor) -> torch.Tensor:
        time.sleep(0.1)
        self.trainer.should_stop = RESUMED and self.trainer.global_step >= self.began + 5
        return self.layer(batch).sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


def main() -> None:
    trainer = Trainer(
        accelerator="cpu", max_epochs=1, default_root_dir=FOLDER, logger=False, enable_progress_bar=False,
        enable_model_summary=False, plugins=[SLURMEnvironment(auto_requeue=True)],
    )  # fmt: skip
    trainer.fit(Slow(), torch.utils.data.DataLoader(torch.ones(100_000, 1)))
    print("ENDS", trainer.global_step, flush=True)


main()
