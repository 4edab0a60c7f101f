"""What a real Slurm 22.05.8 was seen to answer to options that the recordings do not show."""

from __future__ import annotations

import time

import pytest

from mini_slurm.cli import common, msbatch
from mini_slurm.desk import batch
from mini_slurm.desk.submission import Script
from mini_slurm.errors import MiniSlurmError
from mini_slurm.model.fleet import Fleet, MachineEntry, Partition, Qos
from mini_slurm.model.job import Job
from mini_slurm.model.patterns import shown_error, shown_output
from mini_slurm.output import job_record, tres
from mini_slurm.output.job_fields import accrues, eligible
from mini_slurm.output.records import RecordView
from mini_slurm.scheduler import admission

FEATURES = ("ib", "skylake")
FLEET = Fleet(
    name="mini",
    path="",
    machines={name: MachineEntry(name, name, cpus=2, memory=4000, features=FEATURES) for name in ("node1", "node2")},
    partitions={"compute": Partition("compute", ("node1", "node2"), default=True)},
    qos={"normal": Qos("normal"), "high": Qos("high", 100)},
)


def shown(**given: object) -> str:
    """What `scontrol show job` says of a waiting job."""
    job = Job(**{"job_id": 7, "user": "alice", "work_dir": "/w", "is_batch": True, **given})
    return "\n".join(job_record.lines(job, RecordView(0.0, lambda moment: time.strftime("%T", time.gmtime(moment)))))


def admitted(**given: object) -> Job:
    """The job as the fleet takes it."""
    job = Job(**{"user": "alice", "submit_time": 100.5, **given})
    admission.admit(job, FLEET, {}, strict=False)
    return job


def test_listings_fill_in_fewer_symbols_of_a_file_name_than_the_job_does():
    job = Job(
        job_id=7, user="alice", name="wrap", work_dir="/w", std_out="%A_%a-%j-%J-%N-%t-%u-%x-%%-%4j", std_err="a\\%j"
    )
    assert shown_output(job) == "/w/7_4294967294-7-%J-%N-%t-alice-wrap-%%-%4j"
    assert shown_error(job) == "/w/a\\7"
    assert shown_output(Job(job_id=7, work_dir="/w")) == "/w/slurm-7.out"


def test_machines_count_as_asked_for_only_where_they_were():
    assert "node=1," in tres.requested(Job(ntasks=5, nodes=2))  # two are what the tasks need
    assert "node=2," in tres.requested(Job(ntasks=5, nodes=2, max_nodes=2))
    assert "node=2," in tres.requested(Job(ntasks=5, nodes=2, required_nodes="node[1-2]"))
    assert tres.requested(Job(ntasks=5, nodes=2, gres="gpu:1")).endswith(",gres/gpu=1")


def test_more_tasks_than_cpus_count_as_a_cpu_for_each_machine():
    assert tres.requested_cpus(Job(ntasks=5, nodes=1, max_nodes=1, extra='{"overcommit": "1"}')) == 1


@pytest.mark.parametrize(
    ("gpus", "count", "line"),
    [("1k", "1024", "gres:gpu:1k"), ("1,2", "2", "gres:gpu:1,gres:gpu:2"), ("a100:2", "2", "gres:gpu:a100:2")],
)
def test_gpus_are_counted_and_named_as_they_were_asked_for(gpus: str, count: str, line: str):
    text = shown(gpus=gpus)
    assert f"gres/gpu={count}\n" in text and f"TresPerJob={line}" in text


def test_kinds_of_another_cluster_are_passed_over() -> None:
    assert tres.requested(Job(gres="craynetwork:1,gpu:2")).endswith("gres/gpu=2")


def test_the_last_word_on_a_kind_of_gpu_counts():
    assert tres.requested(Job(gres="gpu:1,gpu:1")).endswith("gres/gpu=1")


def test_what_is_said_of_gpus_in_general_is_shown_as_it_was_said():
    text = shown(extra='{"gpu-bind": "verbose,closest", "gpu-freq": "medium,memory=low"}')
    assert "TresBind=gpu:verbose,closest" in text and "TresFreq=gpu:medium,memory=low" in text


