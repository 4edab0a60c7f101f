"""One process of a JAX program that finds the others by Slurm's variables; process 0 prints what they computed."""

from __future__ import annotations

import json
import sys

import jax

jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_cpu_collectives_implementation", "gloo")
jax.distributed.initialize()  # no arguments: Slurm is detected

from jax.experimental import multihost_utils  # noqa: E402 - after initialize()

if len(sys.argv) > 1 and jax.process_index() == int(sys.argv[1]):
    sys.exit(3)
ranks = multihost_utils.process_allgather(jax.numpy.array([jax.process_index()], dtype="int32"))
squares = int((ranks.reshape(-1) ** 2).sum())
if jax.process_index() == 0:
    from jax._src.distributed import global_state

    print(
        "FOUND",
        json.dumps([jax.process_count(), jax.device_count(), squares, global_state.coordinator_address]),
        flush=True,
    )
