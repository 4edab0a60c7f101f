"""Numbers that srun is given, and GPUs: what it takes, and in which words it refuses."""

from __future__ import annotations

import pytest

from mini_slurm.errors import BadOption, Refused
from mini_slurm.options import values
from mini_slurm.steps import request
from mini_slurm.steps.layout import BAD_TRES, Impossible, Node, place

ABOVE_ZERO = ("cpus-per-task", "msg-timeout", "ntasks", "ntasks-per-node", "threads")
FROM_ZERO = ("relative",)
HUGE = "9" * 20
TOO_BIG = "Numeric argument (9223372036854775807) to big for {}."


def complaint(option: str, text: str) -> str:
    with pytest.raises(Refused) as raised:
        request.read({option: text}, [])
    return str(raised.value)


@pytest.mark.parametrize("text", ["-1", "x", "1x", "1.5", "1-", "-", "0x2", "1:1", "1k"])
@pytest.mark.parametrize("option", [*ABOVE_ZERO, *FROM_ZERO])
def test_what_is_no_number_is_refused(option: str, text: str) -> None:
    assert complaint(option, text) == f'Invalid numeric value "{text}" for --{option}.'


@pytest.mark.parametrize("text", ["0", ""])
@pytest.mark.parametrize("option", ABOVE_ZERO)
def test_there_is_at_least_one_of_these(option: str, text: str) -> None:
    assert complaint(option, text) == f'Invalid numeric value "{text}" for --{option}.'


@pytest.mark.parametrize("option", [*ABOVE_ZERO, *FROM_ZERO])
def test_what_no_long_of_c_holds_is_too_big(option: str) -> None:
    assert complaint(option, HUGE) == TOO_BIG.format(f"--{option}")


@pytest.mark.parametrize("text", [" 2", "+2", "2", "4294967298"])
def test_a_number_is_what_c_reads(text: str) -> None:
    found = request.read({"ntasks": text, "relative": text, "threads": text}, [])
    assert (found.ntasks, found.relative) == (2, 2)


def test_the_first_machine_is_number_nothing() -> None:
    assert request.read({"relative": ""}, []).relative == 0


@pytest.mark.parametrize(("text", "warnings"), [("60", 0), ("61", 1), ("70000", 1)])
def test_many_threads_are_spoken_of(text: str, warnings: int) -> None:
    said: list[str] = []
    request.read({"threads": text}, said)
    assert said == [f"error: Thread value --threads={text} exceeds recommended limit of 60"][:warnings]


@pytest.mark.parametrize("text", ["x", "-1", "1x", "1.5"])
def test_patience_is_a_number(text: str) -> None:
    assert complaint("immediate", text) == f'Invalid numeric value "{text}" for immediate.'
    with pytest.raises(Refused, match="for immediate"):
        values.patience(text)


def test_patience_without_a_number_is_none() -> None:
    assert request.read({"immediate": ""}, []).immediate == values.patience(None) == 1
    assert request.read({"immediate": " 7"}, []).immediate == values.patience(" 7") == 7
    assert complaint("immediate", HUGE) == TOO_BIG.format("immediate")


@pytest.mark.parametrize(("text", "bounds"), [("-1", (1, 1)), (" 1", (1, 1)), ("+1", (1, 1)), ("1k", (1024, 1024))])
def test_machines_are_counted_as_sbatch_counts_them(text: str, bounds: tuple[int, int]) -> None:
    found = request.read({"nodes": text}, [])
    assert (found.least_nodes, found.most_nodes) == bounds


@pytest.mark.parametrize("text", ["1-", "-"])
def test_no_end_is_no_range(text: str) -> None:
    with pytest.raises(BadOption, match="Maximum node count -1 is less than minimum node count 1"):
        request.read({"nodes": text}, [])


@pytest.mark.parametrize("option", ["gpus", "gpus-per-node", "gpus-per-task"])
@pytest.mark.parametrize(
    ("text", "count", "kind"),
    [("", None, ""), ("x", 1, "x"), ("2", 2, ""), ("a100:2", 2, "a100"), (" 1", 1, ""), ("1k", 1024, "")],
)
def test_gpus_of_a_step_are_read_as_those_of_a_job(option: str, text: str, count: int | None, kind: str) -> None:
    found = request.read({option: text}, [])
    assert getattr(found, option.replace("-", "_")) == count
    assert found.gpu_type == kind


@pytest.mark.parametrize("text", ["a:x", "gpu:x", "gpu:a100:1"])
def test_a_type_has_a_number_of_gpus(text: str) -> None:
    assert complaint("gpus", text) == "Invalid generic resource (gres) specification"


@pytest.mark.parametrize("text", ["1x", "1.5", "1-", HUGE])
def test_gpus_that_are_no_number_are_refused_with_the_step(text: str) -> None:
    wanted = request.read({"gpus": text, "ntasks": "1"}, [])
    with pytest.raises(Impossible) as raised:
        place(wanted, [Node("node4", 2, 1000, ["a100"])], {})
    assert raised.value.why == BAD_TRES
