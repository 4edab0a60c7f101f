"""Templates: their headers, the values they take, and that no value means anything to a shell or to sbatch."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from mini_slurm import templating
from mini_slurm.errors import TemplateError
from mini_slurm.options.script import check_script, script_words
from mini_slurm.templating.kinds import KINDS

SHIPPED = Path(__file__).parents[2] / "templates"
REQUIRED: dict[str, dict[str, object]] = {
    "job": {"command": "hostname"},
    "environment": {},
    "python": {"script": "train.py"},
    "ray": {"command": "python3 -u train.py"},
    "clients": {"command": "python3 client.py"},
    "peers": {"command": "python3 peer.py"},
    "torchrun": {"script": "train.py"},
    "mpi": {"command": "./solve"},
    "sweep": {"lines": ["--lr 0.1", "--lr 0.2"], "command": "python3 train.py"},
    "chain": {"prep": "python3 prep.py", "train": "python3 train.py", "eval": "python3 eval.py"},
}
HOSTILE = (
    "$(touch pwned)",
    "`touch pwned`",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "a\\",
    "#x",
    "* ?",
    "é ~ !x",
    "-n",
)
LINES = ("two\nlines; touch pwned", "EOF\ntouch pwned", "x\n#SBATCH --wrap=touch")
# a program that writes down how it was called, and runs what srun and the like would run
RECORDER = """#!{python} -IS
import json, os, sys
with open(os.environ["RECORD"], "a") as file:
    json.dump([os.path.basename(sys.argv[0]), sys.argv[1:], dict(os.environ)], file)
    file.write("\\n")
name = os.path.basename(sys.argv[0])
if name == "scontrol":
    print("node1")
if name == "sbatch":
    print("12")
    with open(os.environ["RECORD"] + ".script", "a") as file:
        file.write(sys.stdin.read())
if name == "srun" and "bash" in sys.argv:
    os.execvp("bash", sys.argv[sys.argv.index("bash"):])
"""
PROGRAMS = ("srun", "mpirun", "scontrol", "sbatch", "scancel", "python3", "prog", "conda", "module", "getent")

each = pytest.mark.parametrize("name", sorted(REQUIRED))


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own templates, none at first."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "config" / "mini_slurm" / "templates"
    folder.mkdir(parents=True)
    return folder


def run(script: str, folder: Path) -> list[tuple[str, list[str], dict[str, str]]]:
    """Run a script as a job would be, with recorders for the programs; the calls of them."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "recorder").write_text(RECORDER.format(python=sys.executable))
    (programs / "recorder").chmod(0o700)
    for program in PROGRAMS:
        if not (programs / program).exists():
            (programs / program).symlink_to("recorder")
    work = folder / "work"
    work.mkdir(exist_ok=True)
    record = folder / "record"
    record.unlink(missing_ok=True)
    variables = {
        "PATH": f"{programs}:/usr/bin:/bin", "RECORD": str(record), "SLURM_JOB_ID": "7", "SLURM_JOB_NUM_NODES": "1",
        "SLURM_JOB_NODELIST": "node1", "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_ARRAY_TASK_ID": "0",
    }  # fmt: skip
    done = subprocess.run(["bash"], input=script, text=True, cwd=work, env=variables, capture_output=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, ""), script
    assert not list(work.iterdir()), script
    return [tuple(json.loads(line)) for line in record.read_text().splitlines()]


def directives(script: str) -> list[str]:
    """The words of a script's #SBATCH lines."""
    return [word for words in script_words("script", script.encode(), pytest.fail, pytest.fail) for word in words]


def test_every_template_is_tested() -> None:
    assert {path.name.removesuffix(".sh.j2") for path in SHIPPED.glob("*.sh.j2")} == set(REQUIRED)
    assert templating.names() == sorted(REQUIRED)


@each
def test_a_template_with_what_it_needs_gives_a_batch_script(name: str) -> None:
    template = templating.load(name)
    assert {variable.name for variable in template.variables if variable.required} == set(REQUIRED[name])
    script = templating.render(name, REQUIRED[name])
    check_script(script.encode())
    assert script.startswith("#!/bin/bash\n")
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert not re.search(r"\n\n\n", script)


