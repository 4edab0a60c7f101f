"""options/collect.py: from what was asked to a Job."""

import pytest

from mini_slurm.errors import BadOption, BadUsage, MiniSlurmError, Refused
from mini_slurm.model.job import Job
from mini_slurm.options import collect
from mini_slurm.options.collect import Values, environment_settings, make_job
from mini_slurm.options.grammar import parse
from mini_slurm.options.script import script_settings
from mini_slurm.options.table import OPTIONS


def gather(line: str = "", *, script: str = "", environment: dict[str, str] | None = None) -> Values:
    values = Values()
    text = f"#!/bin/sh\n#SBATCH {script}\n".encode()
    values.take(script_settings("sbatch", "job.sh", text, OPTIONS), collect.SCRIPT)
    values.take(environment_settings(environment or {}, OPTIONS), collect.ENVIRONMENT)
    values.take(parse("sbatch", line.split(), OPTIONS, permute=False)[0], collect.COMMAND_LINE)
    return values


def job(line: str = "", *, script: str = "", environment: dict[str, str] | None = None) -> Job:
    return make_job("sbatch", gather(line, script=script, environment=environment), lambda text: 60.0)


def test_the_command_line_wins_over_the_environment_and_that_over_the_script() -> None:
    made = job(
        "-J cli -p compute",
        script="-J script -t 5 -p gpu --comment=c",
        environment={"SBATCH_JOB_NAME": "env", "SBATCH_TIMELIMIT": "6", "SBATCH_PARTITION": "debug"},
    )
    assert (made.name, made.time_limit, made.partition, made.comment) == ("cli", 360, "compute", "c")


def test_the_last_of_several_wins() -> None:
    assert job("-J a -J b").name == "b"


def test_a_value_that_is_overridden_must_still_parse() -> None:
    with pytest.raises(BadOption):
        job("-t 5", script="--time=abc")


def test_switches_in_the_environment_may_say_no() -> None:
    assert job(environment={"SBATCH_NO_REQUEUE": "1"}).requeue == 0
    assert job(environment={"SBATCH_NO_REQUEUE": "no"}).requeue == 1
    assert job(environment={"SBATCH_EXCLUSIVE": ""}).exclusive == 1


def test_variables_that_sbatch_does_not_know_are_not_read() -> None:
    assert job(environment={"SBATCH_CPUS_PER_TASK": "2", "SBATCH_COMMENT": "c"}).__dict__ == {}


def test_only_what_was_given_is_set() -> None:
    assert job("-n 4 -c 2 --mem=1G -C ib --exclusive -o none").__dict__ == {
        "ntasks": 4,
        "cpus_per_task": 2,
        "memory_per_node": 1024,
        "features": "ib",
        "exclusive": 1,
        "std_out": "/dev/null",
    }


def test_a_held_job_has_no_priority() -> None:
    assert (job("-H").priority, job("-H").reason) == (0, "JobHeldUser")


def test_an_array_is_one_record() -> None:
    made = job("-a 3-9:3,20%2")
    assert (made.array_tasks, made.array_size, made.array_min, made.array_max, made.array_step) == (
        "3,6,9,20%2", 4, 3, 20, 3,
    )  # fmt: skip


def test_an_empty_array_expression_is_no_array() -> None:
    assert job("--array=").array_tasks is None


def test_begin_is_read_by_the_caller() -> None:
    assert job("--begin=now+60").begin_time == 60.0


def test_gpus_of_a_machine_are_generic_resources() -> None:
    values = gather("--gpus-per-node=a100:2")
    assert make_job("sbatch", values, lambda text: None).gres == "gpu:a100:2"
    assert values.remembered == {"SLURM_GPUS_PER_NODE": "a100:2"}


def test_gpus_may_be_called_so() -> None:
    assert (job("--gpus=gpu:2").gpus, job("--gpus-per-node=gpu:2").gres) == ("2", "gpu:2")


def test_no_memory_per_cpu_means_all_of_the_machines() -> None:
    made = job("--mem-per-cpu=0")
    assert (made.memory_per_node, made.memory_per_cpu) == (0, None)


