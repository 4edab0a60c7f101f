"""Advance reservations: who gets their machines, who keeps off, and what becomes of jobs when one is over."""

from __future__ import annotations

import random
from typing import Any

import pytest

from mini_slurm.model.changed_fleet import from_text, to_text
from mini_slurm.model.fleet import Fleet, Partition
from mini_slurm.model.hostlist import expand
from mini_slurm.model.job import Job
from mini_slurm.model.reservation import DAY, HOUR, YEAR
from mini_slurm.model.resources import Resources
from mini_slurm.model.states import written
from mini_slurm.scheduler import events
from mini_slurm.scheduler.cluster import make_cluster
from mini_slurm.scheduler.decisions import Decision, Start
from mini_slurm.scheduler.events import Caller
from tests.simulation.harness import ADMIN, OTHER, USER, Simulation, fleet_of

ONE = {"node1": Resources(cpus=1, memory=1000)}
TWO = {**ONE, "node2": Resources(cpus=1, memory=1000)}
MAINTENANCE = "ReqNodeNotAvail, Reserved for maintenance"
MAYBE_RESERVED = "ReqNodeNotAvail, May be reserved for other job"
MINE: dict[str, Any] = {"users": ["alice"], "uids": {"alice": 1000}}


class Reserving(Simulation):
    """A simulation that can reserve machines."""

    def change(self, *, by: Caller = ADMIN, create: bool = False, **wish: object) -> str:
        """scontrol create reservation, or update; the error."""
        self.happen(events.ReservationRequested(1, by, wish, create))
        return self.answers[-1].error

    def reserve(self, name: str = "resv", begin: float = 0.0, duration: float = HOUR, **wish: object) -> str:
        """Reserve, for alice unless it is said otherwise; the error."""
        parties = {} if {"users", "accounts", "groups"} & wish.keys() else MINE
        return self.change(create=True, **{"name": name, "start": begin, "duration": duration, **parties, **wish})

    def delete(self, name: str, by: Caller = ADMIN) -> str:
        """scontrol delete reservation; the error."""
        self.happen(events.ReservationDeleteRequested(1, by, name))
        return self.answers[-1].error

    def reason(self, job: int) -> str:
        """Why a job waits."""
        return self.job(job).reason

    def started(self, job: int) -> float | None:
        """When a job started."""
        return self.job(job).start_time

    @property
    def reservations(self) -> dict[str, Any]:
        """Those that there are."""
        return dict(self.cluster.fleet.reservations)


def reserved(has: dict[str, Resources] = ONE, **wish: object) -> Reserving:
    sim = Reserving(fleet_of(has))
    assert sim.reserve(**{"machines": ["node1"], **wish}) == ""
    return sim


# --- while jobs are started


def test_others_keep_off_a_reserved_machine_until_the_reservation_is_over():
    sim = reserved()
    job = sim.submit(time_limit=600)
    assert (sim.state(job), sim.reason(job)) == ("PENDING", MAYBE_RESERVED)
    sim.run(until=2 * HOUR)
    assert (sim.state(job), sim.started(job)) == ("COMPLETED", HOUR)


def test_a_job_of_the_reservation_starts_there_at_once():
    sim = reserved(TWO)
    job = sim.submit(reservation="resv", time_limit=600)
    assert (sim.state(job), sim.job(job).node) == ("CONFIGURING", "node1")
    second = sim.submit(reservation="resv", time_limit=600)
    assert (sim.state(second), sim.reason(second)) == ("PENDING", "Resources")
    third = sim.submit(reservation="resv", time_limit=600)
    assert sim.reason(third) == "Priority"


def test_what_a_reservation_lacks_room_for_keeps_nobody_else_waiting():
    sim = reserved(TWO)
    sim.submit(reservation="resv", run_time=100, time_limit=600)
    waiting = sim.submit(reservation="resv", time_limit=600)
    other = sim.submit(time_limit=600)
    assert (sim.state(waiting), sim.job(other).node) == ("PENDING", "node2")


def test_a_job_waits_for_its_reservation_to_begin():
    sim = reserved(begin=1000)
    job = sim.submit(reservation="resv", time_limit=600)
    assert (sim.state(job), sim.reason(job)) == ("PENDING", "Reservation")
    sim.run(until=2000)
    assert sim.started(job) == 1000


