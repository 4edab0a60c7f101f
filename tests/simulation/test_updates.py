"""scontrol update, hold and release in the core: who may change what of which job."""

from __future__ import annotations

import json

import pytest

from mini_slurm.model.fleet import Association, Partition, Qos, Weights
from mini_slurm.model.request import least_cpus
from mini_slurm.model.resources import Resources
from mini_slurm.output import tres
from mini_slurm.scheduler.changes import size
from mini_slurm.scheduler.decisions import Limit, Shrink
from tests.simulation.harness import ADMIN, OTHER, STATE, USER, Simulation, fleet_of

ONE = {"node1": Resources(cpus=1, memory=1000)}
TWO = {**ONE, "node2": Resources(cpus=2, memory=2000)}
DENIED = "Access/permission denied"
NOT_PENDING = "Job is no longer pending execution"
FINISHED = "Job has already finished"
AS_ADMIN = USER._replace(as_admin=True)


def waiting(**request: object) -> tuple[Simulation, int]:
    """A job that waits for its begin time."""
    sim = Simulation(fleet_of(TWO, licenses={"matlab": 2}, priority=Weights()))
    return sim, sim.submit(begin_time=1000.0, time_limit=600, **request)


def running(**request: object) -> tuple[Simulation, int]:
    sim = Simulation(fleet_of(TWO, priority=Weights()))
    job = sim.submit(run_time=500, time_limit=600, **request)
    sim.run(until=100)
    return sim, job


# --- who may


def test_nobody_changes_somebody_elses_job_but_an_administrator():
    sim, job = waiting()
    assert sim.update(job, by=OTHER, Comment="x") == "Invalid user id"
    assert sim.update(job, by=ADMIN, Comment="x") == ""
    assert sim.job(job).comment == "x"


def test_unknown_and_ended_jobs_are_told_apart():
    sim, job = waiting()
    sim.cancel(job)
    assert sim.update(job, TimeLimit=60) == FINISHED
    assert sim.update(999, TimeLimit=60) == "Invalid job id specified"


def test_whoever_looks_after_the_fleet_is_a_user_with_his_own_jobs_unless_he_says_otherwise():
    sim = Simulation(fleet_of(ONE))
    sim.cluster.owner = USER.uid
    job = sim.submit(begin_time=1000.0)
    assert sim.update(job, Nice=-5) == DENIED
    assert sim.update(job, by=AS_ADMIN, Nice=-5) == ""
    assert sim.update(job, Priority=0) == ""
    assert sim.job(job).reason == "JobHeldUser"


