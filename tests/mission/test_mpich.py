"""MPICH's mpiexec (Hydra) in a job: it starts its proxies on the machines by srun."""

from __future__ import annotations

import shutil

from tests.fleet.conftest import skip_or_fail
from tests.mission.conftest import NODES, Lab


def test_an_all_reduce_over_four_machines(lab: Lab) -> None:
    skip_or_fail("" if shutil.which("mpiexec.hydra") else "mpiexec.hydra is not installed (Debian: apt install mpich)")
    lab.place("mpich_allreduce.py")
    out = lab.complete(lab.submit(lab.place("mpich_allreduce.sh"))).splitlines()
    ranks = [line for line in out if line.startswith("rank")]
    assert sorted(ranks) == [f"rank {rank} of 8 on {NODES[rank // 2]}: 36" for rank in range(8)]
    # As Slurm's srun says where mpiexec starts one process a machine in a job with --ntasks-per-node.
    assert "can't honor --ntasks-per-node set to 2" in out[0]
    assert [line for line in out[1:] if line not in ranks] == ["mpiexec ended with 0", "mpiexec ended with 2"]