def everything(name: str) -> dict[str, object]:
    """A value for each variable."""
    given = {variable.name: variable.kind.example for variable in templating.load(name).variables}
    for variable in templating.load(name).variables:
        if variable.kind.name.startswith("choice"):
            given[variable.name] = str(variable.default)
    return {**given, **REQUIRED[name], **({"conda": "base", "venv": ""} if "conda" in given else {})}


@each
@pytest.mark.parametrize("values", [REQUIRED.get, everything], ids=["required", "everything"])
def test_shellcheck_finds_nothing(name: str, values: object) -> None:
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    script = templating.render(name, values(name))  # type: ignore[operator]
    done = subprocess.run(["shellcheck", "-s", "bash", "-"], input=script, text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (0, "")


@each
def test_each_variable_says_what_it_is(name: str) -> None:
    template = templating.load(name)
    assert template.header.about.endswith(".")
    assert all(variable.help for variable in template.variables)


# --- hostile values


def text_variables(name: str, kinds: tuple[str, ...]) -> list[str]:
    return [variable.name for variable in templating.load(name).variables if variable.kind.name in kinds]


@each
def test_a_hostile_value_in_a_directive_stays_one_word(name: str) -> None:
    for variable in ("name", "output", "partition", "options"):
        for hostile in HOSTILE:
            value = f"--comment={hostile}" if variable == "options" else hostile
            values = {**REQUIRED[name], variable: value}
            plain = directives(
                templating.render(name, {**REQUIRED[name], variable: "--x" if variable == "options" else "x"})
            )
            found = directives(templating.render(name, values))
            if templating.load(name).header.on_login:
                continue
            assert len(found) == len(plain)
            odd = [after for before, after in zip(plain, found, strict=True) if before != after]
            assert [word.partition("=")[2] for word in odd] == [hostile]


@each
def test_no_line_breaks_out_of_a_directive(name: str) -> None:
    for variable in text_variables(name, ("line", "name", "names", "options", "time", "memory")):
        for hostile in LINES:
            with pytest.raises(TemplateError, match=f"{variable} cannot be"):
                templating.render(name, {**REQUIRED[name], variable: f"--x={hostile}"})


@each
def test_hostile_words_reach_the_program_as_they_are(name: str, tmp_path: Path) -> None:
    words = [*HOSTILE, *LINES, ""]
    for variable in text_variables(name, ("command", "words")):
        value = [*([] if variable == "arguments" else ["prog"]), *words]
        calls = run(templating.render(name, {**REQUIRED[name], variable: value}), tmp_path)
        if name == "chain":
            stages = (tmp_path / "record.script").read_text().split("#!/bin/bash\n")[1:]
            calls = [call for stage in stages for call in run("#!/bin/bash\n" + stage, tmp_path)]
            (tmp_path / "record.script").unlink()
        assert any(call[1][-len(words) :] == words or _holds(call[1], words) for call in calls), (variable, calls)


def _holds(arguments: list[str], words: list[str]) -> bool:
    return any(arguments[start : start + len(words)] == words for start in range(len(arguments)))


@each
def test_hostile_variables_and_lists_reach_the_program_as_they_are(name: str, tmp_path: Path) -> None:
    hostile = [*HOSTILE, *LINES]
    values: dict[str, object] = {**REQUIRED[name], "env": {f"V{i}": value for i, value in enumerate(hostile)}}
    lists = text_variables(name, ("list",))
    files = [variable for variable in text_variables(name, ("file",)) if variable in ("script", "image")]
    values |= dict.fromkeys(lists, hostile) | dict.fromkeys(files, LINES[0])
    if "command" in values:
        values["command"] = "prog"
    calls = run(templating.render(name, values), tmp_path)
    if name == "chain":
        calls = run("#!/bin/bash" + (tmp_path / "record.script").read_text().split("#!/bin/bash")[1], tmp_path)
    _, arguments, environment = calls[-1]
    assert [environment[f"V{i}"] for i in range(len(hostile))] == hostile
    for variable in lists:
        assert environment["APPTAINER_BIND"] == ",".join(hostile) if variable == "binds" else _holds(arguments, hostile)
    assert all(LINES[0] in arguments for _ in files)


def test_a_line_of_a_sweep_is_one_word_where_the_command_has_braces(tmp_path: Path) -> None:
    for hostile in HOSTILE:
        [call] = run(templating.render("sweep", {"lines": [hostile], "command": "prog a {} b"}), tmp_path)
        assert call[1] == ["a", hostile, "b"]
        [call] = run(templating.render("sweep", {"lines": [hostile], "command": "prog a"}), tmp_path)
        assert call[1] == ["a", *hostile.split()]


def test_a_name_cannot_be_an_option() -> None:
    for variable in ("modules", "python"):
        with pytest.raises(TemplateError, match="does not begin with -"):
            templating.render("python", {"script": "x", variable: "-x"})
    assert "\npython3 ./-c \n" in templating.render("python", {"script": "-c"}).replace("''", "")


# --- values


def test_what_is_undeclared_missing_and_ill_typed_is_told_in_one_go() -> None:
    with pytest.raises(TemplateError) as caught:
        templating.render("ray", {"nods": 2, "cpus": "many", "time": "soon", "memory": "big", "exclusive": "maybe"})
    lines = "\n".join(caught.value.lines)
    for word in ("nods: did you mean nodes?", "command is missing", "cpus cannot be 'many': write a whole number"):
        assert word in lines
    for word in ("time cannot be", "memory cannot be", "exclusive cannot be 'maybe': write yes or no"):
        assert word in lines
    assert "mini-slurm template show ray" in caught.value.hint


WRONG: Mapping[str, tuple[object, ...]] = {
    "text": (["a"], None, "a\0b"), "line": ("a\nb", "a\rb", True), "name": ("", "-x"), "identifier": ("1a", "a-b", "é"),
    "file": ("", "a\0"), "number": (-1, "-1", "1.5", True, "", "\u0661"), "flag": ("x", 2), "time": ("soon", "1\n"),
    "memory": ("big", "1X"), "command": ("", "-x", "'", []), "words": ("'",), "list": (3, b"x"), "names": ("-x",),
    "options": ("x", "--", "--x\n"), "pairs": ("x", "1=2", {"a b": 1}), "shell": (3, "\0"),
    "lines": ("/nonexistent", []),
}  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_a_type_takes_its_example_and_says_what_it_does_not_take(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    if name == "lines":
        (tmp_path / "parameters.txt").write_text("a\n\nb\n")
        assert kind.read(str(tmp_path / "parameters.txt")) == kind.read(["a", "b"]) == ["a", "b"]
    else:
        assert kind.read(kind.example) == kind.read(kind.read(kind.example)) or name == "shell"
    for wrong in WRONG[name]:
        with pytest.raises(ValueError, match=r"write|NUL|file"):
            kind.read(wrong)


def test_values_of_python_are_taken() -> None:
    script = templating.render(
        "python",
        {"script": Path("a b.py"), "time": timedelta(hours=2), "cpus": 4, "arguments": None, "setup": ["a", "b"]},
    )
    for line in ('#SBATCH --time="120:00"', "#SBATCH --cpus-per-task=4", "a\nb\n", "python3 'a b.py'"):
        assert line in script


def test_set_adds_to_lists_and_replaces_all_else() -> None:
    template = templating.load("ray")
    given = ["nodes=2", "nodes=3", "modules=a", "modules=b", "env=A=1", "setup=x=y", "command=a=b c"]
    found = templating.gather(template, given)
    assert found["nodes"] == "3"
    assert found["modules"] == ["a", "b"]
    assert found["env"] == ["A=1"]
    assert found["command"] == "a=b c"
    with pytest.raises(TemplateError, match="there is no ="):
        templating.gather(template, ["nodes"])


# --- headers and the user's own


def write(home: Path, text: str, name: str = "own") -> str:
    (home / f"{name}.sh.j2").write_text(text)
    return name


def test_the_users_own_template_wins(home: Path) -> None:
    write(home, "{#\nMine.\n\n+ blocks/setup\nn: number = 3 | how many\n-#}\n#!/bin/sh\necho {{ n }}\n", "job")
    assert templating.render("job", {"n": "4"}) == "#!/bin/sh\necho 4\n"
    assert templating.load("job").variables[-1].shown_default == "3"
    assert "job" in templating.names()


def test_a_template_can_be_named_by_its_path(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home, "{#\nMine.\n-#}\n#!/bin/sh\n")
    monkeypatch.chdir(home)
    assert templating.render("./own.sh.j2", {}) == "#!/bin/sh\n"


@pytest.mark.parametrize("name", ["nope", "../job", "/etc/passwd", "", "a\nb", "./nope.sh.j2", "blocks/../job"])
def test_what_is_not_there_is_told_with_what_there_is(name: str) -> None:
    with pytest.raises(TemplateError) as caught:
        templating.load(name)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("#!/bin/sh\n", "has no header"),
        ("{#\n\nx: text\n#}\n", "does not say what"),
        ("{#\nA.\n\nx text\n#}\n", ":4: this declares no variable: x text"),
        ("{#\nA.\n\nx: tekst\n#}\n", ":4: there is no type tekst"),
        ("{#\nA.\n\nx: number = y\n#}\n", ":4: the default of x is wrong"),
        ('{#\nA.\n\nx: number = "y"\n#}\n', ":4: the default of x is wrong: write a whole number"),
        ("{#\nA.\n\nx: number = 1 2\n#}\n", ":4: what does '2' mean"),
        ("{#\nA.\n\nx: text\nx: text\n#}\n", ":5: x is declared twice"),
        ("{#\nA.\n\n+ nope\n#}\n", "there is no template 'nope'"),
        ("{#\nA.\n\n+ own\n#}\n", "without an end"),
    ],
)
def test_a_wrong_header_is_told_with_its_line(home: Path, text: str, line: str) -> None:
    with pytest.raises(TemplateError) as caught:
        templating.load(write(home, text))
    assert line in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("{{ x }}", "puts out 'a b' as it is"),
        ("{{ 'a' ~ x|sh }}", "as it is"),
        ("{{ x|upper }}", "as it is"),
        ("{{ x|code }}", "filter `code` is for variables of type shell"),
        ("{{ y|sh }}", "'y' is undefined"),
        ("{{ x.__class__.__mro__|sh }}", "unsafe|access to attribute"),
        ("{% if x %}", ":7: Unexpected end of template"),
        ("{% include 'nope' %}", "nope"),
        ("{% include '../../../../etc/passwd' %}", "passwd"),
        ("{{ (1 // 0)|sh }}", "ZeroDivisionError"),
    ],
)
def test_a_template_that_does_not_quote_or_is_wrong_does_not_render(home: Path, body: str, line: str) -> None:
    name = write(home, f"{{#\nA.\n\nx: text\n-#}}\n#!/bin/sh\n{body}\n")
    with pytest.raises(TemplateError) as caught:
        templating.render(name, {"x": "a b"})
    assert re.search(line, str(caught.value)), caught.value


