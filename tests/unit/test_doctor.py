"""What `mini-slurm doctor` makes of what machines say; what they say is tested against real ones in tests/fleet."""

from __future__ import annotations

import contextlib
import copy
import json
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mini_slurm.cli.doctor import here, keys, machines, main, pairs, show, twins
from mini_slurm.cli.doctor.findings import ERROR, NOTE, OK, WARNING, Finding, Said
from mini_slurm.cli.doctor.subject import Subject
from mini_slurm.config.cache import embedded_fleet
from mini_slurm.controller import autostart
from mini_slurm.errors import Unreachable
from mini_slurm.links.checkup import Checkup
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.fleet import Fleet, MachineEntry, Partition
from mini_slurm.protocol.messages import VERSION, Welcome

DISK = {
    "exists": True, "link": False, "free": 50 << 30, "size": 100 << 30, "files_free": 1_000_000, "writable": True,
    "read_only": False, "noexec": False, "type": "ext4", "uid": 1000, "mode": 0o700,
}  # fmt: skip
FACTS: dict[str, Any] = {
    "system": {
        "host": "node1", "user": "alice", "uid": 1000, "home": "/home/alice", "has_home": True, "python": "3.9.2",
        "executable": "/usr/bin/python3", "systemd": True,
    },
    "modules": [],
    "folders": {
        "spool": {**DISK, "path": "/var/tmp/mini_slurm-1000"},
        "claims": {**DISK, "path": "/var/tmp/mini_slurm-claims", "mode": 0o1777},
        "home": {**DISK, "path": "/home/alice"},
        "tmp": {**DISK, "path": "/tmp"},
        "shm": {**DISK, "path": "/dev/shm"},
    },
    "common": True,
    "limits": {
        "open files": [1024, 524288], "processes": [60000, 60000], "memory": [None, None],
        "file size": [None, None], "CPU time": [None, None], "locked memory": [65536, 65536],
    },
    "logind": {"kills": False, "lingers": False, "bus": True},
    "cgroups": {"version": 2, "path": "/user.slice", "delegated": False},
    "gpus": {},
    "sshd": {"file": "/etc/ssh/sshd_config", "maxsessions": "10"},
    "others": {"daemons": [], "commands": {}},
    "shell": {"shell": "/bin/bash", "path": "/usr/bin", "bash": "/usr/bin/bash"},
}  # fmt: skip
GPU = {"vendor": "nvidia", "index": 0, "uuid": "GPU-1", "name": "NVIDIA A100", "type": "a100", "memory": 81920}
WELCOME = Welcome(
    VERSION, "boot", "node1", "3.9.2", 0.0, 8, 16000, [GPU], [], "x86_64", "Linux", 1.0, 1.0, 0.0, 8000
)  # fmt: skip


def said(change: Mapping[str, Any] | None = None, entry: MachineEntry | None = None, **found: Any) -> list[Said]:
    """What is found of a machine without fault, but for these: "folders.spool.free": 0."""
    facts = copy.deepcopy(FACTS)
    for path, value in (change or {}).items():
        *folders, last = path.split(".")
        place = facts
        for name in folders:
            place = place[name]
        place[last] = value
    checkup = Checkup(**{"facts": facts, "welcome": WELCOME, **found})
    return [one for _, one in machines.judge(Subject(entry or MachineEntry("node1", "node1"), checkup))]


def test_a_machine_without_fault_gets_nothing_but_ok():
    assert {one.level for one in said()} == {OK}


