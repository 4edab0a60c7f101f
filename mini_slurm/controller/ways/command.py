"""A program that is told of an event: Slurm's variables in its environment, the document on its standard input."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from mini_slurm.controller.ways import Failed

MOST_SAID = 300  # letters of what a program says that are logged


def send(settings: Mapping[str, Any], target: str, body: Mapping[str, Any], name: str) -> None:
    """Run the program. Raises Failed."""
    run([target], json.dumps({**body["document"], "id": name}).encode() + b"\n", body["variables"])


def run(words: Sequence[str], standard_input: bytes, variables: Mapping[str, str]) -> None:
    """Run a program; it has failed where its exit status is not 0. Raises Failed."""
    try:
        done = subprocess.run(
            words,
            input=standard_input,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables},
            cwd="/",
        )
    except OSError as error:
        raise Failed(f"{words[0]}: {error.strerror}", again=False) from None
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip()[:MOST_SAID]
        raise Failed(f"{words[0]} failed with {done.returncode}: {said}", again=True)