@pytest.mark.parametrize(
    ("frequency", "line"),
    [
        ("High", "CPU_max_freq=High "),
        ("1000-2000", "CPU_min_freq=1000 CPU_max_freq=2000 "),
        ("Low-High:Performance", "CPU_min_freq=Low CPU_max_freq=High Governor=Performance"),
        ("OnDemand", "Governor=OnDemand"),
    ],
)
def test_the_frequency_of_the_cpus_is_shown_by_its_parts(frequency: str, line: str):
    assert f"\n{line}\n" in shown(extra=f'{{"cpu-freq": "{frequency}"}}')


def test_a_held_job_is_eligible_from_its_begin_time_on():
    held = Job(reason="JobHeldUser", submit_time=1.0, begin_time=50.0)
    assert (eligible(held), accrues(held)) == (50.0, None)
    assert eligible(Job(reason="JobHeldUser", submit_time=1.0)) is None


def test_a_label_is_shown():
    assert "MCS_label=x" in shown(extra='{"mcs-label": "x"}') and "MCS_label=N/A" in shown()


def test_machines_are_kept_in_the_fleets_order_and_once():
    assert admitted(required_nodes="node[2,1]").required_nodes == "node[1-2]"
    assert admitted(excluded_nodes="node1,node1").excluded_nodes == "node1"
    in_turn = admitted(required_nodes="node[2,1]", extra='{"distribution": "arbitrary"}')
    assert in_turn.required_nodes == "node[2,1]"


def test_features_that_a_comma_joins_are_all_wanted():
    assert admitted(features="ib,skylake").features == "ib&skylake"


def test_the_name_of_a_qos_may_be_written_in_large_letters():
    assert admitted(qos="HIGH").qos == "high"
    with pytest.raises(MiniSlurmError, match="Invalid qos"):
        admitted(qos="higher")


def test_a_deadline_in_this_very_second_has_not_passed():
    assert admitted(deadline=100.0).deadline == 100.0
    with pytest.raises(MiniSlurmError, match="time limit is invalid"):
        admitted(deadline=99.0)


def parts_of(*words: str, lines: str = "") -> list[Job]:
    """The parts of a heterogeneous job, as sbatch hands them in."""
    given, _ = common.parse_parts("sbatch", list(words), msbatch.options("sbatch"))
    source = Script(f"#!/bin/sh\n{lines}\ntrue\n".encode(), "job.sh", "/w/job.sh")
    return batch.make("sbatch", given, source, [], "", print).jobs


def test_what_a_later_part_says_of_the_job_counts_for_those_before_it_too():
    first, second, third = parts_of(
        *("-n1", ":", "-n1", "-t7", "-o", "b", ":", "-n2", "-t9", "-o", "c", "--comment=z", "-J", "x")
    )
    assert [part.time_limit for part in (first, second, third)] == [9 * 60, 7 * 60, 9 * 60]
    assert [part.std_out for part in (first, second, third)] == ["c", "b", "c"]
    assert {(part.name, part.comment) for part in (first, second, third)} == {("x", "z")}
    assert [part.ntasks for part in (first, second, third)] == [1, 1, 2]


def test_script_and_variables_win_over_what_a_later_part_says(monkeypatch: pytest.MonkeyPatch):
    first, second = parts_of(":", "-t3", "-J", "late", lines="#SBATCH -t4\n#SBATCH hetjob\n#SBATCH -n1")
    assert [(part.time_limit, part.name) for part in (first, second)] == [(240, "late"), (180, "late")]
    monkeypatch.setenv("SBATCH_TIMELIMIT", "8")
    assert [part.time_limit for part in parts_of("-n1", ":", "-n1", "-t9")] == [480, 540]


def test_memory_of_one_part_is_that_of_all_which_say_nothing_of_it():
    def memory(*words: str) -> list[tuple[int | None, int | None]]:
        return [(part.memory_per_node, part.memory_per_cpu) for part in parts_of(*words)]

    assert memory("-n1", ":", "-n1", "--mem=300") == memory("--mem=300", ":", "-n1") == [(300, None)] * 2
    assert memory("--mem-per-cpu=50", ":", "--mem=100") == [(None, 50), (100, None)]
    assert memory("-n1", ":", "--mem-per-cpu=100") == [(None, None), (None, 100)]