@pytest.mark.parametrize(
    ("change", "level", "text"),
    [
        ({"modules": ["ctypes"]}, ERROR, "made without ctypes"),
        ({"folders.spool.free": 1 << 20}, ERROR, "has 1.0 MiB free"),
        ({"folders.spool.free": 500 << 20}, WARNING, "has 500.0 MiB free"),
        ({"folders.spool.files_free": 3}, ERROR, "only 3 files can still be made"),
        ({"folders.spool.noexec": True}, ERROR, "jobs cannot use srun"),
        ({"folders.tmp.noexec": True}, NOTE, "/tmp is mounted noexec"),
        ({"folders.home.noexec": True}, WARNING, "the home /home/alice is mounted noexec"),
        ({"folders.home.writable": False}, WARNING, "the home /home/alice cannot be written to by alice"),
        ({"folders.home.read_only": True}, WARNING, "the home /home/alice is mounted read-only"),
        ({"folders.home.free": 0}, WARNING, "the home /home/alice has 0 KiB free"),
        ({"folders.spool.mode": 0o755}, ERROR, "open to others"),
        ({"folders.spool.uid": 7}, ERROR, "somebody else's"),
        ({"folders.spool.writable": False}, ERROR, "cannot be written to"),
        ({"folders.spool.type": "nfs4"}, WARNING, "network file system (nfs4)"),
        ({"folders.claims.mode": 0o777}, ERROR, "not sticky"),
        ({"folders.shm.writable": False}, WARNING, "/dev/shm cannot be written to"),
        ({"folders.tmp.free": 0}, WARNING, "/tmp has 0 KiB free"),
        ({"common": False}, NOTE, "not seen there"),
        ({"logind.kills": True}, ERROR, "KillUserProcesses=yes"),
        ({"limits.processes": [64, 64]}, WARNING, "at most 64 processes"),
        ({"limits.memory": [1 << 30, None]}, WARNING, "of memory: jobs will fail"),
        ({"cgroups": {"version": 2, "path": "/u", "memory.max": 1 << 30}}, WARNING, "1.0 GiB of memory"),
        ({"cgroups": {"version": 2, "path": "/u", "pids.max": 100}}, WARNING, "100 processes"),
        ({"cgroups": {"version": 2, "path": "/u", "cpu.max": 2.0}}, WARNING, "the time of 2 CPUs"),
        ({"gpus": {"nvidia": {"devices": 2, "closed": []}}}, WARNING, "no driver's program"),
        ({"sshd.maxsessions": "1"}, WARNING, "MaxSessions 1"),
        ({"sshd.maxstartups": "1:30:60"}, WARNING, "MaxStartups 1:30:60"),
        ({"others.daemons": ["slurmd"]}, WARNING, "slurmd runs there"),
        ({"system.has_home": False}, WARNING, "the home folder /home/alice"),
        ({"shell.bash": None}, WARNING, "no bash"),
        ({"faults": {"gpus": "OSError: x"}}, NOTE, "gpus could not be found out: OSError: x"),
    ],
    ids=str,
)
def test_each_fault_is_found(change: dict[str, Any], level: str, text: str):
    found = [one for one in said(change) if text in one.text]
    assert [one.level for one in found] == [level]
    assert level == NOTE or found[0].fix


def test_lingering_lets_processes_live():
    assert not [one for one in said({"logind.kills": True, "logind.lingers": True}) if one.level == ERROR]


def test_lingering_alone_does_not_help_who_cannot_ask_for_a_scope():
    (found,) = [one for one in said({"logind": {"kills": True, "lingers": True, "bus": False}}) if one.level == ERROR]
    assert "no user's D-Bus" in found.text
    assert found.fix == "ssh -t node1 sudo apt install dbus-user-session"


def test_memory_that_the_kernel_limits_is_called_so():
    held = WELCOME._replace(memory_limit="cgroup v2")
    (line,) = [one.text for one in said(welcome=held) if "hard limits" in one.text]
    assert line == "hard limits: memory (cgroup v2), CPUs (affinity), time, open files"


def test_the_user_may_linger_without_root_and_sudo_gets_a_terminal():
    (found,) = [one for one in said({"logind.kills": True}) if one.level == ERROR]
    assert found.fix.startswith("ssh node1 loginctl enable-linger (")
    assert "ssh -t node1 sudo loginctl enable-linger alice" in found.fix


