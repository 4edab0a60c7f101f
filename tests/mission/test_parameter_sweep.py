"""A client that submits sweeps and chains with Slurm's commands, and polls them."""

from __future__ import annotations

import re

from tests.fleet import jobs
from tests.mission.conftest import Lab
from tests.waiting import wait_until


def submit(lab: Lab, script: str, name: str, *, cpus: int, hours: float, after: str = "", **more: str) -> str:
    """The client's own command line, word by word."""
    whole = int(hours)
    command = ["sbatch", "--job-name", name, "--nodes", "1", "--ntasks-per-node", "1", "--cpus-per-task", str(cpus)]
    if "gpus" in more:
        command.extend(["--gres", f"gpu:{more['gpus']}"])
    command.extend(["--mem", "16G", "--time", f"{whole:02d}:{int((hours - whole) * 60):02d}:00"])
    if "array" in more:
        command.extend(["--array", more["array"]])
    if after:
        command.extend(["--dependency", f"afterok:{after}"])
    found = re.search(r"Submitted batch job (\d+)", lab.run(*command, script))
    assert found
    return found.group(1)


def status(lab: Lab, job: str) -> str:
    """As the client asks for it: empty when the job is over."""
    return lab.run("squeue", "-j", job, "-h", "-o", "%T").strip().upper()


def test_a_sweep_of_a_hundred_parameters(lab: Lab) -> None:
    (lab.folder / "params.txt").write_text("".join(f"{value / 10}\n" for value in range(1, 101)))
    (lab.folder / "solve_control.py").write_text("import sys\nprint('solved', *sys.argv[1:])\n")
    lab.place("sweep.sh")
    number = submit(lab, "sweep.sh", "param_sweep", cpus=4, hours=2.0, array="1-100")
    jobs.wait_over(lab.fleet, seconds=180)  # type: ignore[arg-type]
    counted = lab.run("sacct", "-n", "-X", "-P", "-j", number, "--format=state").split()
    assert counted == ["COMPLETED"] * 100
    outputs = [(lab.folder / f"slurm-{number}_{task}.out").read_text() for task in range(1, 101)]
    assert outputs == [f"solved --param {value / 10}\n" for value in range(1, 101)]


def test_a_chain_of_preparation_training_and_evaluation(lab: Lab) -> None:
    gate, order = lab.folder / "gate", lab.folder / "order"
    for stage, work in (("prep", f"until [ -e {gate} ]; do sleep .1; done; "), ("train", "sleep .2; "), ("eval", "")):
        (lab.folder / f"{stage}.sh").write_text(f"#!/bin/bash\n{work}echo {stage} $SLURM_GPUS_ON_NODE >> {order}\n")
    first = submit(lab, "prep.sh", "data_gen", cpus=8, hours=4.0)
    second = submit(lab, "train.sh", "training", cpus=8, hours=12.0, gpus="1", after=first)
    third = submit(lab, "eval.sh", "eval", cpus=8, hours=4.0, after=second)
    wait_until(lambda: status(lab, first) == "RUNNING", "the first stage", logs=lab.fleet.logs)
    assert (status(lab, second), status(lab, third)) == ("PENDING", "PENDING")
    assert lab.run("squeue", "-j", third, "-h", "-o", "%r").strip() == "Dependency"
    gate.touch()
    for job in (first, second, third):
        lab.complete(int(job))
        wait_until(lambda job=job: status(lab, job) == "", "squeue to show it no more", logs=lab.fleet.logs)
    assert order.read_text() == "prep\ntrain 1\neval\n"


def test_what_follows_a_failure_never_runs(lab: Lab) -> None:
    (lab.folder / "bad.sh").write_text("#!/bin/bash\nexit 3\n")
    ran = lab.folder / "ran"
    (lab.folder / "next.sh").write_text(f"#!/bin/bash\ntouch {ran}\n")
    first = submit(lab, "bad.sh", "bad", cpus=1, hours=1.0)
    second = submit(lab, "next.sh", "next", cpus=1, hours=1.0, after=first)
    reason = ("squeue", "-j", second, "-h", "-o", "%T %r")
    wait_until(
        lambda: lab.run(*reason).strip() == "PENDING DependencyNeverSatisfied", "the reason", logs=lab.fleet.logs
    )
    lab.run("scancel", second)
    assert not ran.exists()
