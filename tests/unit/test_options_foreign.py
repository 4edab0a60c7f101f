"""options/foreign.py: #PBS and #BSUB lines."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.errors import MiniSlurmError
from mini_slurm.options import collect
from mini_slurm.options.collect import Values
from mini_slurm.options.foreign import foreign_settings


def read(script: bytes, **given: object) -> Values:
    values = Values(lambda option, text: 60.0, print, print)
    values.of.update(given)
    values.take(foreign_settings("sbatch", "job.sh", b"#!/bin/sh\n" + script, values.of), collect.SCRIPT)
    return values


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("#PBS -N foo", {"name": "foo"}),
        ("#PBS -l walltime=1:00:00,mem=4gb", {"time_limit": 3600, "memory_per_node": 4096}),
        ("#PBS -l nodes=2:ppn=4", {"nodes": (2, 2), "ntasks": 8}),
        ("#PBS -l nodes=node1+node2:gpus=1", {"gpus_per_node": "1", "required_nodes": "node[1-2]"}),
        (
            "#PBS -l select=2:ncpus=8:mpiprocs=2",
            {"nodes": (2, 2), "mincpus": 8, "ntasks_per_node": 2, "cpus_per_task": 4},
        ),
        ("#PBS -l accelerator=True", {"gres": "gpu:1"}),
        ("#PBS -l proc=ib", {"features": "ib"}),
        ("#PBS -m be -M alice", {"mail_type": {"BEGIN", "END"}, "mail_user": "alice"}),
        ("#PBS -J 1-3 -q gpu -V -r n", {"array": "1-3", "partition": "gpu"}),
        ("#PBS -v A=1", {"export": "A=1"}),
        ("#PBS -W umask=022", {"umask_given": 0o22}),
        ("#PBS -j oe -S /bin/bash", {}),
        ("echo\n#PBS -N late", {"name": "late"}),
        ("#BSUB -J foo -q gpu", {"name": "foo", "partition": "gpu"}),
        ("#BSUB -n 2,4", {"ntasks": 4}),
        ("#BSUB -M 2048", {"memory_per_cpu": 2}),
        ("#BSUB -m 'node1 node2'", {"required_nodes": "node1,node2"}),
        ("#BSUB -W 1:30 -x", {"time_limit": 120, "exclusive": 1}),
        ("#BSUB -J b\n#PBS -N p", {"name": "b"}),
        ("# PBS -N no", {}),
    ],
)
def test_what_slurm_takes_of_other_systems_lines_is_taken(line: str, found: dict[str, object]) -> None:
    assert read(line.encode()).of == found


def test_what_was_said_before_is_added_to() -> None:
    assert read(b"#PBS -v A=1", export="B").of == {"export": "B,A=1"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("#PBS -Z", "sbatch: invalid option -- 'Z'"),
        ("#BSUB -n 4,", "#BSUB -n format not correct given: '4,'"),
        ("#PBS foo", "Invalid argument: foo"),
        ("#PBS -l walltime=x", "Invalid --time specification"),
    ],
)
def test_mistakes_in_them_are_told(line: str, said: str) -> None:
    with pytest.raises(MiniSlurmError) as raised:
        read(line.encode())
    assert raised.value.lines[0] == said


PIECES = st.sampled_from(
    ["-l ", "-W ", "-n ", "-m ", "nodes=", "2", ":ppn=", ":gpus=", "+", "select=", "ncpus=", ",", "mem=", "gb", "node1",
     "naccelerators=", "depend=", "umask=", "-v ", "A=1", "'", "\\", "#", ":", "9" * 25, "\u00b2", " "]
)  # fmt: skip


@given(st.sampled_from(["#PBS ", "#BSUB "]), st.lists(PIECES, max_size=8).map("".join) | st.text(max_size=12))
def test_any_line_is_read_or_refused(magic: str, text: str) -> None:
    with contextlib.suppress(MiniSlurmError):
        read((magic + text).encode("utf-8", "replace"))
