"""cli/defined.py: what -v says of options, as recorded of a real Slurm."""

from __future__ import annotations

import pytest

from mini_slurm.cli import defined
from mini_slurm.options.table import OPTIONS
from tests.unit.submitting import settled


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-v", "verbose: 1"),
        ("-vv -n 4 -N 2 -t 10", "nodes: 2|ntasks: 4|time: 00:10:00|verbose: 2"),
        ("-N 1-3", "nodes: 1-3"),
        ("--mem=100", "mem: 100"),
        ("--mem-per-cpu=2G --tmp=1G", "mem-per-cpu: 2G|tmp: 1G"),
        ("--gres=gpu:1 -C ib -x node2", "constraint: ib|exclude: node2|gres: gres:gpu:1"),
        ("--exclusive", "exclusive: exclusive"),
        ("-s -k", "no-kill: set|oversubscribe: oversubscribe"),
        ("--requeue", "requeue: requeue"),
        ("--no-requeue", "no-requeue: no-requeue"),
        ("--signal=B:USR1@60 --open-mode=append", "open-mode: a|signal: USR1"),
        ("--mail-type=END,FAIL --switches=1", "mail-type: END,FAIL|switches: 1"),
        ("-H --parsable --wrap true", "hold: set|parsable: set|wrap: true"),
        ("-M mini --nice=5", "clusters: mini|nice: 5"),
        ("--time-min=5", "time-min: 00:05:00"),
    ],
)
def test_options_are_listed_by_name(line: str, said: str) -> None:
    found = defined.lines(settled(line), OPTIONS)
    assert found[:2] == ["defined options", "-------------------- --------------------"]
    assert found[-2:] == ["-------------------- --------------------", "end of defined options"]
    assert [entry[:20].strip() + entry[20:] for entry in found[2:-2]] == said.split("|")


def test_files_are_named_in_full_and_what_is_a_steps_as_it_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(defined, "working_folder", lambda: "/here")
    assert defined.lines(settled("-o x.out"), OPTIONS)[2] == f"{'output':20}: /here/x.out"
    assert defined.lines(settled(""), OPTIONS, {"output": "o", "label": ""})[2:-2] == [f"{'output':20}: o"]