@pytest.mark.parametrize(("limit", "begins"), [(900, 0.0), (1200, 1000 + HOUR), (None, 1000 + HOUR)])
def test_a_job_starts_before_a_reservation_only_if_it_ends_until_then(limit: int | None, begins: float):
    sim = reserved(begin=1000)
    job = sim.submit(run_time=10, time_limit=limit)
    sim.run(until=DAY)
    assert sim.started(job) == begins


def test_maintenance_of_all_machines_is_the_reason():
    sim = reserved(TWO, machines=["ALL"], flags=["MAINT"])
    assert sim.reason(sim.submit(time_limit=60)) == MAINTENANCE
    assert sim.reservations["resv"].flags == ("MAINT", "SPEC_NODES", "ALL_NODES")


def test_maintenance_overrides_another_reservation():
    sim = reserved(begin=0)
    assert sim.reserve("repair", machines=["node1"], flags=["MAINT"], users=["root"], uids={"root": 0}) == ""
    assert sim.reason(sim.submit(reservation="resv", time_limit=60)) == MAINTENANCE


def test_a_user_whom_it_is_not_for_waits():
    sim = reserved()
    job = sim.submit(reservation="resv", uid=1001)
    assert (sim.state(job), sim.reason(job)) == ("PENDING", "Reservation")


def test_a_flexible_reservation_binds_its_jobs_to_neither_time_nor_machine():
    sim = reserved(TWO, begin=1000, flags=["FLEX"])
    first = sim.submit(reservation="resv", run_time=5000, time_limit=9000)
    second = sim.submit(reservation="resv", run_time=5000, time_limit=9000)
    assert {sim.job(first).node, sim.job(second).node} == {"node1", "node2"}
    sim.run(until=2 * DAY)
    assert sim.state(first) == "COMPLETED"


def test_a_job_with_a_least_time_starts_before_a_reservation_with_what_is_left():
    sim = reserved(begin=1000)
    job = sim.submit(uid=2000, time_limit=3600, time_min=300, run_time=10_000)
    assert (sim.state(job), sim.job(job).time_limit) == ("CONFIGURING", 960)
    long = sim.submit(uid=2000, time_limit=3600, time_min=1200)
    assert (sim.state(long), sim.job(long).time_limit) == ("PENDING", 3600)


def test_a_job_of_a_flexible_reservation_takes_its_machines_first():
    sim = reserved(TWO, begin=1000, machines=["node2"], flags=["FLEX"])
    jobs = [sim.submit(reservation="resv", run_time=60, time_limit=600) for _ in range(2)]
    assert [sim.job(job).node for job in jobs] == ["node2", "node1"]


def test_licenses_can_be_reserved():
    sim = Reserving(fleet_of(ONE, licenses={"matlab": 2}))
    assert sim.reserve(licenses="matlab:2", flags=["ANY_NODES"]) == ""
    other = sim.submit(licenses="matlab", time_limit=60)
    mine = sim.submit(licenses="matlab", time_limit=60, reservation="resv")
    assert (sim.reason(other), sim.state(mine)) == ("Licenses", "CONFIGURING")


def test_a_part_of_a_heterogeneous_job_keeps_off_as_long_as_the_first_part_may_run():
    sim = reserved(TWO, begin=1000, machines=["node2"])
    first, second = {"time_limit": 5000, "required_nodes": "node1"}, {"time_limit": 600, "required_nodes": "node2"}
    job = sim.submit_together(first, second, run_time=4000)
    sim.run(until=1500)
    assert sim.state(job) == "PENDING"
    sim.run(until=DAY)
    assert (sim.state(job), sim.started(job)) == ("COMPLETED", 1000 + HOUR)


# --- their end


def test_what_runs_in_a_reservation_is_ended_with_it():
    sim = reserved()
    job = sim.submit(reservation="resv", run_time=DAY, time_limit=2 * DAY)
    waiting = sim.submit(reservation="resv", time_limit=60)
    sim.run(until=2 * HOUR)
    assert (sim.state(job), sim.job(job).end_time) == ("TIMEOUT", HOUR + 1)
    assert (sim.state(waiting), sim.reason(waiting)) == ("PENDING", "Reservation resv was deleted")
    assert (sim.job(waiting).priority, sim.job(waiting).reservation, sim.reservations) == (0, None, {})
    assert written(sim.job(waiting).state, sim.reason(waiting), 0) == ("RESV_DEL_HOLD", "RD")
    assert sim.update(waiting, Priority=None) == ""
    sim.run(until=3 * HOUR)
    assert sim.state(waiting) == "COMPLETED"


