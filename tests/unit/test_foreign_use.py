"""Tables of who uses machines besides jobs, and which of the processes of a machine these are."""

from __future__ import annotations

import os

from mini_slurm.agent import foreign
from mini_slurm.agent.foreign import Sight
from mini_slurm.model.foreign_use import ForeignUse, format_uses, parse_uses
from mini_slurm.model.job import Job
from mini_slurm.output import foreign_use
from mini_slurm.output.layout import View

USE = ForeignUse(7, 5, "bob", "python", 0.0, 1.25, 900, "GPU-1", 1, 5000)
SIGHTS = {
    1: Sight(0, 1, 0.0, 1),
    10: Sight(1, 2, 5.0, 1),
    11: Sight(10, 3, 5.0, 1),
    12: Sight(11, 4, 95.0, 10),
    20: Sight(1, 5, 60.0, 10),
    21: Sight(1, 6, 0.0, 5000),
    22: Sight(1, 7, 0.0, 5),
    30: Sight(2, 8, 90.0, 0),
}


def view() -> View:
    return View(now=7200.0, moment=lambda seconds: f"at{seconds:.0f}")


def test_uses_are_written_and_read() -> None:
    assert parse_uses(format_uses([USE])) == [USE]


def test_a_process_is_whose_it_descends_from() -> None:
    roots = {11: "s.1.0", 10: ""}
    assert [foreign.holder(pid, SIGHTS, roots) for pid in (12, 11, 10, 20, 99)] == ["s.1.0", "s.1.0", "", None, None]


def test_parents_in_a_ring_end_the_search() -> None:
    assert foreign.holder(1, {1: Sight(2, 0, 0.0, 0), 2: Sight(1, 0, 0.0, 0)}, {}) is None


def test_only_those_that_use_much_and_are_no_jobs_are_named() -> None:
    before = {pid: sight._replace(seconds=0.0) for pid, sight in SIGHTS.items()}
    found = foreign.busy(SIGHTS, before, 60.0, {11: "s.1.0"})
    assert [(one["pid"], one["cpus"], one["memory"]) for one in found] == [(21, 0.0, 5000), (20, 1.0, 10)]


def test_a_process_that_came_since_is_no_heavy_one_yet() -> None:
    before = {pid: sight._replace(start=99, seconds=0.0) for pid, sight in SIGHTS.items()}
    assert [one["pid"] for one in foreign.busy(SIGHTS, before, 60.0, {})] == [21]


def test_this_machines_own_processes_are_seen() -> None:
    sight = foreign.scan()[os.getpid()]
    use = foreign.use(os.getpid(), sight)
    assert sight.parent == os.getppid() and use["memory"] > 0 and use["age"] > 0
    assert use["command"] in ("python", "python3", "pytest") or use["command"]


def test_who_uses_machines_is_a_table() -> None:
    rows = foreign_use.uses([("node1", USE), ("node2", USE._replace(place=-1, owner=""))], view())
    head, first, second = foreign_use.table(foreign_use.USES, rows, headed=True)
    assert head.split() == [*foreign_use.USES]
    assert first.split()[:4] == ["node1", "1", "bob", "7"] and first.endswith("python")
    assert second.split()[:4] == ["node2", "-", "?", "7"]


def test_hours_are_booked_as_far_as_they_lie_in_the_span() -> None:
    found = [("node1", "bob", 7, "python", 1, 5000, 0.0, 5400.0), ("node1", "eve", 8, "gdm", -1, 0, 0.0, None)]
    rows = foreign_use.books(found, 3600.0, 7200.0, view())
    assert [row[7] for row in rows] == ["0.50", "0.00"]
    assert [row[6] == "Unknown" for row in rows] == [False, True]


def test_a_control_character_in_a_name_is_shown_as_such() -> None:
    rows = foreign_use.uses([("node1", USE._replace(command="a\x1b[2J"))], view())
    assert rows[0][-1] == "a\\x1b[2J"


def test_jobs_that_only_hold_gpus_are_a_table() -> None:
    job = Job(job_id=3, user="alice", name="notebook")
    [row] = foreign_use.idle([("node1", job, 2, 0.0)], view())
    assert row[:4] == ("node1", "3", "alice", "2") and row[-1] == "notebook"
