"""What is to be changed of a job: scontrol's keys in Python's spelling, and what the controller is asked for then."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from mini_slurm.api.words import value_text
from mini_slurm.errors import BadUsage
from mini_slurm.model.moments import BadMoment, parse_moment
from mini_slurm.options.job_updates import TAGS
from mini_slurm.options.job_values import BadValue, Reader, Unread
from mini_slurm.options.tags import Tag


def read(changes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The changes as the core knows them, and as words of `scontrol update`. Raises BadUsage."""
    found: dict[str, Any] = {}
    words: list[str] = []
    for keyword, value in changes.items():
        tag = _tag(keyword)
        text = value_text(tag.name, value)
        words.append(f"{tag.name}={text}")
        try:
            found[tag.key] = tag.read(_moment, text)
        except (BadValue, BadMoment, Unread) as error:
            raise BadUsage(*(getattr(error, "lines", None) or [str(error)])) from None
    if not found:
        raise BadUsage("No changes specified", hint="write for example job.update(nice=10)")
    return found, words


def _moment(text: str) -> float:
    return parse_moment(text, time.time(), time.localtime, time.mktime)


def _tag(keyword: str) -> Tag[Reader]:
    name = keyword.replace("_", "")
    tag = next((tag for tag in TAGS if tag.fits(name)), None)
    if tag is None:
        raise BadUsage(
            f"Update of this parameter is not supported: {keyword}",
            hint="the keys are those of scontrol update, as in time_limit for TimeLimit",
        )
    return tag
