"""Functions run by parsl on workers that are jobs; prints what came back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import parsl
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.launchers import SimpleLauncher, SrunLauncher
from parsl.providers import SlurmProvider


@parsl.python_app
def square(number: int) -> int:
    return number * number


@parsl.python_app
def place() -> tuple[str, str, str]:
    import os

    return os.environ["SLURM_JOB_ID"], os.environ["SLURM_PROCID"], os.environ["SLURM_JOB_NUM_NODES"]


@parsl.python_app
def fail() -> None:
    raise ValueError("no such luck")


@parsl.bash_app
def shell(stdout: str = "shell.txt") -> str:
    return "echo $(( 6 * 7 ))"


def provider(**more: object) -> SlurmProvider:
    common = {"partition": "main", "walltime": "00:05:00", "exclusive": False, "launcher": SrunLauncher()}
    return SlurmProvider(**{**common, "init_blocks": 1, "max_blocks": 1, **more})


def end(command: str, cancel: bool = False, **more: object) -> list[str]:
    """The states that the provider itself sees of one job, which is cancelled once it runs if that is asked for."""
    own = provider(nodes_per_block=1, launcher=SimpleLauncher(), **more)
    own.script_dir = os.getcwd()
    job = own.submit(command, 1, "own")
    seen: list[str] = []
    while True:
        [status] = own.status([job])
        if status.state.name not in seen:
            seen.append(status.state.name)
        if status.terminal:
            return seen[-1:]
        if cancel and status.state.name == "RUNNING":
            return [*map(str, own.cancel([job])), state_of(job)]
        time.sleep(0.5)


def state_of(job: str) -> str:
    """What sacct says of it once it has ended."""
    words = ["sacct", "-X", "-n", "-P", "-o", "State", "-j", job]
    while (state := subprocess.run(words, stdout=subprocess.PIPE, text=True).stdout.split()[0]) == "RUNNING":
        time.sleep(0.5)
    return state


def main() -> None:
    executor = HighThroughputExecutor(
        label="fleet",
        provider=provider(nodes_per_block=2),
        address="127.0.0.1",
        cores_per_worker=1,
        max_workers_per_node=2,
    )
    with parsl.load(Config(executors=[executor], strategy="none")):
        places = [place() for _ in range(20)]
        failing = fail()
        found = {
            "squares": [future.result() for future in [square(number) for number in range(10)]],
            "shell": shell().result(),
            "jobs": len({future.result()[0] for future in places}),
            "nodes": sorted({future.result()[2] for future in places}),
            "failure": str(failing.exception()),
        }
        job = places[0].result()[0]
    ends = {"good": end("true"), "bad": end("exit 3"), "gone": end("sleep 600", cancel=True)}
    print(json.dumps({**found, "after": state_of(job), **ends}))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
