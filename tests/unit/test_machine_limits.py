"""msinfo --limits: what each machine says of how it holds jobs to what they asked for."""

from __future__ import annotations

import json

from mini_slurm.model.machine import Machine
from mini_slurm.output import machine_limits


def row(name: str, **told: str) -> tuple[str, ...]:
    [found] = machine_limits.rows([Machine(name=name, limits=json.dumps(told))])
    return found


def test_what_the_kernel_holds_jobs_to_is_named() -> None:
    assert row("a", memory="cgroup v2", cpus="affinity", gpus="variable") == (
        *("a", "memory", "cgroup v2", "affinity", "variable"),
    )


def test_a_machine_that_only_watches_has_no_hard_limit() -> None:
    assert row("a", memory="watched", cpus="affinity", gpus="") == ("a", "-", "watched", "affinity", "-")


def test_what_a_machine_has_not_told_is_not_known() -> None:
    assert row("a") == ("a", "?", "?", "?", "?")


def test_no_word_of_a_machine_reaches_the_terminal_as_a_command() -> None:
    assert "\x1b" not in "".join(row("a", memory="\x1b[2J", cpus="x", gpus=""))