# --- what of a job that waits


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"TimeLimit": 60}, "time_limit", 60),
        ({"TimeLimit": None}, "time_limit", None),
        ({"TimeMin": 60}, "time_min", 60),
        ({"JobName": "two"}, "name", "two"),
        ({"Comment": ""}, "comment", ""),
        ({"Nice": 10}, "nice", 10),
        ({"NumNodes": (2, 2)}, "nodes", 2),
        ({"NumTasks": 2}, "ntasks", 2),
        ({"CPUsPerTask": 2}, "cpus_per_task", 2),
        ({"NumCPUs": (2, None)}, "cpus", 2),
        ({"MinMemory": ("node", 900)}, "memory_per_node", 900),
        ({"MinMemory": ("cpu", 200)}, "memory_per_cpu", 200),
        ({"ReqNodeList": "node2"}, "required_nodes", "node2"),
        ({"ExcNodeList": "node1"}, "excluded_nodes", "node1"),
        ({"TresPerNode": "gres:gpu:1"}, "gres", "gpu:1"),
        ({"Requeue": 0}, "requeue", 0),
        ({"WorkDir": "/tmp"}, "work_dir", "/tmp"),
        ({"StdOut": "x.txt"}, "std_out", "x.txt"),
        ({"Licenses": "matlab:2"}, "licenses", "matlab:2"),
        ({"MailUser": "x@y"}, "extra", '{"mail-user": "x@y"}'),
        ({"StartTime": 2000.0}, "begin_time", 2000.0),
        ({"ArrayTaskThrottle": 2}, "array_tasks", None),
    ],
)
def test_a_user_changes_what_a_waiting_job_asks_for(changes, column, value):
    sim, job = waiting()
    assert sim.update(job, **changes) == ""
    assert getattr(sim.job(job), column) == value


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"Partition": "nope"}, "Invalid partition name specified"),
        ({"Partition": "closed"}, "Required partition not available (inactive or drain)"),
        ({"Account": "nope"}, "Invalid account or account/partition combination specified"),
        ({"QOS": "nope"}, "Invalid qos specification"),
        ({"ReqNodeList": "nope"}, "Invalid node name specified"),
        ({"ExcNodeList": "nope["}, "Invalid node name specified"),
        ({"Features": "nope"}, "Invalid feature specification"),
        ({"Prefer": "nope"}, "Invalid preferred feature specification"),
        ({"ReservationName": "nope"}, "Requested reservation is invalid"),
        ({"Licenses": "matlab:3"}, "Invalid license specification"),
        ({"TresPerNode": "gpu:1"}, "Invalid Trackable RESource (TRES) specification"),
        ({"TresPerJob": "gpu:1"}, "Invalid Trackable RESource (TRES) specification"),
        ({"TresPerNode": "gres:gpu:x"}, "Invalid generic resource (gres) specification"),
        ({"TresBind": "closest"}, "Invalid Trackable RESource (TRES) specification"),
        ({"TresPerNode": "gres:tpu:1"}, "Invalid generic resource (gres) specification"),
        ({"NumTasks": 0}, "Task count specification invalid"),
        ({"NumNodes": (2, 1)}, "Node count specification invalid"),
        ({"TimeMin": 660}, "Invalid time-min specification (exceeds job's time or other limits)"),
        ({"Nice": -10}, DENIED),
        ({"Deadline": 5000.0}, DENIED),
        ({"OverSubscribe": 1}, DENIED),
        ({"Contiguous": 1}, DENIED),
        ({"TasksPerNode": 1}, DENIED),
        ({"AdminComment": "x"}, DENIED),
        ({"CoreSpec": "1"}, DENIED),
        ({"Reboot": 1}, DENIED),
        ({"SiteFactor": 1}, DENIED),
        ({"Clusters": "x"}, "Unspecified error"),
        ({"BurstBuffer": "x"}, "Requested operation not supported on this system"),
        ({"EndTime": 5000.0}, "Job is not running"),
        ({"Priority": 100_000}, DENIED),
        ({"Priority": 5}, "Changes to job priority are not persistent, change nice instead"),
    ],
)
def test_what_a_user_is_refused(changes, error):
    fleet = fleet_of(
        TWO,
        partitions={
            "main": Partition("main", tuple(TWO), True),
            "closed": Partition("closed", ("node1",), state="DRAIN"),
        },
        qos={"normal": Qos("normal"), "high": Qos("high", 100)},
        accounts={"science": {"alice": Association(("normal",))}},
        licenses={"matlab": 2},
        priority=Weights(),
    )
    sim = Simulation(fleet)
    job = sim.submit(begin_time=1000.0, time_limit=600, user="alice", account="science", qos="normal", nice=0)
    before = {**sim.job(job).__dict__, "reason": "None"}
    assert sim.update(job, **changes) == error
    assert sim.job(job).__dict__ == before


def test_what_fails_is_seen_before_anything_is_changed_where_slurm_looks_first():
    sim, job = waiting(comment="old")
    assert sim.update(job, Comment="new", Partition="nope") == "Invalid partition name specified"
    assert sim.job(job).comment == "old"
    assert sim.update(job, Comment="new", Nice=-1) == DENIED
    assert sim.job(job).comment == "new"


def test_the_administrator_sets_a_priority_that_stays():
    sim, job = waiting()
    assert sim.update(job, by=ADMIN, Priority=77) == ""
    assert sim.update(job, Nice=10) == ""
    sim.run(until=900)
    sim.happen()
    assert (sim.job(job).priority, sim.job(job).nice) == (77, 0)
    assert sim.update(job, by=ADMIN, Priority=None) == ""
    assert sim.job(job).priority > 1000


def test_a_time_limit_is_raised_up_to_the_partitions_while_the_job_waits():
    sim = Simulation(fleet_of(ONE, partitions={"main": Partition("main", ("node1",), True, max_time=3600)}))
    job = sim.submit(begin_time=1000.0, time_limit=600)
    assert sim.update(job, TimeLimit=3600) == ""
    assert sim.update(job, TimeLimit=3660) == DENIED
    assert sim.update(job, by=ADMIN, TimeLimit=3660) == ""
    assert sim.job(job).time_limit == 3660


