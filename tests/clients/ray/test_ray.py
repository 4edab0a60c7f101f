"""Ray: `ray symmetric-run` on two machines that each have a network of their own, called by their addresses."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.environments import HERE
from tests.clients.guides import follow
from tests.clients.lab import Lab
from tests.fleet import testbed as bed_module
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Testbed


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    skip_or_fail(bed_module.missing())
    folder = Path(tempfile.mkdtemp(prefix="mini_slurm-testbed-", dir="/var/lib"))  # machines do not share /tmp
    number = os.getpid() % 250
    fleet = Testbed(tmp_path_factory.mktemp("ray") / "fleet", bed_module.Bed(folder, f"10.77.{number}", f"ms{number}"))
    try:
        fleet.up(**{name: {"cpus": 2, "memory": "4000M"} for name in ("node1", "node2")})
        for name, table in fleet.tables.items():
            table["address"] = fleet.bed.machines[name]["address"]
        fleet.write_fleet(node_names="address")
        fleet.work = fleet.shared
        yield Lab(fleet)
    finally:
        try:
            fleet.close()
        finally:
            shutil.rmtree(folder)


def test_a_program_has_the_cpus_of_both_machines(bed: Lab):
    exported = f"--export=ALL,TASKS={HERE / 'ray'}"
    done = bed.run("ray", "sbatch", "-W", exported, str(HERE / "ray" / "job.sh"), seconds=300)
    text = (bed.folder("ray") / "ray.txt").read_text()
    assert (done.returncode, done.stderr) == (0, ""), text
    (found,) = [line.partition("FOUND ")[2] for line in text.splitlines() if "FOUND " in line]
    addresses = sorted(machine["address"] for machine in bed.fleet.bed.machines.values())
    assert json.loads(found) == [addresses, [0, 1], ["node1", "node2"], "ValueError"]
    assert bed.slurm("sacct", "-nXP", "-o", "State,NNodes", "-j", "1") == "COMPLETED|2\n"


def test_the_guide_leads_from_nothing_to_a_run(bed: Lab):
    assert follow(bed, "ray") >= 3
