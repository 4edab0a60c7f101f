"""options/gpus.py: what options on GPUs say of each other, of tasks, machines and CPUs."""

import pytest

from mini_slurm.errors import Refused
from mini_slurm.model.gpu_request import gpu_parts, gpus_per_job, gpus_per_node
from mini_slurm.model.gres import Part
from tests.unit.submitting import described


@pytest.mark.parametrize(
    ("line", "tasks", "nodes", "cpus"),
    [
        ("--gpus=4 --gpus-per-node=2", None, 2, None),
        ("--gpus=4 --gpus-per-task=2", 2, 1, None),
        ("-n 2 --gpus-per-task=1 --cpus-per-gpu=3", 2, 1, 3),
        ("-N 2 --gpus-per-task=1", 2, 2, None),
        ("--gpus=2 --ntasks-per-gpu=3", 6, 1, None),
        ("-n 4 --ntasks-per-gpu=2", 4, 1, None),
    ],
)
def test_what_was_left_open_is_completed(line: str, tasks: int | None, nodes: int, cpus: int | None) -> None:
    job = described(line)
    assert (job.ntasks, job.nodes, job.cpus_per_task) == (tasks, nodes, cpus)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--gpus=1 --gpus-per-node=2", "Failed to ensure --gpus >= --gres=gpu/--gpus-per-node >= --gpus-per-socket"),
        ("--gpus=3 --gpus-per-node=2", "Failed to validate job spec, --gpus is not multiple of"),
        ("--gpus-per-node=1 --gpus-per-task=2 -n 1", "Failed to ensure --gpus >= --gpus-per-task"),
        ("--gpus-per-socket=1", "--gpus-per-socket option requires --sockets-per-node specification"),
        ("--cpus-per-gpu=2 -c 2 --gpus=1", "--cpus-per-gpu is mutually exclusive with --cpus-per-task"),
        ("--gpus-per-task=1", "Failed to validate job spec. --gpus-per-task used without either --gpus or -n/--ntasks"),
        ("--gpus=3 --gpus-per-task=2", "Failed to validate job spec, --gpus not multiple of --gpus-per-task"),
        ("--gpus=4 --gpus-per-task=2 -n 3", "Failed to validate job spec. Based on --gpus and --gpus-per-task number"),
        ("-n 3 --ntasks-per-gpu=2", "Failed to validate job spec, -n/--ntasks has to be a multiple of"),
        ("--ntasks-per-gpu=2", "gres_job_state_validate: --ntasks-per-tres needs either a GRES GPU specification"),
        ("--mem-per-gpu=1G", "Requested mem_per_tres=gres:gpu:1024 but did not request any GPU."),
        ("--gpus=1 -N 2", "Failed to validate job spec, --gpus < -N"),
        ("--gpus=8 --gpus-per-node=2 -N 3", "Failed to validate job spec. Based on --gpu and"),
        ("--gres=tape:1", "Invalid generic resource (gres) specification"),
    ],
)
def test_what_contradicts_itself_is_refused_in_slurms_words(line: str, said: str) -> None:
    with pytest.raises(Refused) as raised:
        described(line)
    assert raised.value.lines[0].startswith(said)
    assert raised.value.lines[-1] == "Invalid generic resource (gres) specification"


@pytest.mark.parametrize(
    ("line", "of_node", "of_job"),
    [
        ("", {}, {}),
        ("--gres=gpu", {"": 1}, {}),
        ("--gres=gpu:a100:2,gpu:1", {"a100": 2, "": 1}, {}),
        ("--gpus=2", {}, {"": 2}),
        ("--gpus=gpu:2", {}, {"gpu": 2}),
        ("--gres=none --gpus=0", {}, {}),
        ("-n 3 --gpus-per-task=a100:2", {}, {"a100": 6}),
        ("--gpus-per-socket=2 --sockets-per-node=2", {"": 4}, {}),
        ("-n 4 --ntasks-per-gpu=2", {}, {"": 2}),
    ],
)
def test_gpus_are_those_of_each_machine_and_those_of_the_job(
    line: str, of_node: dict[str, int], of_job: dict[str, int]
) -> None:
    job = described(line)
    assert (gpus_per_node(job), gpus_per_job(job)) == (of_node, of_job)


@pytest.mark.parametrize("line", ["--gpus=2 --gres=gpumem:16G", "-n 1 --gpus-per-task=1 --gres=gpu:1,gpumem:1G"])
def test_memory_of_gpus_is_asked_for_beside_gpus_by_node(line: str) -> None:
    with pytest.raises(Refused, match="Invalid generic resource"):
        described(line)


def test_a_job_may_ask_for_parts_of_gpus() -> None:
    job = described("--gres=gpu:a100:1,gpumem:16G,shard:2")
    assert gpu_parts(job) == (Part("", 0, 2), Part("a100", 16384, 0))
    assert gpus_per_node(job) == {}