def test_an_agent_that_does_not_start_is_no_fault_of_ssh():
    trouble = Unreachable("node1: the agent does not start: x", hint="see agent.log")
    subject = Subject(MachineEntry("node1", "node1"), Checkup(trouble, FACTS))
    found = [(name, one) for name, one in machines.judge(subject) if one.level == ERROR]
    assert found == [("agent", Said(ERROR, "the agent does not start: x", "see agent.log"))]


def test_a_spool_that_is_full_is_told_once():
    trouble = Unreachable("node1: no space left for the spool folder", hint="free some")
    found = [one.text for one in said({"folders.spool.free": 0}, trouble=trouble) if one.level == ERROR]
    assert found == ["the spool /var/tmp/mini_slurm-1000 has 0 KiB free of 100.0 GiB"]


def test_a_driver_that_does_not_fit_its_library_is_told_with_its_words():
    words = "Failed to initialize NVML: Driver/library version mismatch"
    broken = {"nvidia": {"devices": 2, "program": "/usr/bin/nvidia-smi", "status": 18, "said": words, "closed": []}}
    (found,) = [one for one in said({"gpus": broken}) if one.level == ERROR]
    assert (found.text, found.fix) == (f"NVIDIA's GPUs cannot be used: {words}", "reboot it, or load the driver anew")


@pytest.mark.parametrize(
    ("least", "most", "words"),
    [(3.0, 3.2, "3 s ahead of"), (-90.4, -90.0, "90 s behind"), (-1.0, 40.0, "agrees"), (1.5, 1.7, "agrees")],
)
def test_clocks_are_compared_within_the_time_that_asking_took(least: float, most: float, words: str):
    assert any(words in one.text for one in said(clock=(least, most)))


def test_more_in_the_fleet_file_than_in_the_machine_is_told():
    entry = MachineEntry("node1", "node1", cpus=16, memory=32000, gpus={"a100": 2})
    texts = [one.text for one in said(entry=entry) if one.level != OK]
    assert texts == [
        "the fleet file says 16 CPUs, and it has 8",
        "the fleet file says 32000 MiB of memory, and it has 16000",
        "the fleet file says 2 GPUs a100, and 1 can be used",
    ]


def test_a_machine_that_cannot_be_reached_says_why_and_nothing_else():
    trouble = Unreachable("node1: no answer from node1", hint="is it up?")
    assert said(facts={}, trouble=trouble) == [Said(ERROR, "no answer from node1", "is it up?")]


def test_a_fact_that_a_machine_leaves_out_is_no_fault_of_ours():
    facts = {key: value for key, value in FACTS.items() if key != "limits"}
    assert any(one.text == "could not be judged: the machine did not say 'limits'" for one in said(facts=facts))


# --- pairs


def pair(machine: str, other: str, ports: Mapping[str, str] | None = None, **found: Any) -> pairs.Pair:
    return pairs.Pair(machine, other, {"addresses": ["10.0.0.1"], "ports": ports or {}, **found})


def test_machines_that_reach_each_other_are_told_in_one_line():
    ports = {"any": "", "Ray": ""}
    (found,) = pairs.findings([pair("node1", "node2", ports), pair("node2", "node1", ports)], by_address=False)
    assert (found.level, found.text) == (OK, "all machines reach each other by name (2 pairs)")


def test_names_that_are_not_known_are_told_once_with_addresses_as_the_way_out():
    names = ["node1", "node2", "node3"]
    blind = {"addresses": [], "fault": "Name or service not known"}
    found = pairs.findings([pair(a, b, **blind) for a in names for b in names if a != b], by_address=False)
    assert [one.text for one in found] == ["node[1-3] cannot be looked up on node[1-3]: Name or service not known"]
    assert 'node_names = "address"' in found[0].fix


