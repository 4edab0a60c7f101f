"""steps/groups.py: which part of a heterogeneous job a step runs in."""

import pytest

from mini_slurm.errors import Refused
from mini_slurm.steps import groups

TWO = {
    "SLURM_HET_SIZE": "2", "SLURM_JOB_ID": "12", "SLURM_NTASKS": "1", "SLURM_JOB_NODELIST": "a1", "HOME": "/",
    "SLURM_JOB_ID_HET_GROUP_0": "12", "SLURM_JOB_NODELIST_HET_GROUP_0": "a1", "SLURM_NTASKS_HET_GROUP_0": "1",
    "SLURM_JOB_ID_HET_GROUP_1": "13", "SLURM_JOB_NODELIST_HET_GROUP_1": "b[1-2]",
}  # fmt: skip


def ran(*arguments: str, environment: dict[str, str] = TWO) -> tuple[list[str], dict[str, str], dict[str, str]]:
    """What the single step of a call gets."""
    found = []

    def step(words: list[str], own: dict[str, str], limits: dict[str, str]) -> int:
        found.append((words, own, limits))
        return 7

    given = next((word[-1] for word in arguments if word.startswith("-g")), "")
    assert groups.run(step, list(arguments), dict(environment), lambda words: given) == 7
    return found[0]


def test_a_step_runs_in_the_first_part_unless_it_names_another() -> None:
    words, own, limits = ran("-n1", "true")
    assert (words, limits) == (["-n1", "true"], {"exclude": "b1,b2"})
    assert (own["SLURM_JOB_NODELIST"], own["SLURM_NTASKS"]) == ("a1", "1")


def test_the_part_is_as_if_it_were_the_job() -> None:
    _, own, limits = ran("-g1")
    assert limits == {"exclude": "a1"}
    assert (own["SLURM_JOB_NODELIST"], own["SLURM_JOB_ID"], own["HOME"]) == ("b[1-2]", "12", "/")
    assert "SLURM_NTASKS" not in own, "that was said of the other part"


def test_a_step_on_a_machine_of_several_parts_takes_what_it_needs() -> None:
    _, _, limits = ran("-g0", environment={**TWO, "SLURM_JOB_NODELIST_HET_GROUP_1": "a1,b1"})
    assert limits == {"exclude": "b1", "exact": ""}


@pytest.mark.parametrize("given", ["2", "0-2", "0,5"])
def test_a_part_that_there_is_not(given: str) -> None:
    with pytest.raises(Refused, match=r"exceeds highest hetjob index \(\d > 1\)"):
        groups.run(lambda *step: 0, [], dict(TWO), lambda words: given)
    with pytest.raises(Refused, match="maximum value of 1"):
        groups.run(lambda *step: 0, [":"], dict(TWO), lambda words: given)


@pytest.mark.parametrize("given", ["x", "1-", "-1", "0,,1", "\u0663"])
def test_what_is_no_number_of_a_part(given: str) -> None:
    with pytest.raises(Refused, match="Invalid --het-group value: "):
        groups.run(lambda *step: 0, [], dict(TWO), lambda words: given)
