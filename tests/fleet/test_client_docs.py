"""The page of the Python client: its examples run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

from tests.fleet.machines import LoginNode

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
EXPECTED = """\
COMPLETED 0 hello from first

train 0
after 0.2 s not ended: 4 (wait longer, or cancel them: they go on otherwise)
FAILED 3
6_0 COMPLETED
6_1 FAILED
6_2 COMPLETED
6_3 FAILED
COMPLETED [0, 1, 0, 1]
line 1
line 2
line 3
trouble

['later']
['changed']
""".splitlines()
TASKS = slice(5, 9)  # lines


def test_the_examples_run(tmp_path: Path) -> None:
    """On this machine alone, as after an installation: without a fleet file."""
    login = LoginNode(tmp_path / "login")
    login.fleet_file.write_text("")
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL))
    program = login.work / "examples.py"
    program.write_text(code)
    environment = {name: value for name, value in login.environment.items() if name != "MINI_SLURM_FLEET"}
    environment |= {"XDG_CONFIG_HOME": str(login.home), "MINI_SLURM_SPOOL": str(tmp_path / "spool")}
    try:
        done = login.run("python3", str(program), seconds=120, env=environment)
        print(done.stdout, done.stderr)
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.rstrip().splitlines()
        lines[TASKS] = sorted(lines[TASKS])  # they run two at a time
        assert lines[: len(EXPECTED)] == EXPECTED
        assert lines[-2:] == ["['local']", "['COMPLETED', 'COMPLETED', 'COMPLETED'] 2"]
    finally:
        login.run("mini-slurm", "stop", "--all", env=environment)
        login.close()
