"""A dependency on how an array ended: OpenPBS asks its last task alone, so it waits, and the wrapper judges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mini_slurm.clusters.pbs_options import submitted_as
from mini_slurm.model.foreign import ForeignJob

KINDS = ("afterok", "afternotok")


def judged(job: ForeignJob, others: Mapping[int, ForeignJob]) -> list[tuple[str, str, str, list[int]]]:
    """The kind, tag, name and tasks of each array from here, not over yet, whose end decides about the job."""
    return [
        (kind, other.tag, submitted_as(other), [*range(other.array_min, other.array_max + 1, other.array_step or 1)])
        for kind, other in _arrays(job, others)
    ]


def waited_for(words: Sequence[str], job: ForeignJob, others: Mapping[int, ForeignJob]) -> list[str]:
    """qsub's words, which wait for the ends of those arrays, whatever they are."""
    names = {other.foreign_id.partition("[")[0] + "[]" for _, other in _arrays(job, others)}
    return [_any_end(word, names) if word.startswith("depend=") else word for word in words]


def _arrays(job: ForeignJob, others: Mapping[int, ForeignJob]) -> Iterator[tuple[str, ForeignJob]]:
    for term in (job.dependency or "").lower().split(","):
        kind, _, numbers = term.partition(":")
        for number in numbers.split(":") if kind in KINDS else ():
            other = others.get(int(number)) if number.isdigit() else None
            if other is not None and other.array_job_id and other.tag and not other.state.is_over:
                yield kind, other


def _any_end(word: str, names: set[str]) -> str:
    """`depend=afterok:5.s:7[].s` as `depend=afterok:5.s,afterany:7[].s`."""
    kept = []
    for term in word.removeprefix("depend=").split(","):
        kind, *listed = term.split(":")
        arrays = [name for name in listed if kind in KINDS and name.partition(".")[0] in names]
        others = [name for name in listed if name not in arrays]
        kept += [":".join([kind, *others])] if others else []
        kept += [":".join(["afterany", *arrays])] if arrays else []
    return f"depend={','.join(kept)}"
