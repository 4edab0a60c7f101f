"""The #PBS lines of a script, as an OpenPBS 23.06 took them."""

from __future__ import annotations

import pytest

from mini_slurm.clusters import pbs_script
from mini_slurm.clusters.base import Order
from mini_slurm.clusters.pbs import Pbs
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.foreign import ForeignJob

PBS = Pbs(ClusterEntry("far", "pbs"))


@pytest.mark.parametrize(
    ("lines", "variables"),
    [
        ('#PBS -v "A=x y",B=2', "A=x y,B=2"),
        ("#PBS -v 'A=x y,B=2'", "A=x y,B=2"),
        ("#PBS -v \"A='q,r',B=3\"", "A='q,r',B=3"),
        ("#PBS -v A=x\\\\,y", "A=x\\,y"),
        ("#PBS -v A=1\n#PBS -v B=2", "B=2"),
        ("#PBS -v A=1 -v B=2", "B=2"),
        ("#PBS -vA=1", "A=1"),
        ("#PBS-v A=1", "A=1"),
        ("#PBS -h -v A=1,B=2 -N name", "A=1,B=2"),
        ("#PBS -N x-v -v B=2", "B=2"),
        ("#PBS -v A=1,\\\nB=2", "A=1,B=2"),
        ("\n# text\n   #PBS -v A=1", "A=1"),
        (":\n#PBS -v A=1", "A=1"),
        ("echo\n#PBS -v A=1", ""),
        ("# PBS -v A=1", ""),
        ("#PBS -N x", ""),
        ('#PBS -v "A', ""),
    ],
)
def test_the_variables_of_a_script_go_along_with_the_tag(lines: str, variables: str) -> None:
    job = ForeignJob(cluster="far", tag="t1", work_dir="/")
    source = f"{lines}\nsleep 1\n".encode()
    call = PBS.submission(Order((), None, source, job, source=source, is_theirs=True), remote=False)
    assert call.words == ("qsub", "-v", ",".join(filter(None, ["MINI_SLURM_TAG=t1", variables])))


@pytest.mark.parametrize(
    ("lines", "stays"),
    [("-W block=true", True), ("-W umask=22,block=true", True), ("-Wblock=true", True), ("-W umask=22", False),
     ("-N block=true", False)],
)  # fmt: skip
def test_a_qsub_that_stays_until_its_job_is_over_is_known(lines: str, stays: bool) -> None:
    assert pbs_script.stays(pbs_script.options(f"#PBS {lines}\n".encode(), Pbs.letters)) is stays
