"""steps/hosts.py: which machines a step is told of by files and variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from mini_slurm.errors import MiniSlurmError
from mini_slurm.options.srun import SRUN
from mini_slurm.steps import hosts, srun


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hosts").write_text("node3\nnode1\nnode3\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def taken(given: str, **environment: str) -> dict[str, str]:
    texts = dict(word.partition("=")[::2] for word in given.split())
    hosts.take(texts, environment)
    return texts


@pytest.mark.parametrize(
    ("given", "variable", "names", "tasks"),
    [
        ("ntasks=3 nodes=4", "hosts", "node3,node1,node3", "3"),
        ("ntasks=2 nodes=4", "hosts", "node3,node1", "2"),
        ("distribution=arbitrary", "hosts", "node3,node1,node3", "3"),
        ("distribution=Arbitrary:block,Pack nodelist=./hosts", "", "node3,node1,node3", "3"),
        ("distribution=arbitrary nodelist=node1,node2", "", "node1,node2", "2"),
        ("ntasks=2 nodelist=node4,node4", "hosts", "node4,node4", "2"),  # what is said wins over the variable
    ],
)
def test_each_task_has_its_machine(folder: Path, given: str, variable: str, names: str, tasks: str) -> None:
    texts = taken(given, SLURM_HOSTFILE=variable)
    assert (texts["nodelist"], texts["ntasks"]) == (names, tasks)


def test_no_number_of_the_job_is_meant_where_machines_are_named() -> None:
    own = {"SLURM_NTASKS": "ntasks", "SLURM_JOB_NUM_NODES": "nodes"}
    environment = {"SLURM_NTASKS": "12", "SLURM_JOB_NUM_NODES": "4"}
    table = [row for row in SRUN if row.long in ("ntasks", "distribution")]
    for words, meant in ((["-m", "arbitrary"], None), (["-m", "arbitrary", "-n12"], "12"), (["-m", "block"], "12")):
        given, _ = srun.options("srun", words, table, own, environment)
        assert given.get("ntasks") == meant


def test_a_file_may_hold_the_machines_that_are_meant_or_not(folder: Path) -> None:
    texts = taken("ntasks=12 nodes=4 nodelist=./hosts exclude=./hosts")
    assert texts == {
        "ntasks": "12",
        "nodes": "4",
        "nodelist": "node3,node1,node3",
        "exclude": "node3,node1,node3",
    }


def test_a_job_may_have_named_the_machines(folder: Path) -> None:
    assert taken("distribution=arbitrary", SLURM_ARBITRARY_NODELIST="node2,node2")["ntasks"] == "2"


@pytest.mark.parametrize(
    ("given", "variable", "said"),
    [
        (
            "ntasks=4",
            "hosts",
            ["Too few NodeNames in Slurm Hostfile", "Failure getting NodeNames from hostfile"],
        ),
        (
            "ntasks=4",
            "missing",
            [
                "slurm_allocate_resources error opening file ./missing, No such file or directory",
                "Failure getting NodeNames from hostfile",
            ],
        ),
        (
            "nodelist=/missing",
            "",
            ["slurm_allocate_resources error opening file /missing, No such file or directory"],
        ),
        ("ntasks=9 distribution=arbitrary", "", ["You asked for 9 tasks but hostlist specified 0 nodes"]),
        (
            "ntasks=4 distribution=arbitrary nodelist=node4,node1",
            "",
            ["You asked for 4 tasks but hostlist specified 2 nodes"],
        ),
    ],
)
def test_what_is_wrong_with_the_names_is_said(folder: Path, given: str, variable: str, said: list[str]) -> None:
    with pytest.raises(MiniSlurmError) as raised:
        taken(given, SLURM_HOSTFILE=variable)
    assert list(raised.value.lines) == said
