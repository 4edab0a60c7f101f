"""Reservations the whole way: made by a command, kept by the controller, shown by listings, used by jobs."""

from __future__ import annotations

import getpass

import pytest

from tests.fleet import jobs
from tests.fleet.machines import Machines
from tests.waiting import wait_until

ME = getpass.getuser()


def control(fleet: Machines, *words: str) -> tuple[int, str, str]:
    """Exit status, output and errors."""
    done = fleet.run("mscontrol", *words)
    return done.returncode, done.stdout, done.stderr


def shown(fleet: Machines, command: str, *words: str) -> str:
    done = fleet.run(command, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_reservation_is_made_used_and_deleted(fleet: Machines) -> None:
    made = control(fleet, *f"create reservation=course starttime=now duration=60 users={ME} nodes=node1".split())
    assert made == (0, "Reservation created: course\n", "")
    assert "mini_slurm" not in shown(fleet, "mscontrol", "-o", "show", "reservation", "course")
    assert f" Users={ME} Groups=(null) " in shown(fleet, "mscontrol", "show", "res", "course")
    assert shown(fleet, "msinfo", "-T").splitlines()[1].split()[:2] == ["course", "ACTIVE"]
    wait_until(lambda: shown(fleet, "msinfo", "-h", "-n", "node1", "-o", "%t %T") == "resv reserved\n")
    assert "State=IDLE+RESERVED " in shown(fleet, "mscontrol", "show", "node", "node1")
    kept_off = jobs.wrap(fleet, "true", "--nodelist=node1", "--time=5")
    wait_until(lambda: jobs.job(fleet, kept_off).reason == "ReqNodeNotAvail, May be reserved for other job")
    (done,) = jobs.wait_over(fleet, jobs.wrap(fleet, "echo $SLURM_JOB_RESERVATION", "--reservation=course"))
    assert (done.state.name, done.node, done.reservation) == ("COMPLETED", "node1", "course")
    running = jobs.wrap(fleet, "sleep 100", "--reservation=course", "--time=5")
    jobs.wait_for(fleet, running, "RUNNING")
    assert shown(fleet, "msqueue", "-h", "-R", "course", "-o", "%i %v") == f"{running} course\n"
    assert control(fleet, "delete", "reservation=course") == (
        1, "", "delete_reservation reservation=course: Requested reservation is in use\n",
    )  # fmt: skip
    assert fleet.run("mscancel", "--reservation=course").returncode == 0
    jobs.wait_over(fleet, running)
    assert control(fleet, "delete", "reservation", "course") == (0, "", "")
    (done,) = jobs.wait_over(fleet, kept_off)
    assert done.state.name == "COMPLETED"
    assert shown(fleet, "mscontrol", "show", "reservations") == "No reservations in the system\n"
    assert control(fleet, "show", "reservation", "course") == (1, "Reservation course not found\n", "")


def test_a_partition_can_be_reserved_as_a_whole(fleet: Machines) -> None:
    words = f"create reservation=all starttime=tomorrow duration=60 users={ME} partition=main"
    assert control(fleet, *words.split()) == (0, "Reservation created: all\n", "")
    record = shown(fleet, "mscontrol", "-o", "show", "reservation=all")
    assert " PartitionName=main Flags=SPEC_NODES,PART_NODES " in record
    assert control(fleet, *f"{words} nodes=ALL flags=overlap".replace("=all ", "=more ").split())[0] == 0
    assert control(fleet, "delete", "reservation=all") == (0, "", "")


UPDATE = "mscontrol: error: {}\n"
NEW = "starttime=2099-01-01 duration=60"
WRONG = (
    ("create reservation=a users=root nodes=node1", "A start time must be given.  No reservation created."),
    ("create reservation=a starttime=now users=root nodes=node1",
     "An end time or duration must be given.  No reservation created."),
    (f"create reservation=a {NEW} nodes=node1",
     "Either Users/Groups and/or Accounts must be specified.  No reservation created."),
    (f"create reservation=a {NEW} users=root",
     "CoreCnt, Nodes, NodeCnt, BurstBuffer, Licenses or Watts must be specified.  No reservation created."),
    (f"create reservation=a {NEW} users=root frob=1", "Unknown parameter frob=1.  No reservation created."),
    (f"create reservation=a {NEW} users=root nodecnt=x", "Invalid node count x"),
    (f"create reservation=a {NEW} users=root nodes=node1 flags=frob",
     "Error parsing flags frob.  No reservation created."),
    ("create reservation=a starttime=now duration=x users=root",
     "Invalid duration duration=x.  No reservation created."),
    (f"create reservation=a {NEW} endtime=2099-01-02 users=root nodes=node1",
     "StartTime + Duration does not equal EndTime.  No reservation created."),
    ("create reservation=a frob", "Misformatted parameter 'frob', most options have a parameter after '='.  "
     "No reservation created."),
    ("update reservation duration=5", "Reservation must be given.  No reservation update."),
)  # fmt: skip


@pytest.mark.parametrize(("line", "error"), WRONG)
def test_what_does_not_parse_is_told_in_slurms_words(fleet: Machines, line: str, error: str) -> None:
    assert control(fleet, *line.split()) == (1, "", UPDATE.format(error))


def test_what_the_controller_refuses_is_told_in_slurms_words(fleet: Machines) -> None:
    code, out, errors = control(fleet, *f"create reservation=a {NEW} users=root nodecnt=99".split())
    assert (code, errors) == (1, "Error creating the reservation: Requested nodes are busy\n")
    assert out.startswith("Note, unless nodes are directly requested a reservation must exist in a single partition.\n")
    invalid = "Requested reservation is invalid\n"
    assert control(fleet, "update", "reservationname=nope", "duration=5") == (
        1, "", f"Error updating the reservation: {invalid}slurm_update error: {invalid}",
    )  # fmt: skip
    refused = fleet.run("msbatch", "--reservation=nope", "--wrap=true")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.splitlines()[0] == f"msbatch: error: Batch job submission failed: {invalid}".strip()
