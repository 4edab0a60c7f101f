"""output/association_records.py: limits, and what of them is used."""

from __future__ import annotations

from mini_slurm.model.associations import tree
from mini_slurm.model.fair_share import shares
from mini_slurm.model.fleet import Association, Fleet, Limits, Qos
from mini_slurm.model.job import Job
from mini_slurm.model.states import JobState
from mini_slurm.output.association_records import Use, association, quality

JOBS = [
    Job(state=JobState.RUNNING, alloc_cpus=4, alloc_memory=1000, node="n1", start_time=0.0, time_limit=600),
    Job(),
]


def test_what_jobs_use_stands_beside_their_limits() -> None:
    limits = Limits(grp_jobs=5, grp_tres={"cpus": 8}, max_wall=3600, max_tres={"gpus": 1}, max_jobs_per_user=2)
    lines = quality(Qos("high", 7, limits), 2, Use(JOBS, 300.0), {}, {"1000": Use(JOBS, 300.0)})
    assert lines[2].startswith("GrpJobs=5(1) GrpJobsAccrue=N(1) GrpSubmitJobs=N(2) ")
    assert lines[3].startswith("GrpTRES=cpu=8(4),mem=N(1000),energy=N(0),node=N(1),billing=N(4),")
    assert lines[5].startswith("GrpTRESRunMins=cpu=N(20),mem=N(5000),")
    assert lines[6:8] == ["MaxWallPJ=60", "MaxTRESPJ=gres/gpu=1"]
    assert "    MaxJobsPU=2(1) MaxJobsAccruePU=N(1) MaxSubmitJobsPU=N(2)" in lines


def test_an_associations_own_limits_are_empty_where_there_are_none() -> None:
    fleet = Fleet("f", "", {}, {}, accounts={"math": {"ann": Association(limits=Limits(max_jobs=3))}})
    found = tree(fleet)
    weights = shares(found, {})
    ann = next(one for one in found if one.user == "ann")
    lines = association("f", ann, 1000, weights[ann], Use(JOBS, 300.0))
    assert lines[0].startswith("ClusterName=f Account=math UserName=ann(1000) Partition= Priority=0 ID=")
    assert "MaxJobs=3(1) MaxJobsAccrue= MaxSubmitJobs= MaxWallPJ=" in lines
    other = next(one for one in found if not one.user)
    assert "MaxJobs= MaxJobsAccrue= MaxSubmitJobs= MaxWallPJ=" in association(
        "f", other, None, weights[other], Use([], 0)
    )
