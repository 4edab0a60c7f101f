"""`mini-slurm import`, `shims`, and what `add` makes of its arguments: no machine is needed."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from mini_slurm.cli import admin
from mini_slurm.cli.admin import shims
from mini_slurm.cli.admin.hosts import parse_hosts
from mini_slurm.config.fleet import read_fleet
from mini_slurm.errors import Refused


@pytest.fixture(autouse=True)
def fleet_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MINI_SLURM_FLEET", str(tmp_path / "fleet.toml"))
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "state"))
    return tmp_path / "fleet.toml"


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit status of `mini-slurm WORDS`."""
    monkeypatch.setattr(sys, "argv", ["mini-slurm", *words])
    try:
        return admin.main()
    except SystemExit as end:
        assert isinstance(end.code, int)
        return end.code


# --- import

OLDER = {
    "machine_1": {
        "hostname": "machine-1.local",
        "ip": "192.168.1.100",
        "cpus": 8,
        "memory_gb": 64,
        "gpu_available": True,
        "ssh_user": "username",
        "ssh_key_path": "/path/to/ssh/key",
        "description": "Machine 1\ndescription",
    },
    "machine_2": {"hostname": "machine-2.local", "cpus": 32, "memory_gb": 1.5, "gpu_available": False},
}


def write(tmp_path: Path, machines: Any) -> str:
    path = tmp_path / "fleet_config.json"
    path.write_text(json.dumps({"machines": machines}))
    return str(path)


def test_machines_of_the_older_form_become_a_fleet(
    tmp_path: Path, fleet_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "import", write(tmp_path, OLDER)) == 0
    fleet = read_fleet(str(fleet_path))
    first, second = fleet.machines.values()
    assert (first.name, first.host, first.user) == ("machine_1", "192.168.1.100", "username")
    assert (first.cpus, first.memory) == (8, 65536)
    assert (first.identity_file, first.gpus) == ("/path/to/ssh/key", None)
    assert (second.host, second.memory, second.gpus) == ("machine-2.local", 1536, {})
    assert fleet.default_partition is not None
    assert fleet.default_partition.machines == ("machine_1", "machine_2")
    assert "# Machine 1 description\n[machines.machine_1]" in fleet_path.read_text()
    assert "there is no key /path/to/ssh/key" in capsys.readouterr().out


def test_importing_twice_changes_nothing(
    tmp_path: Path, fleet_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, OLDER)
    call(monkeypatch, "import", path)
    before = fleet_path.read_text()
    assert call(monkeypatch, "import", path) == 0
    assert fleet_path.read_text() == before
    assert "already" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("machines", "line"),
    [
        ({"a b": {"ip": "10.0.0.1"}}, 'machines."a b" is no name: write letters, digits, _ . and -'),
        ({"a": 5}, 'machines."a" cannot be 5: write an object'),
        ({"a": {"cpus": 4}}, 'machines."a" has neither hostname nor ip: write one of them'),
        ({"a": {"ip": "x", "cpus": True}}, 'machines."a".cpus cannot be true: write a whole number, 1 or more'),
        ({"a": {"ip": "x", "memory_gb": "64"}}, 'machines."a".memory_gb cannot be "64": write a number above 0'),
        ({"a": {"ip": "x", "gpus": 2}}, 'machines."a" has no key "gpus": its keys are hostname, ip, cpus'),
    ],
)
def test_a_fault_in_the_older_form_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], machines: Any, line: str
) -> None:
    path = write(tmp_path, machines)
    assert call(monkeypatch, "import", path) == 1
    assert f"mini-slurm: error: {path}: {line}" in capsys.readouterr().err
    assert not (tmp_path / "fleet.toml").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [("{", "not JSON"), ("[]", "there are no machines"), ('{"machines": {}}', "there are no machines")],
)
def test_a_file_that_is_not_of_the_older_form_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    assert call(monkeypatch, "import", str(path)) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


