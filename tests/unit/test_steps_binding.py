"""What srun tells its tasks of binding, as a real Slurm 22.05.8 did."""

from __future__ import annotations

import pytest

from mini_slurm.errors import BadUsage
from mini_slurm.steps.binding import of_cpus, of_memory, variables


@pytest.mark.parametrize(
    ("text", "whole", "kind", "listed"),
    [
        ("rank", "quiet,rank", "rank", ""),
        ("map_cpu:0", "quiet,map_cpu:0", "map_cpu:", "0"),
        ("v,mask_cpu:0x1,0x2", "verbose,mask_cpu:0x1,0x2", "mask_cpu:", "0x1,0x2"),
        ("v,none", "verbose,none", "none", ""),
        ("sockets,v", "verbose,socketssockets,v", "sockets", "sockets,v"),
        ("verbose", "verbose", "", "verbose"),
    ],
)
def test_the_binding_of_cpus_is_told(text: str, whole: str, kind: str, listed: str) -> None:
    assert of_cpus("srun", text) == {
        "SLURM_CPU_BIND": whole,
        "SLURM_CPU_BIND_VERBOSE": whole.partition(",")[0],
        "SLURM_CPU_BIND_TYPE": kind,
        "SLURM_CPU_BIND_LIST": listed,
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x", 'unrecognized --cpu-bind argument "x"'),
        ("map_cpu", 'missing list for "--cpu-bind=map_cpu:<list>"'),
    ],
)
def test_a_binding_that_there_is_not_is_refused(text: str, line: str) -> None:
    with pytest.raises(BadUsage) as caught:
        of_cpus("srun", text)
    assert caught.value.lines == (f"srun: error: {line}", "srun: fatal: Failed to parse --cpu-bind= values.")
    assert caught.value.exit_code == 1


def test_the_binding_of_memory_is_told() -> None:
    assert of_memory("verbose,prefer,map_mem:0,1") == {
        "SLURM_MEM_BIND": "verbose,prefer,map_mem:0,1",
        "SLURM_MEM_BIND_VERBOSE": "verbose",
        "SLURM_MEM_BIND_TYPE": "map_mem:",
        "SLURM_MEM_BIND_LIST": "0,1",
        "SLURM_MEM_BIND_PREFER": "prefer",
    }


def test_hints_and_threads_imply_a_binding() -> None:
    assert variables("srun", {"threads-per-core": "1"})["SLURM_CPU_BIND"] == "quiet,threads"
    assert variables("srun", {"hint": "compute_bound"})["SLURM_CPU_BIND"] == "quiet,cores"
    assert variables("srun", {"hint": "multithread"}) == {}


def test_a_layout_over_more_than_machines_is_told_whole() -> None:
    assert variables("srun", {"distribution": "block:cyclic"}) == {"SLURM_DISTRIBUTION": "block:cyclic"}
    assert variables("srun", {"distribution": "cyclic"}) == {}
