"""A partition where jobs share CPUs, the whole way: they run at the same time on the same ones."""

from __future__ import annotations

from pathlib import Path

from tests import waiting
from tests.fleet import jobs
from tests.fleet.machines import Machines

TABLE = """
[partitions.shared]
machines = "node1"
over_subscribe = "FORCE:2"
"""
ALL = ("-p", "shared", "--exclusive", "-t10")  # a row of the machine's CPUs


def test_two_jobs_have_the_same_cpus_and_the_third_waits(fleet: Machines, tmp_path: Path) -> None:
    with open(fleet.fleet_file, "a") as file:
        file.write(TABLE)
    outputs = [tmp_path / f"{number}.txt" for number in range(3)]
    script = f"taskset -cp $$; until [ -e {tmp_path}/go ]; do sleep 0.1; done"
    first, second = (jobs.submit(fleet, *ALL, "-o", str(one), jobs.script(fleet, script)) for one in outputs[:2])
    waiting.wait_until(lambda: all(map(jobs.text, outputs[:2])), "both to run", logs=fleet.logs)
    cpus = [jobs.text(one).rpartition(":")[2] for one in outputs[:2]]
    assert cpus[0] == cpus[1]
    third = jobs.submit(fleet, *ALL, "-o", str(outputs[2]), jobs.script(fleet, script))
    say = ("msqueue", "-ho", "%T %h %r", "-j", str(third))
    waiting.wait_until(lambda: fleet.run(*say).stdout == "PENDING YES Resources\n", "its reason", logs=fleet.logs)
    assert fleet.run("msinfo", "-hp", "shared", "-o", "%h %t").stdout == "FORCE:2 alloc\n"
    node = fleet.run("mscontrol", "show", "node", "node1").stdout
    total = node.partition("CPUTot=")[2].split()[0]
    assert f"CPUAlloc={total} " in node
    (tmp_path / "go").touch()
    over = jobs.wait_over(fleet, first, second, third)
    assert [job.state.name for job in over] == ["COMPLETED"] * 3
