"""The fleet file: what it says becomes a Fleet, and everything wrong with it is said at once."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.config import cache, keys
from mini_slurm.config.fleet import read_fleet
from mini_slurm.errors import FleetError
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.fleet import Fleet, Limits, MachineEntry, Partition, Preempt, Qos

EXAMPLE = Path(__file__).parents[2] / "fleet.example.toml"
RECORDED = """
[fleet]
name = "mini"
default_memory_per_cpu = "500M"

[machines."node[1-2]"]
cpus = 2
memory = "4000M"
features = ["ib", "skylake"]

[machines.node3]
cpus = 4
memory = "8000M"
features = ["ib", "haswell"]

[machines.node4]
cpus = 4
memory = "8000M"
gpus = 2
features = ["haswell", "a100"]

[partitions.compute]
machines = "node[1-4]"
default = true
default_time = "1:00:00"
max_time = "1-00:00:00"

[partitions.gpu]
machines = "node4"

[partitions.debug]
machines = "node1"
default_time = "10:00"
max_time = "30:00"

[qos.normal]
priority = 0

[qos.high]
priority = 100

[accounts.science]
users = { alice = { qos = ["normal", "high"], default = true }, bob = { default = true } }

[accounts.extra]
users = { alice = {} }
"""
SMALL = '[machines.node1]\n[partitions.all]\nmachines = "node1"\n'


def read(folder: Path, text: str) -> Fleet:
    path = folder / "fleet.toml"
    path.write_text(text)
    return read_fleet(str(path))


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(FleetError) as error:
        read(folder, text)
    start = f"{folder}/fleet.toml: "
    assert all(line.startswith(start) and "\n" not in line for line in error.value.lines)
    return [line.removeprefix(start) for line in error.value.lines]


# --- what is read


def test_a_whole_fleet_is_read(tmp_path: Path) -> None:
    fleet = read(tmp_path, RECORDED)
    assert (fleet.name, fleet.default_memory_per_cpu) == ("mini", 500)
    assert list(fleet.machines) == ["node1", "node2", "node3", "node4"]
    assert fleet.machines["node2"] == MachineEntry("node2", "node2", cpus=2, memory=4000, features=("ib", "skylake"))
    assert fleet.machines["node4"].gpus == {"": 2}
    assert fleet.partitions["debug"] == Partition("debug", ("node1",), max_time=1800, default_time=600)
    assert fleet.default_partition is not None
    assert fleet.default_partition.name == "compute"
    assert fleet.default_partition.max_time == 86400
    assert fleet.qos["high"].priority == 100
    assert fleet.accounts["science"]["alice"].qos == ("normal", "high")
    assert fleet.accounts["science"]["bob"].default


def test_preemption_is_read_and_kept(kept: dict[str, str], tmp_path: Path) -> None:
    text = (
        SMALL + 'preempt_mode = "suspend,gang"\ngrace_time = 30\n[preempt]\ntype = "preempt/qos"\nmode = "REQUEUE"\n'
        'exempt_time = 2\n[qos.low]\n[qos.high]\npreempt = ["low"]\npreempt_mode = "cluster"\ngrace_time = 9\n'
        "preempt_exempt_time = 0\n"
    )
    (tmp_path / "fleet.toml").write_text(text)
    for _ in range(2):
        fleet = cache.load(kept.get, kept.__setitem__)
        assert fleet.preempt == Preempt("qos", "REQUEUE", 120)
        assert (fleet.partitions["all"].preempt_mode, fleet.partitions["all"].grace_time) == ("SUSPEND", 30)
        assert fleet.qos["high"] == Qos("high", preempt=("low",), grace_time=9, preempt_exempt_time=0)


def test_accounts_and_users_have_shares(tmp_path: Path) -> None:
    text = SMALL + "[accounts.lab]\nshares = 3\nusers = { ann = { shares = 2 }, ben = {} }\n"
    fleet = read(tmp_path, text)
    assert fleet.whole_accounts["lab"].shares == 3
    assert {user: one.shares for user, one in fleet.accounts["lab"].items()} == {"ann": 2, "ben": 1}


def test_limits_of_qos_accounts_and_users_are_read_and_kept(kept: dict[str, str], tmp_path: Path) -> None:
    text = """
