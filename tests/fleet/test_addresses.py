"""A fleet whose names nobody can look up: nodes are called by their addresses, and understood by either."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.fleet import jobs, sshd
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Machines

BOTH = "127.0.0.[2-3]"
PEERS = r"""
echo list $SLURM_JOB_NODELIST $SLURM_NODELIST $SLURMD_NODENAME
echo hosts $(scontrol show hostnames)
srun -l bash -c 'echo $SLURMD_NODENAME $SLURM_STEP_NODELIST'
srun -w node2 -n1 -N1 bash -c 'echo by name $SLURMD_NODENAME'
srun -w 127.0.0.3 -n1 -N1 bash -c 'echo by address $SLURMD_NODENAME'
srun -x node1 -n1 -N1 bash -c 'echo without $SLURMD_NODENAME'
srun python3 -c '
import os, socket, time
head = os.popen("scontrol show hostnames").read().split()[0]
port = 20000 + int(os.environ["SLURM_JOB_ID"])
if os.environ["SLURM_PROCID"] == "0":
    with socket.create_server((head, port)) as server:
        print("met", server.accept()[0].recv(9).decode())
else:
    for _ in range(200):
        try:
            caller = socket.create_connection((head, port))
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    caller.sendall(b"a friend.")
'
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    skip_or_fail(sshd.missing())
    fleet = Machines(tmp_path_factory.mktemp("addresses") / "fleet")
    try:
        for number in (1, 2):
            fleet.add(f"node{number}", cpus=2, memory="2000M", address=f"127.0.0.{number + 1}")
        fleet.write_fleet(node_names="address")
        yield fleet
    finally:
        fleet.close()


@pytest.fixture(scope="module")
def printed(fleet: Machines) -> list[str]:
    """What a job on both machines found out."""
    number = jobs.submit(fleet, "-N2", "-n2", jobs.script(fleet, PEERS))
    jobs.wait_over(fleet, number)
    return (fleet.work / f"slurm-{number}.out").read_text().splitlines()


def told(fleet: Machines, *words: str) -> str:
    done = fleet.run(*words)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout.strip()


def test_a_job_is_told_addresses(printed: list[str]) -> None:
    assert printed[:2] == [f"list {BOTH} {BOTH} 127.0.0.2", "hosts 127.0.0.2 127.0.0.3"]
    assert sorted(printed[2:4]) == [f"0: 127.0.0.2 {BOTH}", f"1: 127.0.0.3 {BOTH}"]


def test_steps_take_names_and_addresses(printed: list[str]) -> None:
    assert printed[4:7] == ["by name 127.0.0.3", "by address 127.0.0.3", "without 127.0.0.3"]


def test_tasks_meet_at_the_first_node(printed: list[str]) -> None:
    assert printed[7:] == ["met a friend."]


def test_listings_show_addresses(fleet: Machines, printed: list[str]) -> None:
    assert told(fleet, "msinfo", "-h", "-o", "%N") == BOTH
    assert told(fleet, "msacct", "-nXP", "-o", "NodeList", "-j", "1") == BOTH
    assert "PartitionName=main" in told(fleet, "mscontrol", "show", "partition")
    assert f" Nodes={BOTH}\n" in told(fleet, "mscontrol", "show", "partition")


@pytest.mark.parametrize("name", ["node2", "127.0.0.3"])
def test_a_node_is_found_by_either_name(fleet: Machines, printed: list[str], name: str) -> None:
    record = told(fleet, "mscontrol", "show", "node", name)
    assert record.startswith("NodeName=127.0.0.3 ")
    assert "NodeAddr=127.0.0.3 NodeHostName=node2 " in record
    assert told(fleet, "msinfo", "-h", "-n", name, "-o", "%N") == "127.0.0.3"
    assert told(fleet, "msacct", "-nXP", "-o", "JobID", "-N", name).splitlines()[0] == "1"


@pytest.mark.parametrize("name", ["node2", "127.0.0.3"])
def test_a_job_can_ask_for_either_name(fleet: Machines, name: str) -> None:
    number = jobs.wrap(fleet, "sleep 300", "-w", name)
    other = jobs.wrap(fleet, "true", "-x", name)
    assert jobs.wait_for(fleet, number, "RUNNING").node_list == "127.0.0.3"
    assert told(fleet, "msqueue", "-h", "-w", name, "-o", "%i %N %n") == f"{number} 127.0.0.3 127.0.0.3"
    told(fleet, "mscancel", "-w", name)
    first, second = jobs.wait_over(fleet, number, other)
    assert (first.state.name, second.node_list) == ("CANCELLED", "127.0.0.2")


def test_administrators_may_say_either_name(fleet: Machines) -> None:
    told(fleet, "mscontrol", "update", "NodeName=node1", "State=DRAIN", "Reason=tired")
    assert told(fleet, "msinfo", "-h", "-t", "drain", "-o", "%N") == "127.0.0.2"
    told(fleet, "mscontrol", "update", "NodeName=127.0.0.2", "State=RESUME")
    told(fleet, "mscontrol", "create", "reservation", "Reservation=r", "Nodes=node2", "Start=now", "Duration=60",
         "Users=root")  # fmt: skip
    assert " Nodes=127.0.0.3 " in told(fleet, "mscontrol", "show", "reservation", "r")
    told(fleet, "mscontrol", "delete", "ReservationName=r")


def test_the_doctor_finds_that_all_reach_each_other(fleet: Machines) -> None:
    found = json.loads(fleet.run("mini-slurm", "doctor", "--json", "node1", "node2").stdout)["findings"]
    network = [one["text"] for one in found if one["check"] == "network"]
    assert not [text for text in network if text.startswith("127.0.0")]
