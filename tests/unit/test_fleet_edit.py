"""Adding machines to a fleet file keeps everything else in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mini_slurm.config.edit import Addition, add_machines
from mini_slurm.config.fleet import read_fleet
from mini_slurm.errors import FleetError

COMMENTED = """\
# our machines
[machines."node[1-2]"]  # equal ones
cpus = 2

[partitions.short]
machines = ["node1"]   # only one

[partitions.compute]
default = true
machines = "node[1-2]" # all of them
max_time = "1:00:00"

[qos.high]
priority = 5
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.toml"
    path.write_text(COMMENTED)
    return path


def add(path: Path, name: str = "node3", partition: str | None = None) -> bool:
    """Add a machine; were the file's layout and comments kept?"""
    return add_machines(str(path), [Addition(name, {"cpus": 4})], partition).kept


def test_a_machine_is_added_to_the_default_partition_and_nothing_else_changes(path: Path) -> None:
    assert add(path)
    expected = COMMENTED.replace('"node[1-2]" # all', '"node[1-3]" # all') + "\n[machines.node3]\ncpus = 4\n"
    assert path.read_text() == expected


def test_a_named_partition_with_a_list_gets_one_more_element(path: Path) -> None:
    assert add(path, partition="short")
    assert 'machines = ["node1", "node3"]   # only one\n' in path.read_text()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('["node1", "node2"]', '["node1", "node2", "node3"]'),
        ('[ "node1", "node2", ]', '[ "node1", "node2", "node3", ]'),
        ('[\n  "node[1-2]", # "both"\n]', '[\n  "node[1-2]", "node3", # "both"\n]'),
        ("'node[1-2]'", '"node[1-3]"'),
        ('"node2,node1"', '"node[2,1,3]"'),
        ('"ALL"', '"ALL"'),
        ('["ALL"]', '["ALL"]'),
    ],
)
def test_every_way_to_write_members_is_extended_in_place(path: Path, before: str, after: str) -> None:
    path.write_text(COMMENTED.replace('"node[1-2]" # all', f"{before} # all"))
    assert add(path)
    assert path.read_text().startswith(COMMENTED.replace('"node[1-2]" # all', f"{after} # all"))
    assert "node3" in read_fleet(str(path)).partitions["compute"].machines


def test_a_quoted_header_is_found(path: Path) -> None:
    path.write_text(COMMENTED.replace("[partitions.compute]", '[ partitions . "compute" ]'))
    assert add(path)


def test_a_new_partition_is_written_at_the_end(path: Path) -> None:
    assert add(path, partition="gpu")
    assert (
        path.read_text()
        == COMMENTED + '\n[machines.node3]\ncpus = 4\n\n[partitions.gpu]\nmachines = [\n    "node3",\n]\n'
    )


def test_a_file_without_partitions_gets_a_default_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "fleet.toml"
    assert add(path)
    fleet = read_fleet(str(path))
    assert fleet.default_partition is not None
    assert fleet.default_partition.machines == ("node3",)
    assert path.stat().st_mode & 0o777 == 0o600


def test_where_no_partition_is_the_default_one_must_be_named(path: Path) -> None:
    path.write_text(COMMENTED.replace("default = true\n", ""))
    with pytest.raises(FleetError) as error:
        add(path)
    assert "--partition short" in error.value.hint


@pytest.mark.parametrize(
    "layout",
    [
        'machines = { node1 = {} }\n[partitions.compute]\ndefault = true\nmachines = "node1"\n',
        '[machines.node1]\n[partitions]\ncompute = { default = true, machines = "node1" }\n',
        '[machines.node1]\n[partitions.compute]\ndefault = true\nmachines = """node1"""\n',
    ],
)
def test_a_layout_that_cannot_be_kept_is_rewritten_and_the_old_file_is_kept(path: Path, layout: str) -> None:
    path.write_text("# a comment\n" + layout)
    assert not add(path)
    assert read_fleet(str(path)).partitions["compute"].machines == ("node1", "node3")
    assert Path(f"{path}~").read_text() == "# a comment\n" + layout


def test_the_files_mode_and_a_link_to_it_stay(path: Path, tmp_path: Path) -> None:
    path.chmod(0o644)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    assert add(link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_file_with_faults_is_not_touched(path: Path) -> None:
    path.write_text(COMMENTED + "[machines.node9]\n")
    with pytest.raises(FleetError) as error:
        add(path)
    assert error.value.lines[0].startswith(f"{path}: machines node9 are in no partition")
    assert path.read_text() == COMMENTED + "[machines.node9]\n"
    assert os.listdir(path.parent) == ["fleet.toml"]


def test_a_comment_goes_above_the_machine(path: Path) -> None:
    add_machines(str(path), [Addition("node3", {}, "in the cellar")], None)
    assert "# in the cellar\n[machines.node3]\n" in path.read_text()


def test_windows_line_ends_stay(path: Path) -> None:
    path.write_bytes(COMMENTED.replace("\n", "\r\n").encode())
    assert add(path)
    assert path.read_bytes().startswith(COMMENTED[:50].replace("\n", "\r\n").encode())