# --- what of a job that runs


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"TimeLimit": 3600}, DENIED),
        ({"Partition": "other"}, NOT_PENDING),
        ({"NumNodes": (2, None)}, "Requested operation not supported on this system"),
        ({"StartTime": 2000.0}, NOT_PENDING),
        ({"MinMemory": ("node", 1)}, NOT_PENDING),
        ({"Dependency": "singleton"}, NOT_PENDING),
        ({"EndTime": 50.0}, "Invalid time specified"),
        ({"EndTime": 5000.0}, DENIED),
    ],
)
def test_what_a_running_job_cannot_be_given(changes, error):
    sim, job = running()
    assert sim.update(job, **changes) == error


def test_a_running_job_gets_a_shorter_limit_and_is_ended_by_it():
    sim, job = running()
    assert sim.update(job, TimeLimit=300) == ""
    assert sim.log[-2][1] == Limit(sim.job(job).node or "", f"{STATE}.{job}.1", 300)
    sim.run(until=301)
    assert sim.state(job) == "TIMEOUT"


def test_a_running_job_gets_a_longer_limit_from_the_administrator():
    sim = Simulation(fleet_of(ONE))
    job = sim.submit(run_time=500, time_limit=120)
    sim.run(until=100)
    assert sim.update(job, by=ADMIN, TimeLimit=600) == ""
    sim.run(until=501)
    assert sim.state(job) == "COMPLETED"


def test_an_end_time_is_a_limit_to_the_second_and_shown_in_minutes():
    sim, job = running()
    assert sim.update(job, EndTime=sim.now + 120) == ""
    assert sim.job(job).time_limit == 300  # Slurm rounds so
    sim.run(until=219)
    assert sim.state(job) == "RUNNING"
    sim.run(until=221)
    assert sim.state(job) == "TIMEOUT"


def test_nice_changes_the_priority_of_a_running_job_too():
    sim, job = running()
    before = sim.job(job).priority
    assert sim.update(job, Nice=3) == ""
    assert sim.job(job).priority == before - 3


# --- hold and release


def test_a_user_holds_and_releases_his_job():
    sim, job = waiting()
    assert sim.update(job, Priority=0) == ""
    assert (sim.job(job).priority, sim.job(job).reason) == (0, "JobHeldUser")
    sim.run(until=2000)
    assert sim.state(job) == "PENDING"
    assert sim.update(job, Priority=5) == "Job is in held state, pending scheduler release"
    assert sim.update(job, Priority=None) == ""
    assert (sim.state(job), sim.job(job).eligible_time) == ("CONFIGURING", 2000.0)
    assert sim.job(job).wait_reason == "JobHeldUser"


def test_what_the_administrator_holds_the_user_does_not_release():
    sim, job = waiting()
    assert sim.update(job, by=ADMIN, Priority=0) == ""
    assert sim.job(job).reason == "JobHeldAdmin"
    assert sim.update(job, Priority=None) == DENIED
    assert sim.update(job, by=ADMIN, Priority=0, AsUser=True) == ""
    assert sim.job(job).reason == "JobHeldUser"
    assert sim.update(job, Priority=None) == ""


def test_the_release_of_a_job_that_is_not_held_changes_nothing():
    sim, job = waiting()
    before = sim.job(job).priority
    assert sim.update(job, Priority=None) == ""
    assert (sim.job(job).priority, sim.job(job).reason) == (before, "None")
    sim.run(until=2)
    assert (sim.job(job).priority, sim.job(job).reason) == (before, "BeginTime")


# --- arrays


def test_an_array_is_changed_with_all_its_tasks_and_one_task_by_itself():
    sim = Simulation(fleet_of({"node1": Resources(cpus=1)}))
    array = sim.submit(array_tasks="1-4", run_time=100, time_limit=600)
    sim.run(until=1)
    assert sim.update(array, TimeLimit=300) == ""
    assert {job.time_limit for job in sim.cluster.jobs.values()} == {300}
    assert sim.update(array, 3, TimeLimit=60) == ""
    limits = {job.array_tasks or job.array_task_id: job.time_limit for job in sim.cluster.jobs.values()}
    assert limits == {1: 300, 3: 60, "2,4": 300}
    assert sim.update(array, 9, TimeLimit=60) == [(f"{array}_9", "Invalid job id specified")]


def test_tasks_with_the_same_error_are_named_together():
    sim = Simulation(fleet_of({"node1": Resources(cpus=2)}))
    array = sim.submit(array_tasks="1-4", run_time=100)
    sim.run(until=1)
    assert sim.update(array, StartTime=500.0) == [(f"{array}_1-2", NOT_PENDING)]
    sim.run(until=150)
    assert sim.update(array, Comment="x") == [(f"{array}_1-2", FINISHED)]