# --- shims


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that looks like the one that our commands are installed in."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for command in [*shims.SHIMS.values(), "mini-slurm"]:
        (folder / command).touch()
    monkeypatch.setattr(sys, "argv", [str(folder / "mini-slurm")])
    return folder


def test_shims_lead_to_our_commands(tmp_path: Path, programs: Path) -> None:
    shims.make_shims(str(tmp_path / "shims"))
    links = {path.name: os.readlink(path) for path in (tmp_path / "shims").iterdir()}
    assert links == {name: str(programs / command) for name, command in shims.SHIMS.items()}


def test_shims_can_be_made_anew(tmp_path: Path, programs: Path) -> None:
    (tmp_path / "shims").mkdir()
    (tmp_path / "shims" / "sbatch").symlink_to("/old/venv/bin/msbatch")
    shims.make_shims(str(tmp_path / "shims"))
    assert os.readlink(tmp_path / "shims" / "sbatch") == str(programs / "msbatch")


@pytest.mark.parametrize("kind", ["file", "link", "dangling"])
def test_what_is_no_shim_is_never_replaced(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    folder = tmp_path / "shims"
    folder.mkdir()
    sbatch = folder / "sbatch"
    if kind == "file":
        sbatch.write_text("the real one")
    else:
        sbatch.symlink_to("/bin/sh" if kind == "link" else "/nowhere/sbatch")
    monkeypatch.setattr(sys, "argv", [str(programs / "mini-slurm"), "shims", str(folder)])
    assert admin.main() == 1
    assert f"{sbatch} exists and is no link to msbatch" in capsys.readouterr().err
    assert os.listdir(folder) == ["sbatch"]


# --- add


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("node1", ("node1", "node1", None, None)),
        ("alice@node1", ("node1", "node1", None, "alice")),
        ("alice@node1.lab.org:2222", ("node1.lab.org", "node1.lab.org", 2222, "alice")),
        ("10.0.0.7", ("10.0.0.7", "10.0.0.7", None, None)),
    ],
)
def test_a_host_is_read_as_ssh_reads_it(text: str, expected: tuple[object, ...]) -> None:
    (entry,) = parse_hosts(text)
    assert (entry.name, entry.host, entry.port, entry.user) == expected


def test_a_hostlist_means_several_hosts() -> None:
    entries = parse_hosts("alice@node[1-2]")
    assert [(entry.name, entry.user) for entry in entries] == [("node1", "alice"), ("node2", "alice")]


def test_an_address_with_colons_needs_a_name() -> None:
    with pytest.raises(Refused) as error:
        parse_hosts("[fe80::1]:22")
    assert "--name" in error.value.hint
    (entry,) = parse_hosts("[fe80::1]:2200", "node1")
    assert (entry.name, entry.host, entry.port) == ("node1", "fe80::1", 2200)


@pytest.mark.parametrize(
    "text", ["", "a b", "node1:99999", "node1:x", "@node1", "-oProxyCommand=x", "-x@node1", "n[1-"]
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="not a host"):
        parse_hosts(text)


def test_yes_alone_trusts_nobody(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "add", "--yes", "node1") == 2
    assert "--yes needs --fingerprint" in capsys.readouterr().err


# --- stop


def test_stopping_what_never_started_makes_no_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "stop") == 0
    assert "there is no controller" in capsys.readouterr().out
    assert not (tmp_path / "state").exists()


# --- the command itself


def test_help_names_every_subcommand(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "--help") == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("add", "import", "shims", "stop"))


def test_an_unknown_subcommand_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(monkeypatch, "frobnicate") == 2
    assert "frobnicate" in capsys.readouterr().err


def test_no_command_is_both_here_and_told_to_be_absent() -> None:
    page = Path(__file__).parents[2] / "docs" / "absent-commands.md"
    rows = [line.split("|")[1] for line in page.read_text().splitlines() if line.startswith("| `")]
    assert rows
    assert not set(re.findall(r"`(\w+)`", "".join(rows))) & set(shims.SHIMS)
