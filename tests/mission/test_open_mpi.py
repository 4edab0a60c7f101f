"""Open MPI's mpirun in a job: it starts its daemons on the other machines by srun."""

from __future__ import annotations

import shutil

from tests.fleet.conftest import skip_or_fail
from tests.mission.conftest import NODES, Lab


def test_an_all_reduce_over_four_machines(lab: Lab) -> None:
    skip_or_fail("" if shutil.which("orterun") else "mpirun is not installed (Debian: apt install openmpi-bin)")
    lab.place("mpi_allreduce.py")
    out = lab.complete(lab.submit(lab.place("mpi_allreduce.sh"))).splitlines()
    ranks = [line for line in out if line.startswith("rank")]
    assert sorted(ranks) == [f"rank {rank} of 8 on {NODES[rank // 2]}: 36" for rank in range(8)]
    assert [line for line in out if line not in ranks] == ["mpirun ended with 0", "mpirun ended with 2"]