def test_an_arrays_throttle_is_changed_while_tasks_run():
    sim = Simulation(fleet_of({"node1": Resources(cpus=4)}))
    array = sim.submit(array_tasks="1-4%1", run_time=100)
    assert sim.update(array, ArrayTaskThrottle=3) == ""
    assert len(sim.running["node1"]) == 3
    assert sim.update(array, ArrayTaskThrottle=0) == ""
    assert len(sim.running["node1"]) == 4


# --- more than the partition has


def test_more_cpus_than_there_are_is_told_of_after_every_change_and_holds():
    sim = Simulation(fleet_of(TWO))
    job = sim.submit(priority=0)
    too_much = "Requested partition configuration not available now"
    assert sim.update(job, NumCPUs=(99, None)) == too_much
    assert sim.job(job).cpus == 99
    assert sim.update(job, Comment="x") == too_much
    assert sim.update(job, NumCPUs=(1, None)) == ""


def test_no_time_at_all_ends_what_runs():
    sim, job = running()
    assert sim.update(job, TimeLimit=0) == ""
    assert sim.job(job).time_limit == 0
    sim.run(until=160)
    assert sim.state(job) == "TIMEOUT"


def test_a_running_job_keeps_its_machines_and_is_told_which_names_are_none_of_them():
    sim, job = running()
    node = sim.job(job).node
    other = next(name for name in TWO if name != node)
    assert sim.update(job, ReqNodeList=other) == "Invalid node name specified"
    assert sim.update(job, ReqNodeList="nope") == "Invalid node name specified"
    assert sim.update(job, ReqNodeList=node) == ""
    assert sim.update(job, ReservationName="nope") == "Requested reservation is invalid"


def test_a_job_that_is_released_after_its_requeue_waits_for_its_begin_time():
    sim, job = running()
    assert sim.requeue(job, reason="job requeued in held state") == ""
    sim.run(until=110)
    assert (sim.state(job), sim.job(job).reason) == ("PENDING", "job requeued in held state")
    assert sim.update(job, Priority=None) == ""
    sim.run(until=115)
    assert sim.job(job).reason == "BeginTime"


def test_a_job_that_has_ended_and_is_held_tells_how_it_ended_until_it_is_released():
    sim = Simulation(fleet_of(TWO))
    job = sim.submit(run_time=5, exit_code=5)
    sim.run(until=10)
    assert sim.requeue(job, reason="job requeued in held state") == ""
    assert sim.job(job).exit_code == 5
    assert sim.update(job, Priority=None) == ""
    assert sim.job(job).exit_code == 0


def test_a_number_of_machines_brings_as_many_tasks_and_cpus():
    sim, job = waiting()
    assert sim.update(job, NumNodes=(2, None)) == ""
    changed = sim.job(job)
    assert (changed.nodes, changed.max_nodes, tres.tasks(changed), changed.min_cpus) == (2, None, 2, 2)
    assert tres.requested(changed).startswith("cpu=2,") and "node=2" in tres.requested(changed)


def test_fewer_machines_leave_the_cpus_and_the_tasks_that_were_named():
    sim, job = waiting(ntasks=3)
    assert sim.update(job, NumNodes=(2, None)) == ""
    assert sim.update(job, NumNodes=(1, None)) == ""
    assert (tres.tasks(sim.job(job)), tres.cpus(sim.job(job))) == (3, 3)
    sim, job = waiting()
    assert sim.update(job, NumNodes=(2, None)) == ""
    assert sim.update(job, NumNodes=(1, None)) == ""
    assert (tres.tasks(sim.job(job)), tres.cpus(sim.job(job))) == (1, 2)


def test_no_more_machines_are_asked_for_than_the_most():
    sim, job = waiting()
    assert sim.update(job, NumNodes=(2, 1)) == "Node count specification invalid"
    assert sim.update(job, NumNodes=(1, 2)) == ""
    assert sim.update(job, NumNodes=(3, None)) == "Node count specification invalid"


def test_more_tasks_show_more_machines_but_ask_for_no_more_cpus():
    sim, job = waiting()
    assert sim.update(job, NumTasks=3) == ""
    assert (tres.nodes(sim.job(job)), tres.cpus(sim.job(job))) == (2, 1)
    assert sim.update(job, NumTasks=2) == ""
    assert tres.nodes(sim.job(job)) == 1


