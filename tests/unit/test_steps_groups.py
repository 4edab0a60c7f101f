"""steps/groups.py: which part of a heterogeneous job a step runs in."""

import pytest

from mini_slurm.errors import Fatal, Refused
from mini_slurm.steps import groups
from mini_slurm.steps.outputs import Names

TWO = {
    "SLURM_HET_SIZE": "2", "SLURM_JOB_ID": "12", "SLURM_NTASKS": "1", "SLURM_JOB_NODELIST": "a1", "HOME": "/",
    "SLURM_JOB_ID_HET_GROUP_0": "12", "SLURM_JOB_NODELIST_HET_GROUP_0": "a1", "SLURM_NTASKS_HET_GROUP_0": "1",
    "SLURM_JOB_ID_HET_GROUP_1": "13", "SLURM_JOB_NODELIST_HET_GROUP_1": "b[1-2]",
}  # fmt: skip


def read(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Options `--name=text`, and the program after them."""
    said = [word for word in words if word.startswith("--")]
    given = {word[2:].partition("=")[0]: word.partition("=")[2] for word in said}
    return given, [word for word in words if not word.startswith("-")]


def components(*arguments: str, environment: dict[str, str] = TWO) -> list[groups.Component]:
    """Those of a call."""
    return groups.components(list(arguments), dict(environment), read)


def ran(*arguments: str, environment: dict[str, str] = TWO) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """What the single component of a call gets."""
    (one,) = components(*arguments, environment=environment)
    assert "together" not in one.marks
    return one.words, one.environment, one.limits


def test_a_step_runs_in_the_first_part_unless_it_names_another() -> None:
    words, own, limits = ran("-n1", "true")
    assert (words, limits) == (["-n1", "true"], {"exclude": "b1,b2"})
    assert (own["SLURM_JOB_NODELIST"], own["SLURM_NTASKS"]) == ("a1", "1")


def test_the_part_is_as_if_it_were_the_job() -> None:
    _, own, limits = ran("--het-group=1", "true")
    assert limits == {"exclude": "a1"}
    assert (own["SLURM_JOB_NODELIST"], own["SLURM_JOB_ID"], own["HOME"]) == ("b[1-2]", "12", "/")
    assert "SLURM_NTASKS" not in own, "that was said of the other part"


def test_a_step_on_a_machine_of_several_parts_takes_what_it_needs() -> None:
    _, _, limits = ran("--het-group=0", "true", environment={**TWO, "SLURM_JOB_NODELIST_HET_GROUP_1": "a1,b1"})
    assert limits == {"exclude": "b1", "exact": ""}


@pytest.mark.parametrize("given", ["2", "0-2", "0,5", "[0-2]", "127"])
def test_a_part_that_there_is_not(given: str) -> None:
    alone = r"exceeds highest hetjob index \(\d+ > 1\)" if given.isdigit() else "maximum value of 1"
    with pytest.raises(Refused, match=alone):
        components(f"--het-group={given}", "true")
    with pytest.raises(Refused, match="maximum value of 1"):
        components(f"--het-group={given}", "true", ":", "true")


@pytest.mark.parametrize("given", ["x", "1-0", "-1", "0--1", "0-x", "0x", "0,,1", "", "0,", "1 ", "\u0663"])
def test_what_is_no_number_of_a_part(given: str) -> None:
    with pytest.raises(Refused, match=r"_parse_single_range: Invalid range: (?s:.*)Invalid --het-group value: "):
        components(f"--het-group={given}", "true")


@pytest.mark.parametrize("given", ["128", "0-200"])
def test_more_parts_than_a_job_can_have(given: str) -> None:
    with pytest.raises(Refused) as refused:
        components(f"--het-group={given}", "true")
    assert refused.value.lines == (f"Invalid --het-group value: {given}",)


@pytest.mark.parametrize("given", [" 1", "1-", "[1]", "01", "1-1"])
def test_odd_ways_to_name_a_part(given: str) -> None:
    assert [one.environment["SLURM_JOB_ID"] for one in components(f"--het-group={given}", "true")] == ["12"]
    assert [one.part for one in components(f"--het-group={given}", "true")] == [1]


def test_components_are_one_step_in_the_order_of_the_parts() -> None:
    right, left = components("--het-group=1", "right", ":", "--het-group=0", "left")
    assert (right.words[-1], left.words[-1]) == ("left", "right")
    assert (right.marks["part"], left.marks["part"]) == (0, 1)
    assert right.marks["together"] == left.marks["together"] != components("a", ":", "b")[0].marks["together"]
    assert right.marks["count"] == left.marks["count"] == 2
    assert [one.marks["part"] for one in components("--het-group=1,0,0", "a")] == [0, 1]


def test_what_is_said_of_one_component_counts_for_those_after_it() -> None:
    _, second = components("--label", "--ntasks=3", "--output=x", "a", ":", "--output=y", "b")
    assert second.complete({"output": "y"}) == {"label": "", "output": "y", "exclude": "a1", "open-mode": "append"}


def test_a_component_without_a_program_runs_that_of_the_next() -> None:
    first, second = components("--het-group=0", ":", "--het-group=1", "a", "b")
    assert first.words == ["--het-group=0", "a", "b"]
    assert second.words == ["--het-group=1", "a", "b"]


def test_components_that_cannot_be_one_step() -> None:
    with pytest.raises(Fatal, match="Duplicate het groups"):
        components("--het-group=0", "a", ":", "--het-group=0", "b")
    with pytest.raises(Fatal, match="--multi-prog option not supported with multiple het groups"):
        components("--multi-prog", "a", ":", "b")


def test_components_in_a_job_without_parts_are_on_machines_of_their_own() -> None:
    plain = {"SLURM_JOB_ID": "12", "SLURM_JOB_NUM_NODES": "3", "SLURM_NTASKS": "4"}
    found = components("a", ":", "b", environment=plain)
    assert [(one.marks["part"], one.marks["apart"]) for one in found] == [(0, True), (1, True)]
    assert [one.environment for one in found] == [{"SLURM_JOB_ID": "12", "SLURM_NTASKS": "4"}] * 2


def test_a_step_that_is_whole_knows_the_whole_job() -> None:
    plain = {"SLURM_JOB_ID": "12", "SLURM_JOB_NUM_NODES": "3"}
    (one,) = components("a", environment=plain)
    assert (one.environment, one.marks, one.limits) == (plain, {}, {})


def test_a_group_of_a_job_that_has_none() -> None:
    with pytest.raises(Refused, match="No directives to start application on any available hetjob components"):
        components("--het-group=0", "a", environment={})
    assert [one.marks["part"] for one in components("--het-group=0,1", "a", environment={})] == [0, 1]


def test_what_a_component_is_called() -> None:
    first, second = components("a", ":", "b")
    named = [Names("12", "0", "12", "", "u", "n") for _ in range(3)]
    first.name(named[0])
    second.name(named[1])
    components("a", ":", "b", environment={})[1].name(named[2])
    assert [(name.job_id, name.component, name.part) for name in named] == [
        ("12", "", 0),
        ("13", "", 1),
        ("12", "+1", 1),
    ]


def test_a_component_without_a_program_has_that_of_the_one_after_it() -> None:
    parts = [["-n2"], ["-n1", "a"], ["-n3"], ["-n4", "b", "c"], ["-l"]]
    assert groups.filled(parts, [[], ["a"], [], ["b", "c"], []]) == [
        ["-n2", "a"],
        ["-n1", "a"],
        ["-n3", "b", "c"],
        ["-n4", "b", "c"],
        ["-l"],
    ]
