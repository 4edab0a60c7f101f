"""Readers of the options that bring data to a job's machines and home again."""

from __future__ import annotations

SNAPSHOTS = ("git", "dir")
STAGING = ("snapshot", "stage_in", "stage_out")  # the fields of these options


def stage_in(text: str | None) -> object:
    """PATH[:DEST] of --stage-in: one pair. Raises ValueError."""
    from mini_slurm.model.staging import inside, split_spec  # only those who need it pay for it

    path, dest = split_spec(text or "")
    return ((path, None if dest is None else inside(dest) + ("/" if dest.endswith("/") else "")),)


def stage_out(text: str | None) -> object:
    """GLOB[:DEST] of --stage-out: one pair. Raises ValueError."""
    from mini_slurm.model.staging import inside, split_spec

    pattern, dest = split_spec(text or "")
    if not inside(pattern):
        raise ValueError(text)
    return ((inside(pattern), dest),)


def snapshot(text: str | None) -> object:
    """What --snapshot is to take: git, dir, or auto where nothing was said. Raises ValueError."""
    if text is not None and text not in SNAPSHOTS:
        raise ValueError(text)
    return text or "auto"
