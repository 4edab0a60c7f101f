"""steps/said.py: what srun lists at -v, as a real 22.05.8 does in a job."""

import pytest

from mini_slurm.steps import said

JOB = {"SLURM_JOB_NODELIST": "node[1-2]", "SLURM_JOB_NAME": "job"}


def listed(**given: str) -> dict[str, str]:
    """Names and values between the rules."""
    lines = said.lines({name.replace("_", "-"): text for name, text in given.items()}, JOB)
    assert (lines[0], lines[-1]) == ("defined options", "end of defined options")
    assert lines[1] == lines[-2] == "-" * 20 + " " + "-" * 20
    return {line[:20].rstrip(): line[22:] for line in lines[2:-2]}


def test_the_list_begins_with_the_jobs_machines_and_is_sorted_without_dashes() -> None:
    found = listed(verbose="vv", nodes="2", jobid="12", submit_line="srun -vv true", exact="")
    assert list(found.items()) == [
        ("(null)", "node[1-2]"),
        ("exact", "set"),
        ("jobid", "12"),
        ("job-name", "job"),
        ("nodes", "2"),
        ("verbose", "2"),
    ]


def test_values_are_written_as_slurm_does() -> None:
    found = listed(time="1:30", mem="1G", mem_per_cpu="1500", kill_on_bad_exit="", cpu_bind="none", job_name="other")
    assert (found["time"], found["mem"], found["mem-per-cpu"]) == ("00:02:00", "1G", "1500")
    assert (found["kill-on-bad-exit"], found["cpu-bind"], found["job-name"]) == ("1", "(null)", "other")
    assert [listed(time=text)["time"] for text in ("unlimited", "x", "90")] == ["UNLIMITED", "x", "01:30:00"]


def test_the_list_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    said.tell("srun", {"label": "", "verbose": "v"}, JOB)
    out, err = capfd.readouterr()
    assert out == "" and "srun: label               : set\nsrun: verbose             : 1\n" in err