def test_one_machine_that_knows_no_names_is_told_apart_from_a_name_that_none_knows():
    names = ["node1", "node2", "node3", "node4"]
    blind = {"addresses": [], "fault": "Name or service not known"}
    bad = [pair("node4", other, **blind) for other in names[:3]] + [pair(one, "login", **blind) for one in names]
    first, second = pairs.findings(bad, by_address=False, login="login")
    assert first.text == "node[1-3] cannot be looked up on node4: Name or service not known"
    assert second.text == "login cannot be looked up on node[1-4]: Name or service not known"
    assert "node_names" in first.fix
    assert "node_names" not in second.fix  # it would not help: the login node keeps its name


def test_names_that_none_knows_and_others_are_told_apart():
    names = ["node1", "node2", "node3"]
    blind = {"addresses": [], "fault": "?"}
    bad = [pair(one, other, **blind) for one in names for other in names if one != other]
    found = pairs.findings([*bad, pair("node1", "node9", **blind)], by_address=False)
    assert [one.text.partition(":")[0] for one in found] == [
        "node[1-3] cannot be looked up on node[1-3]", "node9 cannot be looked up on node1",
    ]  # fmt: skip


def test_two_machines_that_a_firewall_parts_do_not_reach_each_other():
    ports = {"any": "no answer", "Ray": "no answer"}
    (found,) = pairs.findings([pair("node1", "node2", ports), pair("node2", "node1", ports)], by_address=False)
    assert found.text == "node[1-2] do not reach each other at any port: no answer"
    assert "firewall" in found.fix


def test_a_closed_range_of_ports_is_named_with_the_pair():
    ports = {"any": "", "JAX": "no answer", "Ray": ""}
    (found,) = pairs.findings([pair("node1", "node2", ports)], by_address=False)
    assert found.text == "node1 does not reach node2 at ports 61440-65535 (JAX): no answer"


def test_a_machine_that_answers_nowhere_is_told_once():
    (found,) = pairs.findings([pair("node1", "node2", {"any": "no answer", "Ray": "no answer"})], by_address=False)
    assert found.text == "node1 does not reach node2 at any port: no answer"


def test_a_name_that_leads_elsewhere_is_an_error():
    ports = {"any": "another machine answers"}
    (found,) = pairs.findings([pair("node1", "node2", ports)], by_address=False)
    assert (found.level, found.text) == (ERROR, "node2 leads to another machine on node1 (10.0.0.1)")


def test_some_pairs_without_a_pattern_are_counted():
    bad = {"any": "no answer"}
    some = [pair(f"node{one}", f"node{one + 1}", bad) for one in range(1, 8)]
    (found,) = pairs.findings(some, by_address=False)
    assert "(7 pairs: node1->node2, node2->node3, " in found.text
    assert found.text.endswith(", ...)")


def whose(names: str, boot_id: str = "b", mounts: str = "mnt:[1]") -> dict[str, Checkup]:
    """Machines of which each says the same of where it is."""
    return {name: Checkup(facts={**copy.deepcopy(FACTS), "place": [boot_id, mounts]}) for name in names.split()}


def test_one_machine_under_two_names_is_an_error():
    (found,) = twins.findings({**whose("node1 node2"), **whose("node3", boot_id="c")})
    assert (found.level, found.where) == (ERROR, "node[1-2]")
    assert "node[1-2] are one machine" in found.text
    assert found.fix


def test_containers_other_spools_and_machines_that_do_not_say_are_no_twins():
    other = whose("node3")
    other["node3"].facts["folders"]["spool"]["path"] = "/elsewhere"
    unknown = {name: Checkup(facts=FACTS) for name in ("node4", "node5")}
    silent = {name: Checkup() for name in ("node6", "node7")}
    found = {**whose("node1"), **whose("node2", mounts="mnt:[2]"), **other, **unknown, **silent}
    assert twins.findings(found) == []


# --- the login node


@pytest.fixture
def login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with nothing in it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for name in ("MINI_SLURM_FLEET", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "bin").mkdir()
    (tmp_path / ".ssh").mkdir()
    return tmp_path