def of_two(short: float = HOUR, **wish: Any) -> Reserving:
    """Reservations `short` on node1 and `long` on node2."""
    sim = Reserving(fleet_of(TWO))
    assert sim.reserve("short", duration=short, machines=["node1"], **wish) == ""
    assert sim.reserve("long", duration=DAY, machines=["node2"]) == ""
    return sim


@pytest.mark.parametrize("machine", ["node1", "node2"])
@pytest.mark.parametrize("names", ["short,long", "long,short"])
def test_what_runs_goes_on_while_one_of_its_reservations_is_left(names: str, machine: str):
    sim = of_two()
    job = sim.submit(reservation=names, required_nodes=machine, run_time=2 * DAY, time_limit=2 * DAY)
    alone = sim.submit(reservation="long", required_nodes="node2", run_time=10, time_limit=60)
    assert (sim.state(job), sim.job(job).node) == ("CONFIGURING", machine)
    sim.run(until=2 * HOUR)
    assert (sim.state(job), sim.job(job).reservation) == ("RUNNING", "long")
    sim.run(until=2 * DAY)
    assert (sim.state(job), sim.job(job).end_time) == ("TIMEOUT", DAY + 1)
    assert sim.state(alone) == ("COMPLETED" if machine == "node1" else "PENDING")


def test_what_runs_goes_on_when_one_of_its_reservations_will_come_again():
    sim = of_two(flags=["DAILY"])
    job = sim.submit(reservation="short,long", required_nodes="node2", run_time=2 * HOUR, time_limit=DAY)
    only = sim.submit(reservation="short", required_nodes="node1", run_time=2 * HOUR, time_limit=DAY)
    sim.run(until=3 * HOUR)
    assert [sim.state(one) for one in (job, only)] == ["COMPLETED", "TIMEOUT"]
    assert sim.job(job).reservation == "short,long"


def test_a_job_starts_in_any_one_of_its_reservations():
    sim = of_two()
    jobs = [sim.submit(reservation="short,long", run_time=100, time_limit=600) for _ in range(3)]
    both = sim.submit(reservation="short,long", nodes=2, time_limit=60)
    assert [sim.job(job).node for job in jobs] == ["node1", "node2", None]
    assert [sim.reason(job) for job in (*jobs[2:], both)] == ["Resources", "Priority"]
    sim.run(until=1000)
    assert [sim.state(job) for job in (*jobs, both)] == ["COMPLETED"] * 3 + ["PENDING"]


def test_who_waits_for_a_reservation_that_is_to_come_is_in_nobodys_way():
    sim = of_two(begin=HOUR)
    sim.submit(reservation="long", run_time=100, time_limit=600)
    wide = sim.submit(reservation="long,short", nodes=2, ntasks=2, time_limit=600)
    job = sim.submit(reservation="long,short", run_time=10, time_limit=600)
    assert [sim.job(one).reason for one in (wide, job)] == ["Reservation", "Reservation"]
    sim.run(until=150)
    assert (sim.state(wide), sim.state(job)) == ("PENDING", "COMPLETED")


def test_jobs_are_not_held_if_the_reservation_says_so():
    sim = reserved(flags=["NO_HOLD_JOBS_AFTER_END"], begin=100)
    job = sim.submit(reservation="resv", begin_time=2.0 * HOUR)
    sim.run(until=HOUR + 200)
    assert (sim.reservations, sim.job(job).reservation, sim.job(job).priority > 0) == ({}, None, True)
    sim.run(until=3 * HOUR)
    assert sim.state(job) == "COMPLETED"


def test_a_daily_reservation_comes_again_with_a_new_number():
    sim = reserved(flags=["DAILY"])
    number = sim.reservations["resv"].number
    sim.run(until=HOUR)
    again = sim.reservations["resv"]
    assert (again.start, again.end, again.number) == (DAY, DAY + HOUR, number + 1)
    job = sim.submit(reservation="resv", time_limit=60)
    sim.run(until=2 * DAY)
    assert sim.started(job) == DAY


