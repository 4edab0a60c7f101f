"""One process of a Lightning Fabric program that finds the others by Slurm's variables; process 0 prints their sum."""

from __future__ import annotations

import json
import sys

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import SLURMEnvironment

if len(sys.argv) > 3:
    sys.exit(int(sys.argv[3]))
nodes, devices = map(int, sys.argv[1:3])
fabric = Fabric(accelerator="cpu", devices=devices, num_nodes=nodes, strategy="ddp")
fabric.launch()
environment = fabric.strategy.cluster_environment
assert isinstance(environment, SLURMEnvironment), environment
total = fabric.all_reduce(torch.tensor([float(fabric.global_rank + 1)]), reduce_op="sum")
if fabric.global_rank == 0:
    print(
        "FOUND",
        json.dumps([fabric.world_size, total.item(), environment.main_address, environment.job_id()]),
        flush=True,
    )