[qos.normal]
max_wall = 60
grp_tres = { cpus = 8, memory = "1G" }
[accounts.lab]
max_jobs = 3
users = { ann = { max_submit_jobs = 5 } }
"""
    (tmp_path / "fleet.toml").write_text(SMALL + text)
    fleet = cache.load(kept.get, kept.__setitem__)
    assert fleet.qos["normal"].limits == Limits(max_wall=3600, grp_tres={"cpus": 8, "memory": 1024})
    assert fleet.whole_accounts["lab"].limits == Limits(max_jobs=3)
    assert fleet.accounts["lab"]["ann"].limits == Limits(max_submit_jobs=5)
    assert cache.load(kept.get, lambda key, value: pytest.fail("the file was read again")) == fleet
    of_another = {"signature": json.loads(kept[cache.KEY])["signature"][:-1], "fleet": [1, 2]}
    kept[cache.KEY] = json.dumps(of_another)  # a mini_slurm before this one has other fields
    assert cache.load(kept.get, kept.__setitem__) == fleet


def test_the_example_is_a_fleet_file() -> None:
    fleet = read_fleet(str(EXAMPLE))
    assert len(fleet.machines) == 22
    assert fleet.machines["rack03"].host == "10.0.1.3"
    assert fleet.machines["gpu1"].gpus == {"a100": 2, "t4": 1}


def test_the_example_shows_every_key() -> None:
    example = tomllib.loads(EXAMPLE.read_text())
    user_tables = [user for account in example["accounts"].values() for user in account["users"].values()]
    shown = {
        "fleet": (keys.FLEET, [example["fleet"]]),
        "machines": (keys.MACHINE, example["machines"].values()),
        "partitions": (keys.PARTITION, example["partitions"].values()),
        "qos": (keys.QOS, example["qos"].values()),
        "preempt": (keys.PREEMPT, [example["preempt"]]),
        "clusters": (keys.CLUSTER, example["clusters"].values()),
        "accounts": (keys.ACCOUNT, example["accounts"].values()),
        "users": (keys.USER, user_tables),
    }
    for section, (known, tables) in shown.items():
        missing = set(known) - {key for table in tables for key in table}
        assert not missing, f"{section}: {missing}"


@pytest.mark.parametrize(
    "table", [keys.FLEET, keys.MACHINE, keys.PARTITION, keys.QOS, keys.CLUSTER, keys.ACCOUNT, keys.USER, keys.PREEMPT]
)
def test_each_keys_example_is_read(table: dict[str, keys.Key]) -> None:
    for name, key in table.items():
        key.read(tomllib.loads(f"{name} = {key.example}")[name])


def test_a_cluster_is_read(tmp_path: Path) -> None:
    text = '[clusters.big]\ntype = "pbs"\nhost = "login"\nuser = "ann"\nqueues = ["workq"]\noptions = ["-P", "lab"]\n'
    fleet = read(tmp_path, SMALL + text)
    entry = ClusterEntry("big", "pbs", "login", user="ann", partitions=("workq",), options=("-P", "lab"))
    assert fleet.clusters == {"big": entry}
    assert entry.login == MachineEntry("big", "login", user="ann")


def test_a_file_may_have_clusters_alone(tmp_path: Path) -> None:
    fleet = read(tmp_path, '[clusters.big]\ntype = "slurm"\n')
    assert not fleet.machines
    assert list(fleet.clusters) == ["big"]


def test_machines_without_a_host_are_reached_by_their_name(tmp_path: Path) -> None:
    assert read(tmp_path, SMALL).machines["node1"].host == "node1"


def test_hosts_of_a_hostlist_are_paired_with_its_machines(tmp_path: Path) -> None:
    text = '[machines."n[1-3]"]\nhost = "10.0.0.[7-9]"\n[partitions.all]\nmachines = "ALL"\n'
    assert [entry.host for entry in read(tmp_path, text).machines.values()] == ["10.0.0.7", "10.0.0.8", "10.0.0.9"]


BY_ADDRESS = """
[fleet]
node_names = "address"
[machines."n[1-2]"]
host = "10.0.0.[7-8]"
[machines.gpu]
host = "tunnel"
address = "10.0.1.1"
[machines.plain]
[partitions.all]
machines = "n[1-2],plain,gpu"
"""


def test_nodes_may_be_called_by_addresses(tmp_path: Path) -> None:
    fleet = read(tmp_path, BY_ADDRESS)
    assert [(one.name, one.alias) for one in fleet.machines.values()] == [
        ("10.0.0.7", "n1"), ("10.0.0.8", "n2"), ("10.0.1.1", "gpu"), ("plain", ""),
    ]  # fmt: skip
    assert list(fleet.machines) == [one.name for one in fleet.machines.values()]
    assert fleet.partitions["all"].machines == ("10.0.0.7", "10.0.0.8", "plain", "10.0.1.1")
    assert fleet.machines["10.0.1.1"].host == "tunnel"
    assert [fleet.node_name(name) for name in ("n2", "10.0.0.8", "plain", "other")] == [
        "10.0.0.8", "10.0.0.8", "plain", "other",
    ]  # fmt: skip
    assert fleet.node_aliases(["10.0.0.7", "plain"]) == "10.0.0.7:10.0.0.7:n1"


def test_addresses_of_nodes_are_names_and_no_two_have_the_same(tmp_path: Path) -> None:
    text = BY_ADDRESS.replace("10.0.1.1", "fe80::1") + '[machines.twin]\nhost = "10.0.0.7"\n'
    text = text.replace("plain,gpu", "plain,gpu,twin")
    wants = "write address = the one by which the other machines reach it"
    assert faults(tmp_path, text) == [
        f"machines.n1: 10.0.0.7 is another machine's address, too: {wants}",
        "machines.gpu: fe80::1 cannot be a node's name: write an IPv4 address or a host's name",
        f"machines.twin: 10.0.0.7 is another machine's address, too: {wants}",
    ]


def test_all_means_every_machine(tmp_path: Path) -> None:
    text = '[machines."n[1-3]"]\n[partitions.p]\nmachines = "ALL"\n'
    assert read(tmp_path, text).partitions["p"].machines == ("n1", "n2", "n3")


def test_no_partition_is_the_default_unless_the_file_says_so(tmp_path: Path) -> None:
    assert read(tmp_path, SMALL).default_partition is None


def test_times_are_minutes_or_slurms_notation_and_may_be_unlimited(tmp_path: Path) -> None:
    text = SMALL + '[partitions.b]\nmachines = "node1"\nmax_time = 90\ndefault_time = "30:00"\n'
    text += '[partitions.c]\nmachines = ["node1"]\nmax_time = "UNLIMITED"\nstate = "drain"\n'
    partitions = read(tmp_path, text).partitions
    assert (partitions["b"].max_time, partitions["b"].default_time) == (5400, 1800)
    assert (partitions["c"].max_time, partitions["c"].state) == (None, "DRAIN")


def test_files_are_looked_for_from_the_fleet_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    text = '[fleet]\nssh_config = "ssh_config"\njobs_dir = "/data/jobs"\n' + SMALL.replace(
        "[machines.node1]", '[machines.node1]\nidentity_file = "~/.ssh/id_lab"'
    )
    fleet = read(tmp_path, text)
    assert fleet.ssh_config == str(tmp_path / "ssh_config")
    assert fleet.jobs_dir == "/data/jobs"
    assert fleet.machines["node1"].identity_file == "/home/me/.ssh/id_lab"


# --- what is wrong


CASES = {
    "an unknown key is named with the one that was probably meant": (
        SMALL.replace("[machines.node1]", "[machines.node1]\nprot = 22"),
        "machines.node1 has no key prot: did you mean port?",
    ),
    "an unknown section": ("[partition.x]\n" + SMALL, "[partition] is unknown: did you mean partitions?"),
    "a wrong type": (
        SMALL.replace("[machines.node1]", '[machines.node1]\ncpus = "four"'),
        'machines.node1.cpus cannot be "four": write a whole number, 1 or more, as cpus = 16',
    ),
    "true is no number": (
        SMALL.replace("[machines.node1]", "[machines.node1]\nport = true"),
        "machines.node1.port cannot be true: write a whole number from 1 to 65535, as port = 22",
    ),
    "a bad size": (
        SMALL.replace("[machines.node1]", '[machines.node1]\nmemory = "lots"'),
        'machines.node1.memory cannot be "lots": write an amount above 0, as memory = "64G"',
    ),
    "a bad time": (
        SMALL + 'max_time = "soon"\n',
        'partitions.all.max_time cannot be "soon": write a time as of --time, or "UNLIMITED", '
        'as max_time = "1-00:00:00"',
    ),
    "a bad state": (
        SMALL + 'state = "open"\n',
        'partitions.all.state cannot be "open": write one of "UP", "DOWN", "DRAIN", "INACTIVE", as state = "UP"',
    ),
    "bad GPUs": (
        SMALL.replace("[machines.node1]", "[machines.node1]\ngpus = { a100 = -1 }"),
        'machines.node1.gpus cannot be {"a100": -1}: write a number, or numbers by type, as gpus = { a100 = 2 }',
    ),
    "a machine in no partition": (
        SMALL + '[machines."node[2-3]"]\n',
        'machines node[2-3] are in no partition: add "node[2-3]" to partitions.all.machines',
    ),
    "a partition with an unknown machine": (
        SMALL + '[partitions.gpu]\nmachines = "zeus9"\n',
        "partitions.gpu.machines names zeus9, which is no machine: write [machines.zeus9], or take it out",
    ),
    "a partition without machines": (
        SMALL + "[partitions.gpu]\n",
        'partitions.gpu.machines is missing: write for example machines = "node[1-4]", or "ALL"',
    ),
    "a machine named twice by hostlists": (
        '[machines."n[1-3]"]\n[machines."n[3-4]"]\n[partitions.p]\nmachines = "ALL"\n',
        'machines."n[3-4]" names n3 again: name each machine once',
    ),
    "a machine's name that is none": (
        SMALL + '[machines."a b"]\n',
        'machines."a b" is no name or hostlist: write for example [machines.node1] or "node[1-4]"',
    ),
    "hosts of another number": (
        '[machines."n[1-3]"]\nhost = "10.0.0.[1-2]"\n[partitions.p]\nmachines = "ALL"\n',
        'machines."n[1-3]".host cannot be "10.0.0.[1-2]": write a hostlist of 3, one for each machine, or leave it out',
    ),
    "two defaults": (
        '[machines.n1]\n[partitions.a]\nmachines="n1"\ndefault=true\n[partitions.b]\nmachines="n1"\ndefault=true\n',
        "partitions a, b are all default = true: keep one of them",
    ),
    "a default time over the longest": (
        SMALL + "max_time = 10\ndefault_time = 20\n",
        "partitions.all.default_time is over its max_time: write a shorter one",
    ),
    "an unknown QOS": (
        SMALL + '[qos.high]\n[accounts.a.users]\nann = { qos = ["hihg"] }\n',
        "accounts.a.users.ann.qos names hihg: did you mean high?",
    ),
    "a way to make room that there is not": (
        SMALL + '[preempt]\ntype = "qos"\nmode = "GANG"\n',
        'preempt.mode cannot be "GANG": write one of "OFF", "CANCEL", "REQUEUE", "SUSPEND", as mode = "REQUEUE"',
    ),
    "a kind of preemption that there is not": (
        SMALL + '[preempt]\ntype = "fair"\nmode = "CANCEL"\n',
        'preempt.type cannot be "fair": write one of "none", "partition_prio", "qos", as type = "partition_prio"',
    ),
    "preemption without a mode": (
        SMALL + '[preempt]\ntype = "qos"\n',
        'preempt.mode is missing or "OFF": write "CANCEL", "REQUEUE" or "SUSPEND"',
    ),
    "preemption without a type": (
        SMALL + '[preempt]\nmode = "CANCEL"\n',
        'preempt.type is missing or "none": write "partition_prio" or "qos"',
    ),
    "a QOS that is to make room and is none": (
        SMALL + '[qos.low]\n[qos.high]\npreempt = ["lwo"]\n',
        "qos.high.preempt names lwo: did you mean low?",
    ),
    "two default accounts": (
        SMALL + "[accounts.a.users]\nann = { default = true }\n[accounts.b.users]\nann = { default = true }\n",
        "accounts.b.users.ann.default: a is ann's default account already",
    ),
    "a cluster without a type": (
        SMALL + '[clusters.big]\nhost = "big"\n',
        'clusters.big.type is missing: write one of "slurm", "pbs", "torque", "lsf"',
    ),
    "a type of cluster that there is not": (
        SMALL + '[clusters.big]\ntype = "sge"\n',
        'clusters.big.type cannot be "sge": write one of "slurm", "pbs", "torque", "lsf", as type = "slurm"',
    ),
    "a cluster's partition that the fleet has too": (
        SMALL + '[clusters.big]\ntype = "slurm"\npartitions = ["batch", "all"]\n',
        "clusters.big: all already means something else: take another name",
    ),
    "two clusters with the same queue": (
        SMALL + '[clusters.a]\ntype = "pbs"\nqueues = ["q"]\n[clusters.b]\ntype = "pbs"\nqueues = ["q"]\n',
        "clusters.b: q already means something else: take another name",
    ),
    "a variable that is no text": (
        SMALL + '[clusters.big]\ntype = "slurm"\nenvironment = { A = 1 }\n',
        'clusters.big.environment cannot be {"A": 1}: write a table of variables and their texts, '
        'as environment = { SLURM_CONF = "/etc/slurm/slurm.conf" }',
    ),
    "a section that is no table": ("machines = 5\n", "machines cannot be 5: write tables, as [machines.NAME]"),
    "a table that is none": (
        "[machines]\nnode2 = 5\n" + SMALL,
        "machines.node2 cannot be 5: write a table, as [machines.node2]",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_one_line_that_says_what_to_write(tmp_path: Path, case: str) -> None:
    text, line = CASES[case]
    assert line in faults(tmp_path, text)


def test_all_faults_are_shown_at_once(tmp_path: Path) -> None:
    text = '[fleet]\nkill_wiat = 5\n[machines.n1]\ncpus = 0\n[machines.n2]\n[partitions.p]\nmachines="n1"\nmax_time=0\n'
    lines = faults(tmp_path, text)
    assert [line.split(" ")[0] for line in lines] == ["fleet", "machines.n1.cpus", "partitions.p.max_time", "machines"]


def test_a_fault_of_one_key_brings_no_others(tmp_path: Path) -> None:
    assert len(faults(tmp_path, SMALL.replace("[machines.node1]", "[machines.node1]\nport = 0"))) == 1


def test_an_empty_file_says_what_a_fleet_needs(tmp_path: Path) -> None:
    assert faults(tmp_path, "") == ["there are no machines: write [machines.NAME]; for this machine add local = true"]


def test_broken_toml_is_named_with_line_and_column(tmp_path: Path) -> None:
    (line,) = faults(tmp_path, "[fleet]\nname = lab\n")
    assert "not TOML" in line
    assert "line 2, column 8" in line


def test_a_file_that_is_not_text_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_bytes(b'[fleet]\nname = "\xff"\n')
    with pytest.raises(FleetError, match="byte 17 is not UTF-8"):
        read_fleet(str(path))


def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match="Is a directory"):
        read_fleet(str(tmp_path))


def test_control_characters_in_a_file_do_not_reach_the_terminal(tmp_path: Path) -> None:
    lines = faults(tmp_path, SMALL.replace("[machines.node1]", '[machines.node1]\nuser = "\\u001b[31m"'))
    assert "\x1b" not in "".join(lines)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates(),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(), values, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from([keys.FLEET, keys.MACHINE, keys.PARTITION, keys.QOS, keys.CLUSTER, keys.ACCOUNT, keys.USER]), VALUES
)
def test_a_reader_reads_or_raises_value_error(table: dict[str, keys.Key], value: object) -> None:
    for key in table.values():
        try:
            key.read(value)
        except ValueError:
            continue


# --- the kept fleet


def test_the_embedded_fleet_is_this_machine_alone() -> None:
    fleet = cache.embedded_fleet()
    (machine,) = fleet.machines.values()
    assert machine.local
    assert machine.name == os.uname().nodename.split(".")[0]
    assert fleet.default_partition == Partition("local", (machine.name,), default=True)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    path = tmp_path / "fleet.toml"
    path.write_text(RECORDED)
    monkeypatch.setenv("MINI_SLURM_FLEET", str(path))
    return {}


def test_a_kept_fleet_equals_the_file(kept: dict[str, str], tmp_path: Path) -> None:
    first = cache.load(kept.get, kept.__setitem__)
    second = cache.load(kept.get, lambda key, value: pytest.fail("the file was read again"))
    assert first == second == read_fleet(str(tmp_path / "fleet.toml"))
    assert hash(second.machines["node1"].features) == hash(first.machines["node1"].features)


def test_a_changed_file_is_read_again(kept: dict[str, str], tmp_path: Path) -> None:
    cache.load(kept.get, kept.__setitem__)
    (tmp_path / "fleet.toml").write_text(SMALL)
    assert list(cache.load(kept.get, kept.__setitem__).machines) == ["node1"]


def test_a_fleet_kept_by_an_older_mini_slurm_is_read_again(kept: dict[str, str]) -> None:
    cache.load(kept.get, kept.__setitem__)
    old = json.loads(kept["fleet"])
    old["signature"][-1][1].pop()
    kept["fleet"] = json.dumps(old)
    assert cache.load(kept.get, kept.__setitem__).machines["node1"].cpus == 2


def test_a_wrong_file_is_not_kept(kept: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text("[fleet]\nname = 5\n")
    with pytest.raises(FleetError):
        cache.load(kept.get, kept.__setitem__)
    assert kept == {}


def test_without_a_database_the_file_is_read_each_time(kept: dict[str, str]) -> None:
    fleet = cache.load(lambda key: None, lambda key, value: None)
    assert fleet.name == "mini"
