"""options/settle.py and describe.py: what was asked for, brought together as sbatch does it, to a Job."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.errors import Answer, Fatal, MiniSlurmError
from mini_slurm.options.settle import LIMITS, propagated
from mini_slurm.options.table import OPTIONS
from tests.unit.submitting import described, settled


def kept(line: str, **sources: object) -> dict[str, str]:
    found: dict[str, str] = json.loads(described(line, **sources).extra)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize(
    ("line", "nodes", "most", "tasks"),
    [
        ("", 1, None, None),
        ("-N 2", 2, 2, None),
        ("-N 1-4", 1, 4, None),
        ("-N 1-3 -n 5", 1, 3, 5),
        ("-N 2-9 -n 4", 2, 4, 4),
        ("-n 4 --ntasks-per-node=2", 1, None, 4),
        ("--ntasks-per-node=4", 1, None, 4),
        ("-N 2 --ntasks-per-node=2", 2, 2, 4),
        ("-N 2-3 --ntasks-per-node=2", 2, 3, None),
        ("-w node[1-3]", 3, None, None),
        ("-w node1,node1", 1, None, None),
        ("-n 1 -w node[1-3]", 1, 1, 1),
        ("-N 4 -n 2", 2, 2, 2),
        ("-N 2 -B 2:2:1", 2, 2, 8),
        ("-F hosts", 2, None, None),
        ("-m arbitrary -w ./hosts", 2, None, 2),
    ],
)
def test_machines_and_tasks_are_counted(line: str, nodes: int, most: int | None, tasks: int | None) -> None:
    found = described(line)
    assert (found.nodes, found.max_nodes, found.ntasks) == (nodes, most, tasks)


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("--gres=", "gres", ""),
        ("--gres=gpu:1,", "gres", "gpu:1,"),
        ("--gres=gres:,gpu:1", "gres", ",gpu:1"),
        ("--gres=gres:", "gres", ""),
        ("--gpus-per-node=1", "gres", "gpu:1"),
        ("--comment= ", "comment", ""),
        ("-C ''", "features", ""),
        ("-x ''", "excluded_nodes", ""),
        ("-o ''", "std_out", ""),
        ("--exclusive=", "exclusive", 1),
        ("--nice=", "nice", 100),
        ("--time-min=0", "time_min", 2**32 - 1),
        ("--time-min=UNLIMITED", "time_min", 2**32 - 1),
        ("-w '' -N 2", "nodes", 2),
        ("-w ''", "nodes", 0),
    ],
)
def test_empty_values_are_what_slurm_takes_them_for(line: str, field: str, value: object) -> None:
    assert getattr(described(line), field) == value


def test_machines_that_follow_from_gpus_ask_for_no_cpus() -> None:
    found = described("--gpus=4 --gpus-per-node=2")
    assert (found.nodes, found.max_nodes, found.min_cpus) == (2, 2, 1)


@pytest.mark.parametrize("name", ["batch", "bb", "cluster-constraint", "container", "mcs-label", "network", "prefer"])
def test_an_empty_text_is_kept(name: str) -> None:
    assert kept(f"--{name}=") == {name: ""}


def test_fewer_tasks_than_machines_make_fewer_machines() -> None:
    told: list[str] = []
    values = settled("-N 2 -n 1 -w node[1-2]", told=told)
    assert (values.of["nodes"], values.of["required_nodes"]) == (1, "node1")
    assert told == ["Warning: can't run 1 processes on 2 nodes, setting nnodes to 1"]


@pytest.mark.parametrize(
    ("line", "said", "status"),
    [
        ("-N abc", '"abc" is not a valid node count', 255),
        ("-N 3-2", "Maximum node count 2 is less than minimum node count 3", 255),
        ("-N 1 -w node1,node2", "invalid number of nodes (-N 2-1)", 1),
        ("--mem=", "Invalid --mem specification", 255),
        ("--hint=", 'unrecognized --hint argument "", see --hint=help', 1),
        ("--mem=1.5G", "Invalid --mem specification", 255),
        ("--exclusive=foo", "Invalid --exclusive specification", 255),
        ("--array=foo", "Batch job submission failed: Invalid job array specification", 1),
        ("--bb=x --bbf=y", "Cannot specify both --burst-buffer and --bbf", 1),
        ("--hint=x", 'unrecognized --hint argument "x", see --hint=help', 1),
        ("--propagate=FOO", "Bad rlimit name: FOO", 1),
        ("-m plane=4 -N 3 -n 4", "Too few processes for the requested {plane,node} distribution", 1),
        (
            "-m arbitrary",
            "With Arbitrary distribution you need to specify a nodelist or hostfile with the -w option",
            1,
        ),
        ("--ntasks-per-gpu=2 --gpus-per-task=1", "--gpus-per-task is mutually exclusive with --ntasks-per-gpu and"
         " SLURM_NTASKS_PER_GPU", 1),
        ("-w node[3-1]", "memory allocation failure", 1),
        ("--gpus=x:y:z", "Invalid generic resource (gres) specification", 1),
    ],
)  # fmt: skip
def test_what_makes_no_job_is_refused_in_slurms_words(line: str, said: str, status: int) -> None:
    with pytest.raises(MiniSlurmError) as raised:
        described(line)
    assert (raised.value.lines[0], raised.value.exit_code) == (said, status)


def test_blanks_part_the_names_of_machines_as_commas_do() -> None:
    job = described("-w 'node1  node2' -x 'node3 node4'")
    assert (job.required_nodes, job.excluded_nodes, job.nodes) == ("node[1-2]", "node3,node4", 2)


@pytest.mark.parametrize(
    ("line", "script", "environment"),
    [
        ("--mem=1G --mem-per-cpu=100", "", {}),
        ("--mem=1G", "--mem-per-cpu=100", {}),
        ("", "", {"SBATCH_MEM_PER_CPU": "1", "SBATCH_MEM_PER_GPU": "1"}),
    ],
)
def test_two_kinds_of_memory_exclude_each_other(line: str, script: str, environment: dict[str, str]) -> None:
    with pytest.raises(Fatal, match="are mutually exclusive"):
        described(line, script=script, environment=environment)


def test_memory_that_was_asked_for_wins_over_the_environments() -> None:
    made = described("--mem-per-cpu=100", environment={"SBATCH_MEM_PER_NODE": "500"})
    assert (made.memory_per_node, made.memory_per_cpu) == (None, 100)


def test_no_memory_per_cpu_means_all_of_the_machines() -> None:
    made = described("--mem-per-cpu=0")
    assert (made.memory_per_node, made.memory_per_cpu) == (0, None)


def test_hints_are_threads_and_cores_unless_those_were_said() -> None:
    assert kept("--hint=nomultithread") == {"hint": "nomultithread", "threads-per-core": "1"}
    assert kept("--hint=nomultithread --threads-per-core=2") == {"threads-per-core": "2"}
    with pytest.raises(Answer):
        settled("--hint=help")


def test_cores_are_not_kept_for_the_system() -> None:
    told: list[str] = []
    settled("-S 1", told=told)
    assert told == ["Ignoring -S since it's not allowed by configuration (AllowSpecResourcesUsage = No)"]


def test_a_held_job_has_no_priority() -> None:
    assert (described("-H").priority, described("-H").reason) == (0, "JobHeldUser")


def test_an_array_is_one_record() -> None:
    made = described("-a 3-9:3,20%2")
    assert (made.array_tasks, made.array_size, made.array_min, made.array_max, made.array_step) == (
        "3,6,9,20%2", 4, 3, 20, 3,
    )  # fmt: skip
    assert described("--array=").array_tasks is None


def test_gpus_of_a_machine_are_generic_resources() -> None:
    values = settled("--gpus-per-node=a100:2")
    assert values.of["gres"] == "gpu:a100:2"
    assert values.remembered == {"SLURM_GPUS_PER_NODE": "a100:2"}
    assert described("--gpus-per-node=2 --gres=gpu:a100:1").gres == "gpu:2,gpu:a100:1"


def test_what_is_only_shown_is_kept_as_it_is_shown() -> None:
    line = "--mail-type=END,BEGIN --tmp=1G --wckey=Thesis --switches=2@1:00 -m block:* --mincpus=4 --no-kill=off -O"
    assert kept(line) == {
        "mail-type": "BEGIN,END",
        "tmp": "1024M",
        "wckey": "thesis",
        "switches": "2@0:60",
        "distribution": "block:cyclic",
        "mincpus": "4",
        "overcommit": "1",
    }


def test_steps_learn_what_was_asked_for() -> None:
    line = "--ntasks-per-node=4 -m plane=2 --open-mode=append --mem-bind=verbose,local --cpus-per-gpu=2 --gpus=1"
    assert settled(line).remembered == {
        "SLURM_NTASKS_PER_NODE": "4",
        "SLURM_DISTRIBUTION": "plane",
        "SLURM_DIST_PLANESIZE": "2",
        "SLURM_OPEN_MODE": "a",
        "SLURM_MEM_BIND": "verbose,local",
        "SLURM_MEM_BIND_VERBOSE": "verbose",
        "SLURM_CPUS_PER_GPU": "2",
        "SLURM_GPUS": "1",
    }


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("", LIMITS),
        ("--propagate", LIMITS),
        ("--propagate=NONE", ()),
        ("--propagate=CORE,RLIMIT_NOFILE", ("CORE", "NOFILE")),
    ],
)
def test_limits_travel_as_asked_for(line: str, names: tuple[str, ...]) -> None:
    assert propagated(settled(line)) == names


NUMBERS = st.sampled_from(["0", "1", "2", "3", "4", "1-2", "2-3", "a100:1", "gpu:2", "gpu:a100:3", "x", "-1", "2:1:1"])
SAID = st.tuples(
    st.sampled_from(
        [option.long for option in OPTIONS if option.value == "required" and option.long not in ("begin", "deadline")]
    ),
    NUMBERS,
)


@given(st.lists(SAID, max_size=6))
def test_any_options_make_a_job_or_are_refused(said: list[tuple[str, str]]) -> None:
    with contextlib.suppress(MiniSlurmError):
        made = described(" ".join(f"--{long}={text}" for long, text in said))
        assert made.nodes >= 0
        assert all(isinstance(text, str) for text in json.loads(made.extra).values())