@pytest.mark.parametrize(
    ("line", "script", "environment"),
    [("--mem=1G --mem-per-cpu=100", "", {}), ("--mem=1G", "--mem-per-cpu=100", {})],
)
def test_two_kinds_of_memory_exclude_each_other(line: str, script: str, environment: dict[str, str]) -> None:
    with pytest.raises(BadUsage) as raised:
        job(line, script=script, environment=environment)
    assert raised.value.lines == ("sbatch: fatal: --mem, --mem-per-cpu, and --mem-per-gpu are mutually exclusive.",)
    assert raised.value.exit_code == 1


def test_memory_that_was_asked_for_wins_over_the_environments() -> None:
    made = job("--mem-per-cpu=100", environment={"SBATCH_MEM_PER_NODE": "500"})
    assert (made.memory_per_node, made.memory_per_cpu) == (None, 100)


def test_tasks_of_a_machine_are_the_jobs_tasks() -> None:
    values = gather("--ntasks-per-node=4")
    assert make_job("sbatch", values, lambda text: None).ntasks == 4
    assert values.remembered == {"SLURM_NTASKS_PER_NODE": "4"}


def test_fewer_tasks_than_machines_make_fewer_machines() -> None:
    values = gather("-N 2 -n 1")
    assert make_job("sbatch", values, lambda text: None).nodes == 1
    assert values.warnings == ["Warning: can't run 1 processes on 2 nodes, setting nnodes to 1"]


def test_a_range_of_machines_that_begins_with_one_is_met_by_one() -> None:
    assert job("-N 1-4").nodes == 1


@pytest.mark.parametrize(
    ("line", "said", "status"),
    [
        ("-n 0", 'Invalid numeric value "0" for --ntasks.', 1),
        ("-n -1", 'Invalid numeric value "-1" for --ntasks.', 1),
        ("-n abc", 'Invalid numeric value "abc" for --ntasks.', 1),
        ("-c abc", 'Invalid numeric value "abc" for --cpus-per-task.', 1),
        ("-N 0", "Batch job submission failed: Node count specification invalid", 1),
        ("-N abc", '"abc" is not a valid node count', 255),
        ("-N 3-2", "Maximum node count 2 is less than minimum node count 3", 255),
        ("-N 1 -w node1,node2", "invalid number of nodes (-N 2-1)", 1),
        ("-t abc", "Invalid --time specification", 255),
        ("--mem=", "Invalid --mem specification", 255),
        ("--mem=1.5G", "Invalid --mem specification", 255),
        ("--mem-per-cpu=abc", "Invalid --mem-per-cpu specification", 255),
        ("--open-mode=foo", "Invalid --open-mode specification", 255),
        ("--exclusive=foo", "Invalid --exclusive specification", 255),
        ("--exclusive=user", "--exclusive=user is not supported yet", 1),
        ("--gpus=x", "Invalid --gpus specification", 255),
        ("--array=foo", "Batch job submission failed: Invalid job array specification", 1),
        ("-d afterok:1", "--dependency is not supported yet", 1),
    ],
)
def test_what_makes_no_job_is_refused_in_slurms_words(line: str, said: str, status: int) -> None:
    with pytest.raises(MiniSlurmError) as raised:
        job(line)
    assert (raised.value.lines, raised.value.exit_code) == ((said,), status)


def test_an_error_shows_how_to_write_it() -> None:
    with pytest.raises(BadOption) as raised:
        job("-t soon")
    assert raised.value.hint == "write for example --time=2-12:00:00"


def test_an_option_that_is_not_built_is_refused_in_the_environment_too() -> None:
    with pytest.raises(Refused):
        job(environment={"SBATCH_RESERVATION": "x"})


@pytest.mark.parametrize(
    ("line", "nodes", "most", "tasks"),
    [
        ("-N 2", 2, 2, None),
        ("-N 1-3 -n 5", 1, 3, 5),
        ("-n 4 --ntasks-per-node=2", 1, None, 4),
        ("-N 2 --ntasks-per-node=2", 2, 2, 4),
        ("-w node[1-3]", 3, 3, None),
        ("-N 4 -n 2", 2, 2, 2),
    ],
)
def test_machines_and_tasks_are_counted(line: str, nodes: int, most: int | None, tasks: int | None) -> None:
    found = job(line)
    assert (found.nodes, found.max_nodes, found.ntasks) == (nodes, most, tasks)
