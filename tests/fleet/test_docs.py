"""What the README and the pages under docs/ say is true: their commands run, and their links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from mini_slurm.cli.manual import reference
from tests.fleet import jobs
from tests.fleet.machines import Machines
from tests.waiting import wait_until

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text()


def blocks(page: str) -> list[list[str]]:
    """The code blocks of a page: the commands, without what is said about them."""
    found = re.findall(r"^```\w*\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [[line.partition("#")[0].strip() for line in block.splitlines() if line.strip()] for block in found]


def test_the_readme_begins_with_the_two_commands_that_set_everything_up():
    assert blocks(README)[0] == ["scripts/demo", "scripts/test"]
    assert "scripts/test" in (ROOT / ".ci" / "run").read_text()


def test_the_picture_shows_no_folder_of_the_machine_that_it_was_drawn_on():
    assert ".venv" not in (ROOT / "docs" / "demo.svg").read_text()


def test_the_reference_and_the_manual_pages_are_current():
    kept = {
        f"{folder}/{path.name}": path.read_text()
        for folder in ("reference", "man")
        for path in (ROOT / "docs" / folder).iterdir()
    }
    made = reference.files()
    old = sorted(name for name in kept.keys() | made.keys() if kept.get(name) != made.get(name))
    assert not old, f"run scripts/reference: {', '.join(old)} do not say what the tables say"


def test_the_demo_runs_a_small_array_and_shows_its_accounting(tmp_path: Path):
    environment = {**os.environ, "HOME": str(tmp_path), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        [str(ROOT / "scripts" / "demo")], env=environment, capture_output=True, text=True, timeout=500, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Submitted batch job 1" in done.stdout
    assert done.stdout.count("pi is about 3.1") == 4
    assert done.stdout.count(".batch") == 4
    assert "Done." in done.stdout


def test_the_readmes_commands_for_ones_own_machines_run(machines):
    fleet: Machines = machines("node1", "node2")
    fleet.fleet_file.unlink()
    own = fleet.home / ".config" / "mini_slurm" / "fleet.toml"
    environment = {**fleet.environment, "XDG_CONFIG_HOME": str(fleet.home / ".config")}
    del environment["MINI_SLURM_FLEET"]
    jobs.script(fleet, "#SBATCH --job-name=hello\necho hello\n")
    for command in blocks(README)[1]:
        done = fleet.run(*command.split(), env=environment)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        if command.startswith("msbatch"):
            assert done.stdout == "Submitted batch job 1\n"
            wait_until(lambda: jobs.text(fleet.work / "slurm-1.out") == "hello\n", "the output", logs=fleet.logs)
    assert "node1" in own.read_text() and "node2" in own.read_text()


def test_the_readmes_commands_for_other_wishes_are_accepted(machines):
    fleet: Machines = machines("node1")
    jobs.script(fleet, "echo hello\n")
    (fleet.work / "data").mkdir()
    commands = [line for line in re.findall(r"`((?:msbatch|mini-slurm|msinfo) [^`]+)`", README) if "NAME" not in line]
    assert len(commands) >= 4
    for command in commands:
        checked = command.replace("msbatch ", "msbatch --test-only ").replace("nodes=4", "nodes=1")
        done = fleet.run("sh", "-c", checked.replace("DIR", "links"))
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    assert (fleet.work / "links" / "sbatch").is_symlink()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
