"""Faults of whole machines, on machines in namespaces: power, cables, disks. And what is killed while output flows."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.fleet import jobs, processes
from tests.fleet.machines import Machines, Testbed
from tests.waiting import wait_until

Make = Callable[..., Testbed]
MINUTE = 60.0  # seconds
NO_NODE = "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions"
NODE = {"cpus": 4, "memory": "1000M"}
COUNT = """echo start >> {name}.marks
n=0
while [ ! -e gate ]; do echo {name} $n; n=$((n + 1)); sleep 0.02; done
echo {name} end
echo end >> {name}.marks"""


def bring_up(testbed: Make, *, keepalive: str = "1", **tables: dict[str, object]) -> Testbed:
    """A fleet whose controller notices a dead connection within a few of these seconds."""
    fleet = testbed(**tables)
    fleet.variables["MINI_SLURM_SSH_KEEPALIVE"] = keepalive
    return fleet


def wrap(fleet: Testbed, command: str, *words: str) -> int:
    """A job in the folder that all machines share."""
    return jobs.wrap(fleet, command, "-D", str(fleet.shared), *words)


def count(fleet: Machines | Testbed, name: str, *words: str, folder: Path | None = None) -> int:
    """A job that prints numbers until there is a file `gate`, and marks its start and its end."""
    where = folder or fleet.shared
    return jobs.wrap(fleet, COUNT.format(name=name), "-D", str(where), *words)


def has_counted(path: Path, name: str, more_than: int) -> bool:
    """Has the output come so far?"""
    return f"{name} {more_than}\n" in jobs.text(path)


def check_counted(path: Path, name: str) -> None:
    """All numbers, in order, each once, and the last line."""
    *numbers, last = path.read_text().splitlines()
    assert last == f"{name} end"
    assert numbers == [f"{name} {n}" for n in range(len(numbers))]


def listed(fleet: Testbed, *words: str) -> str:
    """What msinfo prints."""
    done = fleet.run("msinfo", "-h", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def reach_both(fleet: Testbed) -> None:
    """Have the controller connected to node1 and node2."""
    jobs.wait_over(fleet, *(wrap(fleet, "true", "-w", name, "-o", "/dev/null") for name in ("node1", "node2")))


# --- power


def test_a_crash_of_the_machine_requeues_its_jobs_or_ends_them_as_node_fail(testbed: Make) -> None:
    fleet = bring_up(testbed, node1=NODE)
    script = "echo run ${SLURM_RESTART_COUNT:-0} >> {0}.marks; while [ ! -e gate ]; do sleep 0.05; done; echo done"
    names = ("again", "once")
    again, once = (
        wrap(fleet, script.replace("{0}", name), "-o", f"{name}.out", option)
        for name, option in zip(names, ("--requeue", "--no-requeue"), strict=True)
    )
    for name in names:
        wait_until(lambda name=name: jobs.text(fleet.shared / f"{name}.marks"), f"{name} to run", logs=fleet.logs)
    fleet.bed.crash("node1")
    (fleet.shared / "gate").touch()
    fleet.bed.boot("node1")
    [first, second] = jobs.wait_over(fleet, again, once, seconds=60)
    assert (first.state.name, first.restarts, second.state.name, second.restarts) == ("COMPLETED", 1, "NODE_FAIL", 0)
    assert jobs.text(fleet.shared / "again.marks") == "run 0\nrun 1\n"
    assert jobs.text(fleet.shared / "once.marks") == "run 0\n"
    assert jobs.text(fleet.shared / "again.out") == "done\n"


# --- cables


def test_a_cable_cut_for_a_minute_costs_no_output_and_no_second_run(testbed: Make) -> None:
    fleet = bring_up(testbed, keepalive="5", node1=NODE)
    files = {"all": ["-o", "all.out"], "split": ["-o", "split.out", "-e", "split.err"], "order": []}
    numbers = {name: count(fleet, name, *words) for name, words in files.items()}
    outputs = {name: fleet.shared / f"{name}.out" for name in ("all", "split")}
    outputs["order"] = fleet.shared / f"slurm-{numbers['order']}.out"
    flood = wrap(fleet, "while [ ! -e cut ]; do sleep 0.1; done; seq 1000000", "-o", "flood.out")
    for name, path in outputs.items():
        wait_until(lambda name=name, path=path: has_counted(path, name, 5), f"output of {name}", logs=fleet.logs)
    jobs.wait_for(fleet, flood, "RUNNING")
    fleet.bed.cut("node1")
    begin = time.monotonic()
    (fleet.shared / "cut").touch()
    wait_until(lambda: time.monotonic() > begin + MINUTE, "a minute to pass", seconds=2 * MINUTE)
    (fleet.shared / "gate").touch()
    fleet.bed.heal("node1")
    ended = jobs.wait_over(fleet, *numbers.values(), flood, seconds=60)
    assert {(job.state.name, job.restarts, job.attempt) for job in ended} == {("COMPLETED", 0, 1)}
    for name, path in outputs.items():
        check_counted(path, name)
        assert jobs.text(fleet.shared / f"{name}.marks") == "start\nend\n"
    assert (fleet.shared / "flood.out").read_text() == "".join(f"{n}\n" for n in range(1, 1_000_001))


def test_a_machine_that_is_away_too_long_is_down_and_its_job_runs_elsewhere(testbed: Make) -> None:
    fleet = bring_up(testbed, node1=NODE, node2={**NODE, "weight": 9})
    fleet.write_fleet(node_timeout=5, kill_wait=1)
    reach_both(fleet)
    alive = "trap '' TERM; while [ ! -e gate ]; do date +%s.%N >> alive.$(uname -n); sleep 0.05; done"
    moved = wrap(fleet, alive, "-o", "moved.out")
    wait_until(lambda: jobs.text(fleet.shared / "alive.node1"), "the job on node1", logs=fleet.logs)
    fleet.bed.cut("node1")
    wait_until(lambda: "down*" in listed(fleet, "-n", "node1", "-o", "%t"), "node1 to be down", logs=fleet.logs)
    wait_until(lambda: jobs.text(fleet.shared / "alive.node2"), "the job on node2", logs=fleet.logs)
    assert listed(fleet, "-R", "-o", "%E %N").endswith(" node1\n")
    assert jobs.job(fleet, moved).restarts == 1
    later = wrap(fleet, "date +%s.%N", "-w", "node1", "-o", "later.out")
    fleet.bed.heal("node1")
    [job] = jobs.wait_over(fleet, later, seconds=60)
    assert job.state.name == "COMPLETED"
    assert float(jobs.text(fleet.shared / "later.out")) > float(jobs.text(fleet.shared / "alive.node1").split()[-1])
    (fleet.shared / "gate").touch()
    [job] = jobs.wait_over(fleet, moved)
    assert (job.state.name, job.node, job.restarts) == ("COMPLETED", "node2", 1)


# --- disks


def test_a_machine_whose_disk_was_full_from_the_start_says_so_and_runs_the_job_once_there_is_room(
    testbed: Make,
) -> None:
    fleet = bring_up(testbed, node1=NODE)
    fleet.bed.fill("node1")
    number = wrap(fleet, "echo done", "-o", "out")
    wait_until(lambda: "no space left" in listed(fleet, "-R", "-o", "%E"), "the reason in msinfo -R", logs=fleet.logs)
    job = jobs.job(fleet, number)
    assert (job.state.name, job.reason) == ("PENDING", NO_NODE)
    fleet.bed.empty("node1")
    [job] = jobs.wait_over(fleet, number)
    assert (job.state.name, jobs.text(fleet.shared / "out")) == ("COMPLETED", "done\n")


def test_a_disk_that_fills_up_sends_jobs_elsewhere_and_is_named_in_msinfo(testbed: Make) -> None:
    fleet = bring_up(testbed, node1=NODE, node2={**NODE, "weight": 9})
    reach_both(fleet)
    fleet.bed.fill("node1")
    elsewhere = wrap(fleet, "uname -n", "-o", "elsewhere.out")
    pinned = wrap(fleet, "uname -n", "-o", "pinned.out", "-w", "node1")
    jobs.wait_over(fleet, elsewhere)
    assert jobs.text(fleet.shared / "elsewhere.out") == "node2\n"
    assert jobs.job(fleet, pinned).state.name == "PENDING"
    wait_until(lambda: "no space left" in listed(fleet, "-R", "-o", "%E"), "the reason in msinfo -R", logs=fleet.logs)
    fleet.bed.empty("node1")
    processes.kill(fleet.sessions("node1"))  # a new connection is tried sooner than a machine that refused
    jobs.wait_over(fleet, pinned)
    assert jobs.text(fleet.shared / "pinned.out") == "node1\n"
    wait_until(lambda: not listed(fleet, "-R", "-o", "%E"), "the reason to be gone", logs=fleet.logs)


def test_a_job_whose_output_fills_the_disk_goes_on_when_there_is_room_again(testbed: Make) -> None:
    fleet = bring_up(testbed, node1=NODE)
    name = "full" * 50  # long lines: what is left of the last page on the disk is soon used up
    number = count(fleet, name)
    path = fleet.shared / f"slurm-{number}.out"
    wait_until(lambda: has_counted(path, name, 5), "output", logs=fleet.logs)
    fleet.bed.fill("node1")
    wait_until(lambda: _stands_still(path), "output to stand still", logs=fleet.logs)
    (fleet.shared / "gate").touch()
    fleet.bed.empty("node1")
    [job] = jobs.wait_over(fleet, number)
    assert job.state.name == "COMPLETED"
    check_counted(path, name)


def _stands_still(path: Path) -> bool:
    size, end = path.stat().st_size, time.monotonic() + 1
    while time.monotonic() < end:
        if path.stat().st_size != size:
            return False
        time.sleep(0.02)
    return True


# --- what is killed while output flows


def check_survives(fleet: Machines, kill: Callable[[], None]) -> None:
    number = count(fleet, "steady", folder=fleet.work)
    path = fleet.work / f"slurm-{number}.out"
    wait_until(lambda: has_counted(path, "steady", 5), "output", logs=fleet.logs)
    kill()
    size = path.stat().st_size
    wait_until(lambda: path.stat().st_size > size + 100, "output to go on", logs=fleet.logs)
    (fleet.work / "gate").touch()
    [job] = jobs.wait_over(fleet, number)
    assert (job.state.name, job.exit_code, job.attempt) == ("COMPLETED", 0, 1)
    check_counted(path, "steady")
    assert jobs.text(fleet.work / "steady.marks") == "start\nend\n"


def test_connections_killed_during_output_cost_none_of_it(fleet: Machines) -> None:
    check_survives(fleet, lambda: [machine.kill_sessions() for machine in fleet.machines.values()])


def test_an_agent_killed_during_output_costs_none_of_it(fleet: Machines) -> None:
    check_survives(fleet, lambda: processes.kill(fleet.agents()))


def test_a_stepd_killed_during_output_costs_none_of_it(fleet: Machines) -> None:
    check_survives(fleet, lambda: processes.kill(p for p in processes.mentioning(fleet.folder) if p.name == "msstepd"))


def test_a_controller_killed_during_output_costs_none_of_it(fleet: Machines) -> None:
    def kill() -> None:
        processes.kill(fleet.controllers())
        assert fleet.run("msqueue").returncode == 0  # starts the next one

    check_survives(fleet, kill)