def test_who_waits_for_few_switches_goes_on_to_wait_as_long():
    sim, job = waiting()
    assert sim.update(job, Switches=(2, 60)) == ""
    assert sim.update(job, Switches=(3, None)) == ""
    assert json.loads(sim.job(job).extra)["switches"] == "3@0:60"
    assert sim.update(job, SwitchWait=5) == ""
    assert json.loads(sim.job(job).extra)["switches"] == "3@0:05"


def test_cpus_that_are_changed_leave_the_memory_as_it_is_shown():
    sim, job = waiting(memory_per_cpu=100)
    assert sim.update(job, NumCPUs=(2, 3)) == ""
    assert tres.requested(sim.job(job)) == "cpu=2,mem=100M,node=1,billing=2"
    assert sim.update(job, MinMemory=("cpu", 200)) == ""
    assert tres.requested(sim.job(job)) == "cpu=2,mem=400M,node=1,billing=2"


def test_gpus_of_a_type_and_gpus_of_any_are_not_exchanged():
    sim, job = waiting(gres="gpu:1")
    mixed = "Invalid GRES specification (with and without type identification)"
    assert sim.update(job, TresPerNode="gres:gpu:a100:1") == mixed
    assert sim.update(job, TresPerNode="gres:gpu:2") == ""
    assert sim.job(job).gres == "gpu:2"
    assert sim.update(job, TresPerJob="gres:gpu:2") == ""
    assert sim.job(job).gpus == "2"
    assert sim.update(job, TresBind="gpu:closest") == ""
    assert json.loads(sim.job(job).extra)["gpu-bind"] == "closest"


def test_the_machines_that_a_job_runs_on_may_be_named_again():
    sim, job = running()
    own = sim.job(job).node_list
    assert sim.update(job, ReqNodeList=own) == ""
    assert (sim.job(job).required_nodes, sim.job(job).node_list) == (None, own)


def test_machines_that_are_named_later_are_not_counted_as_asked_for():
    sim, job = waiting()
    assert sim.update(job, ReqNodeList="node[1-2]") == ""
    assert "node=1," in tres.requested(sim.job(job))


# --- machines that a running job gives back


def on_both(**request: object) -> tuple[Simulation, int]:
    return running(nodes=2, max_nodes=2, **request)


def check_is_smaller(sim: Simulation, job: int) -> None:
    found = sim.job(job)
    assert (found.node_list, found.alloc_cpus, found.resize_time) == ("node1", 1, 100)
    [former] = sim.cluster.sizes
    assert (former.node_list, former.state.name, former.end_time) == ("node[1-2]", "RESIZING", 100)
    sim.cluster.check()


@pytest.mark.parametrize("changes", [{"NumNodes": (1, None)}, {"ReqNodeList": "node1"}])
def test_a_running_job_gives_a_machine_back_to_others(changes):
    sim, job = on_both()
    assert sim.update(job, **changes) == ""
    check_is_smaller(sim, job)
    other = sim.submit(run_time=10, required_nodes="node2", exclusive=1)
    sim.run(until=110)
    assert sim.state(other) == "RUNNING"
    sim.run(until=600)
    assert (sim.state(job), sim.job(job).node_list) == ("COMPLETED", "node1")


def test_the_machine_of_the_script_hears_what_is_left_also_when_it_comes_back():
    sim, job = on_both()
    sim.update(job, NumNodes=(1, None))
    told = Shrink("node1", f"{STATE}.{job}.1", ("node1",))
    assert told in [decision for _, decision in sim.log]
    sim.log.clear()
    sim.disconnect("node1")
    sim.connect("node1")
    sim.run(until=105)
    assert told in [decision for _, decision in sim.log]
    check_is_smaller(sim, job)


def test_a_machine_that_was_given_back_while_it_was_away_has_no_say_any_more():
    sim, job = on_both()
    sim.disconnect("node2")
    sim.update(job, NumNodes=(1, None))
    sim.connect("node2")
    sim.run(until=105)
    assert sim.state(job) == "RUNNING"
    assert not sim.running["node2"]
    check_is_smaller(sim, job)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"NumNodes": (3, None)}, "Requested operation not supported on this system"),
        ({"NumNodes": (0, None)}, "Node count specification invalid"),
        ({"NumNodes": (1, 1)}, NOT_PENDING),
        ({"ReqNodeList": ""}, "Invalid node name specified"),
        ({"ReqNodeList": "node2"}, "Invalid node name specified"),
    ],
)
def test_a_running_job_keeps_its_first_machine_and_gets_no_more(changes, error):
    sim, job = on_both()
    assert sim.update(job, **changes) == error
    assert sim.job(job).node_list == "node[1-2]"