def test_a_reservation_in_which_something_runs_is_not_deleted():
    sim = reserved()
    job = sim.submit(reservation="resv", run_time=100)
    assert sim.delete("resv") == "Requested reservation is in use"
    sim.run(until=200)
    assert (sim.state(job), sim.delete("resv"), sim.delete("resv")) == (
        "COMPLETED", "", "Requested reservation is invalid",
    )  # fmt: skip


def test_a_reservation_for_which_a_job_waits_is_not_deleted():
    sim = Reserving(fleet_of(TWO))
    assert [sim.reserve(name, begin=100, machines=[f"node{name}"]) for name in "12"] == ["", ""]
    job = sim.submit(reservation="1,2")
    assert [sim.delete(name) for name in "12"] == ["Requested reservation is in use", ""]
    sim.cancel(job)
    assert sim.delete("1") == ""


# --- what administrators ask for

BUSY = "Requested nodes are busy"
REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"machines": ["nodeX"]}, "Invalid node name specified"),
    ({"count": 1, "features": "nope"}, "Requested node configuration is not available"),
    ({"partition": "nope", "count": 1}, "Invalid partition name specified"),
    ({"machines": ["node2"], "begin": -700.0}, "Invalid time specified"),
    ({"machines": ["node1"]}, "Requested reservation overlaps with another reservation"),
    ({"name": "resv", "machines": ["node2"]}, "Duplicate reservation name"),
    ({"machines": ["node2"], "users": ["nobody"], "uids": {"nobody": None}}, "Invalid user id"),
    ({"machines": ["node2"], "groups": ["none"], "members": None}, "Invalid group id"),
    ({"machines": ["node2"], "licenses": "matlab"}, "Invalid license specification"),
    ({"flags": ["ANY_NODES"]}, "Requested reservation is invalid"),
    ({"machines": ["node2"], "by": USER}, "Invalid user id"),
)


@pytest.mark.parametrize(("wish", "error"), REFUSED)
def test_what_is_refused_leaves_nothing(wish: dict[str, Any], error: str):
    sim = reserved(TWO)
    before = sim.cluster.overrides
    assert sim.reserve(**{"name": "new", **wish}) == error
    assert sim.cluster.overrides == before


def test_a_machine_with_a_job_is_not_reserved_unless_jobs_are_ignored():
    sim = Reserving(fleet_of(ONE))
    job = sim.submit(run_time=2000, time_limit=2000)
    assert sim.reserve(begin=1000, machines=["node1"]) == BUSY
    assert sim.reserve(begin=2000, machines=["node1"]) == ""
    assert sim.reserve("now", machines=["node1"], flags=["IGNORE_JOBS", "OVERLAP"]) == ""
    sim.run(until=3000)
    assert sim.state(job) == "COMPLETED"


def test_so_many_machines_are_those_that_are_idle():
    sim = Reserving(fleet_of(TWO))
    sim.submit(run_time=2000, time_limit=2000, required_nodes="node1")
    assert sim.reserve(count=1) == ""
    assert (sim.reservations["resv"].machines, sim.reservations["resv"].partition) == (("node2",), "main")


def test_so_many_machines_are_fewer_where_there_are_not_so_many():
    sim = Reserving(fleet_of(TWO))
    assert sim.reserve(count=1) == ""
    assert (sim.change(name="resv", count=9), sim.reservations["resv"].machines) == ("", ("node1", "node2"))
    assert sim.reserve("other", count=1) == BUSY
    assert (sim.change(name="resv", count=1), sim.reserve("other", count=2)) == ("", "")
    assert len(sim.reservations["other"].machines) == 1


def test_a_later_start_keeps_the_end_where_that_was_said_and_else_the_duration():
    sim = reserved(TWO, begin=1000)
    assert sim.change(name="resv", end=9000.0) == ""
    assert sim.change(name="resv", start=2000.0) == ""
    assert (sim.reservations["resv"].start, sim.reservations["resv"].end) == (2000, 9000)
    assert sim.change(name="resv", start=9500.0) == "Invalid time specified"
    assert sim.change(name="resv", duration=60) == ""
    assert sim.change(name="resv", start=9500.0) == ""
    assert sim.reservations["resv"].end == 9560


