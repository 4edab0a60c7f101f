"""Licenses: what jobs ask for with --licenses, `matlab:2,ansys`, and what of the fleet's is free."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from mini_slurm.model.job import Job

ONE = re.compile(r"([\w.@-]+)(?:[:*](\d{1,9}))?", re.ASCII)


class BadLicenses(ValueError):
    """The text names no licenses."""


@lru_cache(maxsize=1024)
def parse(text: str | None) -> Mapping[str, int]:
    """How many of each; "" and None: none. Raises BadLicenses."""
    wanted: dict[str, int] = {}
    for part in re.split("[,;]", text) if text else ():
        found = ONE.fullmatch(part)
        if not found:
            raise BadLicenses(text)
        wanted[found[1]] = wanted.get(found[1], 0) + int(found[2] or 1)
    return wanted


def in_all(wanted: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """How many of each these want together."""
    found: dict[str, int] = {}
    for one in wanted:
        for name, count in one.items():
            found[name] = found.get(name, 0) + count
    return found


class Free:
    """What is free of the fleet's licenses while jobs are started one after the other."""

    def __init__(self, total: Mapping[str, int], holders: Iterable[Job]) -> None:
        self._free = dict(total)
        for job in holders:
            self.take(job)

    def suffice(self, job: Job, kept: Mapping[str, int]) -> bool:
        """Are there enough of those that the job wants, with so many kept for others?"""
        return all(self.count(name) - kept.get(name, 0) >= count for name, count in parse(job.licenses).items())

    def __copy__(self) -> Free:
        return Free(self._free, ())

    def count(self, name: str) -> int:
        """How many of this one are free; below 0 where the fleet file has fewer now than jobs hold."""
        return self._free.get(name, 0)

    def take(self, job: Job) -> None:
        """The job has started."""
        for name, count in parse(job.licenses).items():
            self._free[name] = self.count(name) - count