def test_what_is_left_has_to_have_a_cpu_for_each_task():
    sim, job = on_both(ntasks=3)
    assert sim.update(job, NumNodes=(1, None)) == ""
    assert sim.update(job, NumNodes=(1, None)) == NOT_PENDING


def test_a_job_that_is_requeued_wants_all_its_machines_again():
    sim, job = on_both()
    sim.update(job, NumNodes=(1, None))
    sim.requeue(job)
    sim.run(until=400)
    assert (sim.job(job).node_list, sim.job(job).resize_time) == ("node[1-2]", None)


# --- GPUs


@pytest.mark.parametrize("text", ["foo", "gpu:2", "gpu", "gres:", ""])
def test_what_names_no_gpus_is_only_shown_of_a_job_that_has_some(text):
    sim, job = waiting(gres="gpu:1")
    assert sim.update(job, TresPerNode=text) == ""
    assert (sim.job(job).gres, json.loads(sim.job(job).extra)["shown-TresPerNode"]) == ("gpu:1", text)
    assert sim.update(job, TresPerNode="gres:gpu:2") == ""
    assert (sim.job(job).gres, sim.job(job).extra) == ("gpu:2", "{}")


@pytest.mark.parametrize("text", ["foo", "gpu:2", "gres:"])
def test_what_names_no_gpus_is_refused_of_a_job_without(text):
    sim, job = waiting()
    assert sim.update(job, TresPerNode=text) == "Invalid Trackable RESource (TRES) specification"


@pytest.mark.parametrize(
    ("asked", "changes"),
    [
        ({"gpus": "1"}, {"TresPerNode": "gres:gpu:2"}),
        ({"gres": "gpu:1"}, {"TresPerJob": "gres:gpu:2"}),
        ({"gres": "gpu:1"}, {"TresPerSocket": "gres:gpu:1"}),
        ({"gres": "gpu:1"}, {"MemPerTres": "gres:gpu:100"}),
        ({"gres": "gpu:1"}, {"MemPerTres": "foo"}),
    ],
)
def test_gpus_that_do_not_go_together_are_refused(asked, changes):
    sim, job = waiting(**asked)
    assert sim.update(job, **changes) == "Invalid generic resource (gres) specification"


def test_more_cpus_than_there_are_are_not_counted_until_they_fit():
    sim, job = waiting()
    before = tres.requested(sim.job(job))
    assert sim.update(job, NumCPUs=(100, None)) == "Requested partition configuration not available now"
    assert (sim.job(job).cpus, tres.requested(sim.job(job))) == (100, before)
    assert sim.update(job, NumCPUs=(2, None)) == ""
    assert tres.requested(sim.job(job)).startswith("cpu=2,")


def test_cpus_of_tasks_leave_the_least_of_a_machine_alone():
    sim, job = waiting()
    assert sim.update(job, CPUsPerTask=2) == ""
    assert least_cpus(sim.job(job)) == 1
    assert sim.update(job, MinCPUsNode=2) == ""
    assert least_cpus(sim.job(job)) == 2


def test_no_memory_for_each_cpu_leaves_what_is_counted_alone():
    sim, job = waiting()
    sim.update(job, MinMemory=("cpu", 200))
    assert sim.update(job, MinMemory=("cpu", 0)) == ""
    assert ",mem=200M," in tres.requested(sim.job(job), whole=4000)
    assert sim.update(job, MinMemory=("node", 0)) == ""
    assert ",mem=4000M," in tres.requested(sim.job(job), whole=4000)


@pytest.mark.parametrize(
    ("options", "gres", "error"),
    [
        ({"gpus": "1"}, "gres:gpu:a100:1", size.MIXED_GRES),
        ({"gpus": "1"}, "gres:gpu:1", size.BAD_GRES),
        ({"gpus": "1", "max_nodes": 1}, "gres:gpu:1", ""),
        ({"extra": '{"gpus-per-task": "1"}', "ntasks": 2}, "gres:gpu:a100:1", size.MIXED_GRES),
    ],
)
def test_gpus_of_each_machine_agree_with_how_gpus_were_asked_for(options, gres, error):
    sim, job = waiting(**options)
    assert sim.update(job, TresPerNode=gres) == error
