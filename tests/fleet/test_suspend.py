"""A job that is suspended by hand, the whole way: it stands still, others get its CPUs, it goes on beside them."""

from __future__ import annotations

from pathlib import Path

from tests.fleet import jobs, processes
from tests.fleet.machines import Machines
from tests.waiting import wait_until

STEP = "while :; do echo . >> beat.$SLURMD_NODENAME; [ -e done ] && exit; sleep 0.05; done"
LIMITS = ("-t10", "--mem=500")


def beats(fleet: Machines, node: str) -> int:
    return len(jobs.text(fleet.work / f"beat.{node}"))


def are_beating(fleet: Machines, *nodes: str) -> None:
    for node in nodes:
        known = beats(fleet, node)
        wait_until(lambda node=node, known=known: beats(fleet, node) > known, f"a task on {node}", logs=fleet.logs)


def are_still(fleet: Machines, *nodes: str) -> None:
    """No task writes any more: between two looks somebody else has done some work."""

    def is_still(node: str) -> bool:
        known = beats(fleet, node)
        fleet.run("msinfo")
        return beats(fleet, node) == known

    for node in nodes:
        wait_until(lambda node=node: is_still(node), f"the tasks on {node} to stand still", logs=fleet.logs)


def said(fleet: Machines, *words: str) -> list[str]:
    done = fleet.run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def nodes(fleet: Machines) -> list[str]:
    return said(fleet, "msinfo", "-hNo", "%N %C %T")


def begun_on_both(fleet: Machines) -> int:
    """A job of two machines with a step on both of them."""
    text = f"echo $(nproc) > own\nsrun -N2 -n2 sh -c '{STEP}'\n"
    job = jobs.submit(fleet, "-N2", "-n2", "-c2", *LIMITS, "-o", "/dev/null", jobs.script(fleet, text))
    wait_until(lambda: beats(fleet, "node1") and beats(fleet, "node2"), "the step to begin", logs=fleet.logs)
    return job


def holding_node1(fleet: Machines, folder: Path) -> int:
    """A job that has all CPUs of the first machine, until the file `over` is there."""
    command = f"nproc > {folder}/nproc; until [ -e {folder}/over ]; do sleep 0.05; done"
    job = jobs.wrap(fleet, command, "-wnode1", "-c2", *LIMITS, "-o", "/dev/null")
    jobs.wait_for(fleet, job, "RUNNING")
    wait_until(lambda: jobs.text(folder / "nproc") == "2\n", "it to have both CPUs", logs=fleet.logs)
    return job


def test_others_get_its_cpus_and_it_goes_on_beside_them(fleet: Machines, tmp_path: Path) -> None:
    first = begun_on_both(fleet)
    assert said(fleet, "mscontrol", "suspend", str(first)) == []
    are_still(fleet, "node1", "node2")
    assert nodes(fleet) == ["node1 0/2/0/2 idle", "node2 0/2/0/2 idle"]
    assert "   AllocTRES=mem=500M" in said(fleet, "mscontrol", "show", "node", "node1")
    assert said(fleet, "msacct", "-nPoJobID,State", f"-j{first}") == [
        f"{first}|SUSPENDED", f"{first}.batch|SUSPENDED", f"{first}.0|SUSPENDED"
    ]  # fmt: skip
    second = holding_node1(fleet, tmp_path)
    are_still(fleet, "node1", "node2")
    assert said(fleet, "mscontrol", "resume", str(first)) == []
    are_beating(fleet, "node1", "node2")
    assert [jobs.job(fleet, one).state.name for one in (first, second)] == ["RUNNING"] * 2
    assert nodes(fleet) == ["node1 2/0/0/2 allocated", "node2 0/2/0/2 allocated"]  # as in Slurm: it counts nowhere
    third = jobs.wrap(fleet, "sleep 0.1", "-wnode1", *LIMITS, "-o", "/dev/null")
    wait_until(lambda: jobs.job(fleet, third).reason == "Resources", "the third to wait", logs=fleet.logs)
    (tmp_path / "over").touch()
    jobs.wait_over(fleet, second, third)
    are_beating(fleet, "node1", "node2")
    (fleet.work / "done").touch()
    ends = jobs.wait_over(fleet, first, second, third)
    assert [job.state.name for job in ends] == ["COMPLETED"] * 3
    job, script, step = said(fleet, "msacct", "-nPoSuspended", f"-j{first}")
    assert job == script == step > "00:00:00"


def test_one_that_stands_still_hears_nothing_but_its_end(fleet: Machines) -> None:
    job = begun_on_both(fleet)
    said(fleet, "mscontrol", "suspend", str(job))
    late = f"mscancel: error: Kill job error on job id {job}: Job can not be altered now, try again later\n"
    step = f"mscancel: error: Kill job error on job step id {job}: Job step not running\n"
    for words, code, error in ((("USR1", str(job)), 228, late), (("USR1", f"{job}.0"), 187, step)):
        done = fleet.run("mscancel", "-s", *words)
        assert (done.returncode, done.stderr) == (code, error)
    assert said(fleet, "mscancel", str(job)) == []
    (over,) = jobs.wait_over(fleet, job)
    assert (over.state.name, over.exit_signal) == ("CANCELLED", 9)


def test_another_controller_and_other_agents_know_whose_cpus_are_lent(fleet: Machines, tmp_path: Path) -> None:
    first = begun_on_both(fleet)
    said(fleet, "mscontrol", "suspend", str(first))
    fleet.end_controllers()
    processes.kill(fleet.agents())
    second = holding_node1(fleet, tmp_path)
    are_still(fleet, "node1", "node2")
    said(fleet, "mscontrol", "resume", str(first))
    are_beating(fleet, "node1", "node2")
    fleet.end_controllers()
    processes.kill(fleet.agents())
    third = jobs.wrap(fleet, "true", "-wnode1", "-c2", *LIMITS, "-o", "/dev/null")
    (tmp_path / "over").touch()
    jobs.wait_over(fleet, second, third)
    are_beating(fleet, "node1", "node2")
    (fleet.work / "done").touch()
    assert [job.state.name for job in jobs.wait_over(fleet, first, second, third)] == ["COMPLETED"] * 3