def remote() -> Fleet:
    return Fleet("lab", "", {"node1": MachineEntry("node1", "node1")}, {"main": Partition("main", ("node1",))})


def test_a_login_node_with_nothing_has_no_error(login: Path):
    assert ERROR not in {one.level for _, one in here.judge(embedded_fleet())}


def program(path: Path, text: str = "#!/bin/sh\n") -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_names_of_slurm_that_lead_to_two_systems_are_an_error(login: Path):
    program(login / "bin" / "sbatch")
    program(login / "bin" / "squeue", "#!/bin/sh\nexec mini_slurm\n")
    (found,) = here.shims(embedded_fleet())
    assert (found.level, found.text) == (
        ERROR, "Slurm's names lead to two systems: squeue to mini_slurm, sbatch to another",
    )  # fmt: skip


def test_no_shims_is_worth_a_note(login: Path):
    (found,) = here.shims(embedded_fleet())
    assert (found.level, found.text) == (NOTE, "tools made for Slurm do not find mini_slurm")


def test_links_that_come_after_a_real_slurm_are_to_be_put_first(login: Path, monkeypatch: pytest.MonkeyPatch):
    program(login / "bin" / "sbatch")
    (login / "shims").mkdir()
    program(login / "shims" / "sbatch", "#!/bin/sh\nexec mini_slurm\n")
    monkeypatch.setenv("PATH", f"{login}/bin:{login}/shims")
    (found,) = here.shims(embedded_fleet())
    assert (found.level, found.fix) == (WARNING, f"export PATH={login}/shims:$PATH")
    assert found.text == f"the links to mini_slurm in {login}/shims come after a real Slurm in {login}/bin on PATH"


def test_a_key_that_others_read_and_one_that_nobody_can_open_are_found(login: Path):
    key = login / ".ssh" / "id_rsa"
    key.write_text("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n")
    key.chmod(0o644)
    add = f"eval $(ssh-agent); ssh-add {key}; mini-slurm stop"
    assert [one.fix for one in keys.key_files(remote())] == [f"chmod 600 {key}", add]


def test_a_key_that_the_fleet_file_names_is_looked_at_too(login: Path):
    key = login / "lab"
    key.write_text("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n")
    key.chmod(0o640)
    fleet = remote()._replace(machines={"node1": MachineEntry("node1", "node1", identity_file=str(key))})
    assert [one.fix for one in keys.key_files(fleet)] == [f"chmod 600 {key}"]


@pytest.fixture
def agent(login: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An ssh agent with three keys, as far as its answer's head goes."""
    path = login / "agent.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(1)

        def serve() -> None:
            with listener.accept()[0] as caller:
                assert caller.recv(5) == keys.ASK_FOR_KEYS
                caller.sendall(b"\0\0\0\x05\x0c\0\0\0\x03")

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(path))
        yield path
        thread.join(5)


def test_an_ssh_agent_is_asked_for_its_keys(agent: Path):
    assert [one.text for one in keys.ssh_agent(remote())] == ["the ssh agent holds 3 keys"]


@contextlib.contextmanager
def controller(state: Path, **environment: str) -> Iterator[int]:
    """A process that holds the lock as a controller does; its pid."""
    state.mkdir(mode=0o700)
    code = "import fcntl, os, sys; fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600);"
    code += "fcntl.flock(fd, fcntl.LOCK_EX); os.write(fd, b'%d' % os.getpid()); print(flush=True); input()"
    words = [sys.executable, "-c", code, str(state / autostart.LOCK)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, env=environment) as process:
        assert process.stdout and process.stdin
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


@pytest.mark.parametrize(
    ("its", "words"),
    [({}, "was started without this ssh agent"), ({"SSH_AUTH_SOCK": "/gone"}, "uses the ssh agent at /gone, which")],
)
def test_a_controller_that_does_not_have_the_agent_of_this_shell_is_found(
    login: Path, agent: Path, its: dict[str, str], words: str
):
    with controller(login / "state", **its) as pid:
        _, found = keys.ssh_agent(remote())
    assert (found.level, words in found.text, str(pid) in found.text) == (WARNING, True, True)
    assert found.fix.startswith("mini-slurm stop")


