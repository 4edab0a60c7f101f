"""`mini-slurm template` and `msbatch --template`, as they are called; what is submitted runs in tests/mission."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLEET = """
[machines."node[1-2]"]
cpus = 8
memory = "8G"
[partitions.all]
machines = "ALL"
default = true
"""
PAGE = (ROOT / "docs" / "templates.md").read_text()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Nothing of the user's own; a fleet of two machines that nobody talks to."""
    (tmp_path / "fleet.toml").write_text(FLEET)
    own = {"HOME": str(tmp_path), "MINI_SLURM_STATE": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "c")}
    own["MINI_SLURM_FLEET"] = str(tmp_path / "fleet.toml")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return {"PATH": path, "LANG": "C.UTF-8", **own}


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, env=environment, cwd=environment["HOME"], capture_output=True, text=True, timeout=60)


def test_the_list_names_each_template_and_what_is_wrong_with_one(environment: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "c" / "mini_slurm" / "templates"
    folder.mkdir(parents=True)
    (folder / "mine.sh.j2").write_text("{#\nMine.\n-#}\n")
    (folder / "wrong.sh.j2").write_text("#!/bin/sh\n")
    done = run(environment, "mini-slurm", "template", "list")
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert lines["mine"] == "Mine."
    assert lines["wrong"].startswith("cannot be used: ")
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M)) == set(lines) - {"mine", "wrong"}


def test_show_says_what_must_be_given_and_render_prints_the_script(environment: dict[str, str]) -> None:
    shown = run(environment, "mini-slurm", "template", "show", "ray").stdout
    assert re.search(r"^command +command +must be given +the program$", shown, re.M)
    assert "ray symmetric-run" in shown
    words = (
        "mini-slurm",
        "template",
        "render",
        "job",
        "--set",
        "command=echo 'a b'",
        "--set",
        "modules=x",
        "--set",
        "modules=y",
    )
    script = run(environment, *words).stdout
    assert script.startswith("#!/bin/bash\n")
    assert "module load x\nmodule load y\n" in script
    assert script.endswith("\necho 'a b'\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("template", "render", "job"), "command is missing"),
        (("template", "render", "nope"), "there is no template 'nope'"),
        (("template", "render"), "render wants a template's name"),
        (("template", "print"), "write template list, show NAME"),
        (("template", "list", "job"), "write template list, show NAME"),
    ],
)
def test_what_is_wrong_is_told_in_lines_that_say_what_to_do(
    environment: dict[str, str], words: tuple[str, ...], line: str
) -> None:
    done = run(environment, "mini-slurm", *words)
    assert done.returncode != 0
    assert line in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--set", "a=b"),
        ("--template", "job", "--set", "command=true", "script.sh"),
        ("--template", "job", "--set", "command=true", "--wrap", "true"),
        ("--template", "job", "--set", "command=true", ":", "-n2"),
        ("--template", "job", "--set", "command"),
        ("--template", "job", "--set", "command=true", "--set", "name=a\n#SBATCH --wrap=b"),
    ],
)
def test_msbatch_refuses_what_makes_no_sense_with_a_template(
    environment: dict[str, str], words: tuple[str, ...]
) -> None:
    done = run(environment, "msbatch", *words)
    assert (done.returncode != 0, done.stdout) == (True, "")
    assert "msbatch:" in done.stderr
    assert "Traceback" not in done.stderr


def test_sbatch_has_no_such_option(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "sbatch").symlink_to(Path(sys.executable).parent / "msbatch")
    done = run(environment, str(tmp_path / "sbatch"), "--template", "job")
    assert (done.returncode, done.stderr.splitlines()[0]) == (255, "sbatch: unrecognized option '--template'")


def test_the_commands_of_the_page_run(environment: dict[str, str]) -> None:
    for block in re.findall(r"^```bash\n(.*?)^```", PAGE, re.M | re.S):
        for line in block.splitlines():
            if "msbatch" in line and "--test-only" not in line:
                line += " --test-only"
            done = run(environment, "bash", "-c", line)
            assert done.returncode == 0, (line, done.stderr)
            assert not line.startswith("msbatch") or done.stdout.startswith("#!/bin/bash\n")


def test_the_template_of_the_page_renders(environment: dict[str, str], tmp_path: Path) -> None:
    [text] = re.findall(r"^```jinja\n(.*?)^```", PAGE, re.M | re.S)
    (tmp_path / "blast.sh.j2").write_text(text)
    done = run(environment, "mini-slurm", "template", "render", "./blast.sh.j2", "--set", "query=a b.fa")
    assert done.stdout.endswith("blastn -query 'a b.fa' -db nt -num_threads 4\n")
