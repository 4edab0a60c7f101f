"""Machines and partitions that administrators change, the whole way: command, controller, and what listings show."""

from __future__ import annotations

from tests.fleet import jobs
from tests.fleet.machines import Machines


def control(fleet: Machines, *words: str) -> tuple[int, str]:
    """Exit status and errors."""
    done = fleet.run("mscontrol", *words)
    return done.returncode, done.stderr


def shown(fleet: Machines, command: str, *words: str) -> str:
    done = fleet.run(command, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_drained_machine_gets_no_job_until_it_is_resumed(fleet: Machines) -> None:
    assert control(fleet, "update", "nodename=node1", "state=drain", "reason=fix fan") == (0, "")
    assert shown(fleet, "msinfo", "-h", "-n", "node1", "-o", "%t %T %E") == "drain drained fix fan\n"
    assert "   State=IDLE+DRAIN " in shown(fleet, "mscontrol", "show", "node", "node1")
    job = jobs.wrap(fleet, "true", "--nodelist=node1")
    assert jobs.job(fleet, job).state.name == "PENDING"
    assert control(fleet, "update", "nodename=node1", "state=resume") == (0, "")
    (done,) = jobs.wait_over(fleet, job)
    assert (done.state.name, done.node) == ("COMPLETED", "node1")
    assert shown(fleet, "msinfo", "-hR") == ""


def test_what_runs_on_a_machine_that_is_set_down_is_ended(fleet: Machines) -> None:
    job = jobs.wrap(fleet, "sleep 100", "--nodelist=node1", "--no-requeue")
    jobs.wait_for(fleet, job, "RUNNING")
    assert control(fleet, "update", "nodename=node1", "state=down", "reason=bad disk") == (0, "")
    (done,) = jobs.wait_over(fleet, job)
    assert done.state.name == "NODE_FAIL"
    assert shown(fleet, "msinfo", "-h", "-n", "node1", "-o", "%t") == "down\n"


def test_a_machine_of_the_future_is_left_out_until_it_is_resumed(fleet: Machines) -> None:
    assert control(fleet, "update", "nodename=node1", "state=future") == (0, "")
    assert shown(fleet, "msinfo", "-h", "-N", "-n", "node1") == ""
    hidden = fleet.run("mscontrol", "show", "node", "node1")
    assert (hidden.returncode, hidden.stdout) == (1, "Node node1 not found\n")
    assert "   State=FUTURE " in shown(fleet, "mscontrol", "--future", "show", "node", "node1")
    assert control(fleet, "update", "nodename=node1", "state=idle")[0] == 1
    assert control(fleet, "update", "nodename=node1", "state=resume") == (0, "")
    assert shown(fleet, "msinfo", "-h", "-n", "node1", "-o", "%t") == "idle\n"


def test_a_partition_is_made_used_closed_and_deleted(fleet: Machines) -> None:
    assert control(fleet, "create", "partitionname=new", "nodes=node1", "maxtime=10") == (0, "")
    assert shown(fleet, "msinfo", "-h", "-p", "new", "-o", "%R %a %l %N") == "new up 10:00 node1\n"
    (done,) = jobs.wait_over(fleet, jobs.wrap(fleet, "true", "--partition=new"))
    assert (done.state.name, done.time_limit) == ("COMPLETED", 600)
    assert control(fleet, "update", "partitionname=new", "state=down") == (0, "")
    held = jobs.wrap(fleet, "true", "--partition=new")
    assert control(fleet, "delete", "partitionname=new") == (
        1, "delete_partition partitionname=new: Partition is in use\n"
    )  # fmt: skip
    assert jobs.job(fleet, held).reason == "PartitionDown"
    assert fleet.run("mscancel", str(held)).returncode == 0
    jobs.wait_over(fleet, held)
    assert control(fleet, "delete", "partitionname=new") == (0, "")


NOT_DONE = (
    ("update nodename=node1 state=foo",
     "Invalid input: state=foo\nRequest aborted\n"
     "Valid states are: NoResp DRAIN FAIL FUTURE RESUME POWER_DOWN POWER_UP UNDRAIN\n"
     "Not all states are valid given a node's prior state\n"),
    ("update nodename=node1 state=drain",
     "You must specify a reason when DOWNING or DRAINING a node. Request denied\n"),
    ("update nodename=nodeX weight=2", "slurm_update error: Invalid node name specified\n"),
    ("update nodename=node1 weight=x",
     "mscontrol: error: Weight value (x) is not a valid number\nNo changes specified\n"),
    ("update nodename=node1 gres=gpu:1", "slurm_update error: Invalid generic resource (gres) specification\n"),
    ("update nodename=node1 weight",
     "mscontrol: error: Invalid input: weight  Request aborted\nslurm_update error: No error\n"),
    ("update nodename=node1", "No changes specified\n"),
    ("update partitionname=main", "mscontrol: error: No changes specified\n"),
    ("update partitionname=nope state=up", "slurm_update error: Invalid partition name specified\n"),
    ("update partitionname=main state=x",
     "mscontrol: error: Invalid input: state=x\n"
     "mscontrol: error: Acceptable State values are UP, DOWN, DRAIN and INACTIVE\nslurm_update error: No error\n"),
    ("update partitionname=main frob=1",
     "mscontrol: error: Update of this parameter is not supported: frob=1\n\n"
     "mscontrol: error: Request aborted\nslurm_update error: No error\n"),
    ("create frob=1", "mscontrol: error: Invalid creation entity: frob=1\n"),
    ("create partitionname=new nodes=nodeX", "Error creating the partition: Invalid node name specified\n"),
    ("delete frob=1", "Invalid deletion entity: frob=1\n"),
    ("delete frob", "mscontrol: error: Proper format is 'delete <ENTITY>=<ID>' or 'delete <ENTITY> <ID>'\n"),
    ("delete partitionname=nope", "delete_partition partitionname=nope: Invalid partition name specified\n"),
)  # fmt: skip


def test_what_cannot_be_done_is_said_in_slurms_words(fleet: Machines) -> None:
    for words, error in NOT_DONE:
        assert control(fleet, *words.split()) == (1, error)


def test_the_association_manager_tells_of_users_accounts_and_qos(fleet: Machines) -> None:
    said = fleet.run("mscontrol", "show", "assoc_mgr", "users=root", "flags=users")
    assert (said.returncode, said.stdout) == (
        0,
        "Current Association Manager state\n\nUser Records\n\n"
        "UserName=root(0) DefAccount=root DefWckey= AdminLevel=Administrator\n",
    )
    whole = fleet.run("mscontrol", "show", "cache").stdout
    assert "\nAssociation Records\n\nClusterName=" in whole
    assert "\nQOS Records\n\nQOS=normal(1)\n    UsageRaw=0.000000\n    GrpJobs=N(0) " in whole
    assert fleet.run("mscontrol", "show", "assoc_mgr", "flags=x").stderr == (
        "invalid flag 'x', valid options are 'Assoc, QOS, and/or Users'\n"
    )
    assert fleet.run("mscontrol", "show", "assoc_mgr", "frob=1").stderr == (
        "invalid entity: frob=1 for keyword:show assoc_mgr\n"
    )
