"""What a fleet does not have: each is said in one line, after the checks that Slurm makes itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet.shell import Shell, prepared

NO_JOB = "sbcast: error: Need a job id to run this command.  Run from within a Slurm job or use the --jobid option.\n"
ONE_MODE = "strigger: error: You must use exactly one of the following options: --set, --get or --clear\n"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    return prepared(tmp_path, capsys, monkeypatch)


def test_there_are_no_triggers_to_show(run: Shell) -> None:
    assert run("strigger --get") == (0, "", "")
    assert run("strigger -Q --clear --id=4") == (0, "", "")


@pytest.mark.parametrize(
    ("line", "errors"),
    [
        ("strigger", ONE_MODE),
        ("strigger --get --clear", ONE_MODE),
        ("strigger --clear", "strigger: error: You must specify a --id, --jobid, or --user to clear\n"),
        ("strigger --clear --jobid=3", "slurm_clear_trigger: No such process\n"),
        ("strigger --set --down", "strigger: error: You must specify a --program value\n"),
        ("strigger --set --fini -p /bin/sh", "strigger: error: You must specify a --jobid value\n"),
        ("strigger --set --up -p sh", 'strigger: error: The --program value must start with "/"\n'),
        ("strigger --set --up -p /", "strigger: error: Invalid --program value, not regular file\n"),
        ("strigger --set --up -p /no/such", "strigger: error: Invalid --program value, file not found\n"),
        ("sbcast a b", NO_JOB),
        ("sbcast a", 'Need two file names, have 1 names\nTry "sbcast --help" for more information\n'),
    ],
)
def test_what_slurm_says_too(run: Shell, line: str, errors: str) -> None:
    assert run(line) == (1, "", errors)


@pytest.mark.parametrize("line", ["strigger --set --up -p /bin/sh", "strigger --set --fini -j 3 -p /bin/sh"])
def test_what_a_fleet_cannot_do(run: Shell, line: str) -> None:
    assert run(line) == (1, "", "slurm_set_trigger: Access/permission denied\n")
    code, output, errors = run(f"m{line}")
    assert (code, output) == (1, "")
    assert "a fleet has no triggers" in errors


def test_a_trigger_needs_an_occasion(run: Shell) -> None:
    code, _, errors = run("strigger --set -p /bin/sh")
    assert (code, errors.split(" (")[0]) == (1, "strigger: error: You must specify a trigger")