def test_fewer_machines_are_without_the_first_idle_ones():
    sim = Reserving(fleet_of(THREE))
    first, second, third = sorted(THREE)
    assert sim.reserve(begin=5000, machines=[first, second, third]) == ""
    sim.submit(run_time=2000, time_limit=2000, required_nodes=first)
    assert sim.change(name="resv", count=2) == ""
    assert sim.reservations["resv"].machines == (first, third)
    assert sim.change(name="resv", count=1) == ""
    assert sim.reservations["resv"].machines == (first,)


def test_recurring_ones_are_compared_with_what_comes_within_a_week():
    sim = reserved(begin=3 * DAY + 600)
    assert sim.reserve("daily", machines=["node1"], flags=["DAILY"]).endswith("overlaps with another reservation")
    assert sim.reserve("daily", begin=2 * HOUR, machines=["node1"], flags=["DAILY"]) == ""


def test_one_without_a_name_is_called_after_whom_it_is_for():
    sim = Reserving(fleet_of(TWO))
    assert (sim.reserve("", machines=["node1"]), sim.answers[-1].name) == ("", "alice_1")
    assert (sim.reserve("", machines=["node2"], accounts=["math"]), sim.answers[-1].name) == ("", "math_2")


def test_accounts_and_exceptions_say_for_whom_it_is():
    sim = reserved(TWO, accounts=["math"])
    assert sim.state(sim.submit(reservation="resv", account="math", uid=7)) == "CONFIGURING"
    assert sim.reserve("but", machines=["node2"], users=["-bob"], uids={"bob": 1001}) == ""
    assert sim.reservations["but"].admits(1000, None)
    assert not sim.reservations["but"].admits(1001, None)


def test_updates_change_times_machines_and_users():
    sim = reserved(TWO, begin=1000)
    assert sim.change(name="resv", start=2000.0) == ""
    assert (sim.reservations["resv"].start, sim.reservations["resv"].end) == (2000, 2000 + HOUR)
    assert sim.change(name="resv", duration=60, sign="+") == ""
    assert sim.reservations["resv"].end == 2060 + HOUR
    assert sim.change(name="resv", machines=["node2"], users=["+bob"], uids={"bob": 1001}) == ""
    changed = sim.reservations["resv"]
    assert (changed.machines, changed.users, changed.uids) == (("node2",), ("alice", "bob"), (1000, 1001))
    assert sim.change(name="resv", users=["-alice"], uids={"alice": 1000}) == ""
    assert sim.reservations["resv"].users == ("bob",)
    assert sim.change(name="resv", count=2, flags=["MAINT"]) == ""
    assert sim.reservations["resv"].machines == ("node1", "node2")
    assert sim.change(name="resv", flags=["-MAINT"]) == ""
    assert sim.reservations["resv"].flags == ("SPEC_NODES",)


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"name": "nope", "duration": 60}, "Requested reservation is invalid"),
        ({"start": 500.0}, "Reservation already started"),
        ({"users": ["-alice"], "uids": {"alice": 1000}}, "Reservation request lacks users, groups or accounts"),
        ({"flags": ["SKIP"]}, "Reservation given is not skipable, try deleting instead"),
        ({"features": "ib"}, "Requested operation not supported on this system"),
        ({"duration": 60, "by": OTHER}, "Invalid user id"),
    ],
)
def test_an_update_that_is_refused_changes_nothing(wish: dict[str, Any], error: str):
    sim = reserved()
    before = sim.cluster.overrides
    assert sim.change(**{"name": "resv", **wish}) == error
    assert sim.cluster.overrides == before


def test_one_time_of_a_daily_reservation_can_be_left_out():
    sim = reserved(flags=["DAILY"], begin=1000)
    assert sim.change(name="resv", flags=["SKIP"]) == ""
    assert sim.reservations["resv"].start == 1000 + DAY
    assert sim.reservations["resv"].flags == ("DAILY", "SPEC_NODES")