def test_the_plain_job_asks_for_what_it_was_given() -> None:
    values = {"name": "train", "command": "python3 train.py", "cpus": 4, "memory": "8G", "time": "2:00:00", "gpus": 1}
    assert templating.render("job", values).splitlines() == [
        *("#!/bin/bash", "#SBATCH --job-name=train", '#SBATCH --time="2:00:00"', "#SBATCH --ntasks=1"),
        *("#SBATCH --cpus-per-task=4", "#SBATCH --mem=8G", "#SBATCH --gpus-per-node=1", "", "set -eo pipefail"),
        *("set -u", "", "python3 train.py"),
    ]


def test_jobs_of_a_chain_are_cancelled_where_one_is_refused(tmp_path: Path) -> None:
    sbatch = tmp_path / "sbatch"
    sbatch.write_text('#!/bin/sh\ncase "$*" in *afterok:7*) exit 1;; esac\necho 7\n')
    scancel = tmp_path / "scancel"
    scancel.write_text('#!/bin/sh\necho "cancelled $*"\n')
    for program in (sbatch, scancel):
        program.chmod(0o700)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    script = templating.render("chain", REQUIRED["chain"])
    done = subprocess.run(["bash"], input=script, text=True, capture_output=True, env=environment)
    assert done.returncode != 0
    assert done.stdout == "Submitted batch job 7\ncancelled 7\n"
