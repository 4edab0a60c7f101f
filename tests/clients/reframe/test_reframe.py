"""ReFrame: checks as jobs, with steps, a dependency; one fails, one runs out of time, one is cancelled."""

from __future__ import annotations

from tests.clients.environments import HERE
from tests.clients.lab import Lab


def test_checks_pass_and_fail_as_they_should(lab: Lab):
    settings, checks = (str(HERE / "reframe" / name) for name in ("settings.py", "checks.py"))
    done = lab.run(
        "reframe", "env", "TMPDIR=.", "reframe", "--nocolor", "-C", settings, "-c", checks, "-r", seconds=300
    )
    assert "Ran 5/5 test case(s) from 5 check(s) (1 failure(s)" in done.stdout, done.stdout
    assert "exit status 3, state FAILED" in done.stdout
    assert "FAILURE INFO for Bad" in done.stdout