def test_a_job_can_be_given_a_reservation_and_lose_it():
    sim = reserved()
    job = sim.submit(time_limit=60)
    assert sim.update(job, ReservationName="nope") == "Requested reservation is invalid"
    assert sim.update(job, ReservationName="resv") == ""
    assert sim.state(job) == "CONFIGURING"
    assert sim.update(job, ReservationName="") == "Job is no longer pending execution"
    sim.run(until=1)
    assert (sim.state(job), sim.update(job, ReservationName=""), sim.job(job).reservation) == ("RUNNING", "", None)
    assert (sim.update(job, ReservationName="resv"), sim.job(job).reservation) == ("", "resv")
    other = sim.submit(uid=1001, time_limit=60)
    assert sim.update(other, ReservationName="resv", by=OTHER) == "Access denied to requested reservation"


def test_reservations_outlive_the_controller_and_the_machines_that_leave():
    sim = reserved(TWO, machines=["node1", "node2"])
    stored = from_text(to_text(sim.cluster.overrides))
    assert stored == sim.cluster.overrides
    smaller: Fleet = fleet_of(ONE)
    again = make_cluster(smaller, "5eed", [], {}, overrides=stored)
    assert again.fleet.reservations["resv"].machines == ("node1",)


def test_a_partition_can_be_reserved_as_a_whole():
    partitions = {"main": Partition("main", ("node1", "node2"), default=True), "side": Partition("side", ("node2",))}
    sim = Reserving(fleet_of(TWO, partitions=partitions))
    assert sim.reserve(partition="side", machines=["ALL"], flags=["PART_NODES"]) == ""
    assert sim.reservations["resv"].machines == ("node2",)
    assert sim.reason(sim.submit(partition="side", time_limit=60)) == MAINTENANCE
    assert sim.job(sim.submit(time_limit=60)).node == "node1"


# --- whatever happens

THREE = {**TWO, "node3": Resources(cpus=4, memory=4000)}


class Watched(Reserving):
    """A simulation in which each start is compared with the reservations that there are."""

    def _perform(self, decision: Decision) -> None:
        if isinstance(decision, Start):
            self._check(decision.job)
        super()._perform(decision)

    def _check(self, job: Job) -> None:
        machines = set(expand(job.node_list or ""))
        own = self.reservations.get(job.reservation or "")
        if job.reservation is not None:
            assert own is not None and own.is_active(self.now) and machines <= set(own.machines)
        end = self.now + (YEAR if job.time_limit is None else job.time_limit)
        for other in self.reservations.values():
            is_rival = other != own and machines.intersection(other.machines) and other.overlaps(self.now, end)
            flags = own.flags if own is not None else ()
            assert not is_rival or "MAINT" in flags or ("OVERLAP" in flags and "MAINT" not in other.flags), job


@pytest.mark.parametrize("seed", range(20))
def test_no_job_ever_starts_where_a_reservation_is_in_its_way_and_every_job_ends(seed: int):
    rng = random.Random(seed)
    sim = Watched(fleet_of(THREE))

    def reserve(number: int) -> None:
        flags = ["NO_HOLD_JOBS_AFTER_END", *rng.sample(["IGNORE_JOBS", "OVERLAP", "MAINT"], rng.randint(0, 2))]
        where = rng.choice([{"machines": rng.sample(sorted(THREE), rng.randint(1, 3))}, {"count": rng.randint(1, 3)}])
        sim.reserve(f"r{number}", sim.now + rng.uniform(0, 7200), rng.uniform(600, 7200), flags=flags, **where)

    def submit(run_time: float) -> None:
        known = [None, None, *sim.reservations]
        request = {"time_limit": rng.choice([None, 600, 3600]), "nodes": rng.choice([1, 1, 2])}
        sim.submit(run_time, reservation=rng.choice(known), **request)

    for number in range(15):
        sim.plan(rng.uniform(0, DAY), lambda number=number: reserve(number))
        sim.plan(rng.uniform(0, DAY), lambda number=number: sim.delete(f"r{number}"))
    for _ in range(60):
        run_time = rng.expovariate(1 / 1800)
        sim.plan(rng.uniform(0, DAY), lambda run_time=run_time: submit(run_time))
    sim.run(until=20 * DAY)
    assert not sim.cluster.jobs and not sim.reservations
    assert {job.state.name for job in sim.done.values()} <= {"COMPLETED", "TIMEOUT"}
