"""Jobs on several machines and their steps, while everything fails at random: nothing lost, run twice or left behind.

A long run by hand: CHAOS_SECONDS=60 CHAOS_JOBS=40 CHAOS_SEED=7 pytest tests/fleet/test_step_chaos.py
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from mini_slurm.agent.claims import SPARE
from mini_slurm.model.job import Job
from tests.fleet import jobs, step_chaos
from tests.fleet.machines import Testbed
from tests.fleet.step_chaos import NODES, Front, Harm, Trouble, Wish
from tests.waiting import wait_until

SECONDS = float(os.environ.get("CHAOS_SECONDS", "8"))  # of faults
JOBS = int(os.environ.get("CHAOS_JOBS", "6"))
KINDS = ["controller", "agent", "sshd", "cable", "stepd", "srun", "crash", "cancel"]
TRACE = "Traceback"
PATIENCE = 120.0  # seconds for the rest, when all is well again


def live_through(fleet: Testbed, dice: random.Random, trouble: Trouble) -> tuple[dict[int, Wish], list[Front]]:
    """Submit everything while things go wrong; when all is well again, wait until every job is over."""
    end = time.monotonic() + SECONDS
    submitted: dict[int, Wish] = {}
    fronts: list[Front] = []
    for number in range(JOBS):
        wish = step_chaos.random_wish(dice)
        submitted[step_chaos.submit(fleet, wish)] = wish
        if number % 3 == 0:
            sizes = dice.choice([(dice.randint(1, 4), 0), (2, 2)])
            fronts.append(step_chaos.front(fleet, number, step_chaos.random_step(dice, 0, sizes, 3)))
        trouble.tick()

    def nothing_left() -> bool:
        trouble.tick() if time.monotonic() < end else trouble.over()
        done = fleet.run("msqueue", "-h")  # also what starts a controller after one was killed
        assert done.returncode == 0, done.stderr
        over = not done.stdout and all(front.process.poll() is not None for front in fronts)
        return over and time.monotonic() >= end

    try:
        wait_until(nothing_left, "all jobs to be over", seconds=SECONDS + PATIENCE, logs=fleet.logs)
    finally:
        trouble.over()
        for front in fronts:
            front.process.kill()
            front.process.wait()
    return submitted, fronts


def check_job(fleet: Testbed, number: int, wish: Wish, job: Job, harm: Harm) -> list[str]:
    """What is wrong with a job."""
    found = [f for run in range(job.restarts + 1) for f in check_run(fleet, f"{number}.{run}", wish)]
    if job.restarts > (harm.losses(number) if wish.requeue else 0):
        found.append(f"{number}: {job.restarts} restarts")
    if number in harm.cancelled and job.state.name == "CANCELLED":
        return found
    if harm.losses(number) and not wish.requeue and job.state.name == "NODE_FAIL":
        return found
    if (job.state.name, job.exit_code) != ("FAILED" if wish.code else "COMPLETED", wish.code):
        return [*found, f"{number}: {job.state.name} {job.exit_code} instead of {wish.code}"]
    here = fleet.shared / "runs" / f"{number}.{job.restarts}"
    lines = jobs.text(fleet.shared / f"job.{number}").splitlines()
    if [line for line in lines if " Killed " not in line] != [
        f"begin {job.restarts}",
        "end",
    ]:  # so the shell, of an srun
        found.append(f"{number}: printed {lines}")
    if wish.casts and jobs.text(here / "cast.rc") != "0\n":
        found.append(f"{number}: sbcast ended with {jobs.text(here / 'cast.rc')!r}")
    for step in wish.steps:
        code = jobs.text(here / f"{step.key}.rc")
        if f"{here.name} {step.key}" in harm.sruns and code == "137\n":
            continue
        if code != f"{step.code}\n":
            found.append(f"{here.name} {step.key}: srun ended with {code!r} instead of {step.code}")
            found.append(jobs.text(here / f"{step.key}.err")[-500:])
        found += step_chaos.faults_of_success(here, step, harm, fleet.shared / step.source)
    return found


def check_run(fleet: Testbed, name: str, wish: Wish) -> list[str]:
    """What holds of every run, also of one that was cut short."""
    here = fleet.shared / "runs" / name
    ran = [step for step in wish.steps if (here / f"{step.key}.err").exists()]
    found = [fault for step in ran for fault in step_chaos.twice(here, step)]
    return found + [fault for step in ran for fault in step_chaos.faults_of_output(here, step, whole=False)]


def check_front(fleet: Testbed, front: Front, harm: Harm) -> list[str]:
    """What is wrong with an msrun."""
    step, here, code = front.step, front.here, front.process.returncode
    found = step_chaos.twice(here, step) + step_chaos.faults_of_output(here, step, whole=False)
    if f"{here.name} {step.key}" in harm.sruns:
        return found
    if code == step.code:
        return found + step_chaos.faults_of_success(here, step, harm, fleet.shared / step.source)
    said = jobs.text(here / f"{step.key}.err")
    if not (harm.crashes or harm.cancelled) or "msrun:" not in said or code <= 0:
        found += [f"{here.name}: msrun ended with {code} instead of {step.code}", said[-500:]]
    return found


def left(fleet: Testbed) -> list[str]:
    """What is still there: processes, claims, what spools and folders have of jobs."""
    machines = [fleet.bed.folder / name for name in NODES]
    patterns = ("vartmp/mini_slurm-*/attempts/[!.]*", "vartmp/mini_slurm-claims/*.*", "tmp/slurm_bcast*")
    files = [path for folder in machines for pattern in patterns for path in folder.glob(pattern)]
    files = [path for path in files if SPARE not in path.name]
    files += (fleet.state / "fronts").glob("*")
    busy = [p for name in NODES for p in fleet.on_machine(name) if "task.sh" in p.command or "srun" in p.command]
    return [*map(str, files), *map(str, busy), *(str(p) for name in NODES for p in fleet.stepds(name))]


def check_logs(fleet: Testbed) -> list[str]:
    """Tracebacks."""
    texts = {path: path.read_text(errors="replace") for folder in fleet.logs for path in Path(folder).rglob("*.log")}
    return [f"{path}: {text[text.index(TRACE) :][:3000]}" for path, text in texts.items() if TRACE in text]


def check_all_usable(fleet: Testbed) -> None:
    """A step on all CPUs of all machines."""
    done = fleet.run("msrun", "-N4", "-n16", "-t1", "uname", "-n")
    assert sorted(done.stdout.split()) == sorted(NODES * step_chaos.CPUS), done.stderr


def test_steps_lose_nothing_and_leave_nothing_whatever_fails(testbed: Callable[..., Testbed]) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or random.randrange(1_000_000))
    print("seed", seed)
    dice = random.Random(seed)
    fleet = testbed(**{name: {"cpus": step_chaos.CPUS, "memory": "4000M"} for name in NODES})
    fleet.variables["MINI_SLURM_SSH_KEEPALIVE"] = "1"
    fleet.write_fleet(node_timeout=60, kill_wait=1)
    step_chaos.prepare(fleet)
    trouble = Trouble(fleet, dice, os.environ.get("CHAOS_KINDS", "").split() or KINDS)
    submitted, fronts = live_through(fleet, dice, trouble)
    print(dict(trouble.happened), trouble.harm)
    ended = jobs.all_jobs(fleet)
    print({number: (ended[number].state.name, ended[number].restarts) for number in submitted})
    wrong = [
        f for number, wish in submitted.items() for f in check_job(fleet, number, wish, ended[number], trouble.harm)
    ]
    wrong += [fault for front in fronts for fault in check_front(fleet, front, trouble.harm)]
    wrong += check_logs(fleet)
    assert not wrong, "\n".join(wrong)
    check_all_usable(fleet)
    with suppress(pytest.fail.Exception):  # the file of an srun that was killed may lie for a minute
        wait_until(lambda: not left(fleet), "nothing to be left", seconds=90)
    assert not left(fleet)
