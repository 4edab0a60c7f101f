"""Every option of sbatch, for every system that has other words: translated, met on this side, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from mini_slurm.clusters.base import Call, Order
from mini_slurm.clusters.lsf import Lsf
from mini_slurm.clusters.pbs import Pbs
from mini_slurm.clusters.protocols import Cluster
from mini_slurm.clusters.torque import Torque
from mini_slurm.desk import submission
from mini_slurm.errors import MiniSlurmError, Refused
from mini_slurm.model.cluster_entry import ClusterEntry
from mini_slurm.model.foreign import ForeignJob
from mini_slurm.options.grammar import parse
from mini_slurm.options.table import OPTIONS, JobOption

CLUSTERS: dict[str, Cluster] = {kind: made(ClusterEntry("far", kind)) for kind, made in
                                (("pbs", Pbs), ("torque", Torque), ("lsf", Lsf))}  # fmt: skip
# what the system need not hear of, and why
HERE = {
    "cluster": "names the place", "clusters": "names the place", "wrap": "makes the script", "wait": "we wait",
    "comment": "kept with the job", "ignore-pbs": "no such line is read", "parsable": "how we print",
    "quiet": "how we print", "verbose": "how we print", "oversubscribe": "what all of them do by themselves",
}  # fmt: skip
# an example that these systems have words for, or that differs from what is there without it
EXAMPLES = {"gpus": "2", "gres": "gpu:2", "nodes": "2", "nice": "7"}
BESIDE = {
    "gpus-per-task": ("-n2",), "mem-per-gpu": ("--gpus=2",),
    "ntasks-per-gpu": ("--gpus=2",), "ntasks-per-tres": ("--gpus=2",),
}  # fmt: skip
ROWS = [option for option in OPTIONS if isinstance(option, JobOption) and "sbatch" in option.commands]


def asked_for(cluster: Cluster, *words: str) -> Call:
    """What the system is asked for."""
    given, _ = parse("sbatch", [*words], OPTIONS, permute=False)
    source = submission.Script(b"#!/bin/sh\n", "x", None)
    values = submission.read_values("sbatch", given, source, lambda line: None)
    job = ForeignJob(**submission.describe(values, source, []).__dict__)
    job.tag, job.cluster = "tag", "far"
    asked = {field: values.of.get(field) for field in values.source}
    others = {number: ForeignJob(foreign_id=f"{number}.s", job_id=number) for number in range(10_000)}
    order = Order((), None, b"", job, source=source.data, asked=asked, others=others, folder="/")
    return cluster.submission(order, remote=False)


@pytest.mark.parametrize("kind", CLUSTERS)
@pytest.mark.parametrize("word", ["--exclusive=user", "--exclusive=mcs", "--mail-type=REQUEUE,TIME_LIMIT_80"])
def test_a_value_that_has_no_words_is_refused_by_name(kind: str, word: str) -> None:
    with pytest.raises(Refused, match=f"{word} cannot be passed to far, which has nothing like it"):
        asked_for(CLUSTERS[kind], word)


@pytest.mark.parametrize("kind", CLUSTERS)
def test_events_are_mailed_as_far_as_there_are_any(kind: str) -> None:
    some, no_more, none = (asked_for(CLUSTERS[kind], f"--mail-type={events}").words for events in
                           ("BEGIN,REQUEUE", "BEGIN", "NONE"))  # fmt: skip
    assert some == no_more != none


@pytest.mark.parametrize("kind", CLUSTERS)
@pytest.mark.parametrize("option", ROWS, ids=lambda option: option.long)
def test_no_option_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, option: JobOption
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nodes.txt").write_text("n1\n")
    value = EXAMPLES.get(option.long, option.example if option.value != "none" else "")
    word = f"--{option.long}" + (f"={value}" if value else "")
    beside = BESIDE.get(option.long, ())
    try:
        call = asked_for(CLUSTERS[kind], *beside, word)
    except MiniSlurmError as refused:
        assert f"--{option.long} " in refused.lines[0] or f"{option.long}=" in refused.lines[0]
        assert option.long not in HERE
    else:
        assert (call == asked_for(CLUSTERS[kind], *beside)) == (option.long in HERE)