def test_a_controller_that_has_the_same_agent_is_well(login: Path, agent: Path):
    with controller(login / "state", SSH_AUTH_SOCK=str(agent)):
        assert [one.level for one in keys.ssh_agent(remote())] == [OK]


def test_an_ssh_agent_that_is_gone_is_found(login: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSH_AUTH_SOCK", str(login / "gone"))
    assert "does not answer" in next(iter(keys.ssh_agent(remote()))).text


def test_a_fleet_file_that_others_may_change_is_found(login: Path, monkeypatch: pytest.MonkeyPatch):
    path = login / "fleet.toml"
    path.write_text("")
    path.chmod(path.stat().st_mode | stat.S_IWOTH)
    monkeypatch.setenv("MINI_SLURM_FLEET", str(path))
    assert [one.fix for one in here.fleet_path(remote()) if one.level == WARNING] == [f"chmod go-w {path}"]


def test_a_damaged_database_is_found(login: Path):
    folder = login / "state"
    folder.mkdir(mode=0o700)
    (folder / "state.sqlite3").write_bytes(b"this is no database, and never was one" * 40)
    found = [one for one in here.state(remote()) if one.level == ERROR]
    assert len(found) == 1
    assert "is damaged: file is not a database" in found[0].text


def test_a_cluster_without_its_command_is_found(login: Path):
    fleet = remote()._replace(clusters={"big": ClusterEntry("big", "pbs")})
    found = [one for one in here.real_systems(fleet) if one.level == ERROR]
    assert [one.text for one in found] == ["cluster big: there is no qsub on PATH"]


def test_many_machines_behind_one_jump_host_meet_its_limit(login: Path):
    entries = {f"n{i}": MachineEntry(f"n{i}", f"n{i}", jump_host="gate") for i in range(12)}
    (found,) = here.jump_hosts(remote()._replace(machines=entries))
    assert "12 machines are reached through gate" in found.text


# --- what is shown


def test_the_table_joins_what_several_machines_have_and_leaves_out_what_is_well(capsys: pytest.CaptureFixture[str]):
    found = [
        Finding(WARNING, "node1", "disk", "full", "make room"),
        Finding(WARNING, "node2", "disk", "full", "make room"),
        Finding(OK, "node1", "ssh", "reached"),
    ]
    show.table(found, everything=False)
    shown = capsys.readouterr().out
    assert "node[1-2]" in shown
    assert "-> make room" in shown
    assert "reached" not in shown
    assert "0 errors, 2 warnings, 0 notes; 1 ok" in shown


def test_text_of_machines_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]):
    show.table([Finding(ERROR, "node1", "gpu", "said \x1b[2J [red]x[/red]", "none")], everything=False)
    assert "said \\x1b[2J [red]x[/red]" in capsys.readouterr().out


def test_json_has_all_findings(capsys: pytest.CaptureFixture[str]):
    show.document([Finding(ERROR, "", "state", "x", "y")], {"node1": {"common": True}})
    assert json.loads(capsys.readouterr().out) == {
        "findings": [{"level": "error", "where": "", "check": "state", "text": "x", "fix": "y"}],
        "counts": {"error": 1, "warning": 0, "note": 0, "ok": 0},
        "machines": {"node1": {"common": True}},
    }


@pytest.mark.parametrize(("level", "plainly", "strictly"), [(ERROR, 1, 1), (WARNING, 0, 1), (NOTE, 0, 0)])
def test_the_exit_status_tells_of_errors_and_strictly_of_warnings(level: str, plainly: int, strictly: int):
    found = [Finding(OK, "", "state", "well"), Finding(level, "", "state", "not well", "do")]
    assert main.tell(found, main.Wanted(), {}) == plainly
    assert main.tell(found, main.Wanted(strict=True), {}) == strictly
