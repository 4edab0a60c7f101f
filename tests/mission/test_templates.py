"""Every template, rendered and submitted by msbatch --template, runs on the machines."""

from __future__ import annotations

import json
import shutil

from tests.fleet import jobs
from tests.fleet.conftest import skip_or_fail
from tests.mission.conftest import NODES, Lab

CONTAINER = """#!/bin/sh
echo "$SLURM_PROCID: $*, binds $APPTAINER_BIND"
"""
SAY = "import json, os, sys\nprint(json.dumps([sys.argv[1:], os.environ['OMP_NUM_THREADS']]))\n"
TRAIN = "import os, sys\nprint(*(os.environ[n] for n in ('RANK', 'WORLD_SIZE', 'OMP_NUM_THREADS')), *sys.argv[1:])\n"


def submit(lab: Lab, template: str, *values: str) -> list[int]:
    """Submit from a template; the jobs' numbers."""
    words = [word for value in values for word in ("--set", value)]
    return [int(line.split()[-1]) for line in lab.run("msbatch", "--template", template, *words).splitlines()]


def test_modules_conda_and_variables_are_ready_before_the_command(lab: Lab) -> None:
    values = ("modules=cuda/12.1", "conda=tmgg", "env=WHO=a b", "setup=echo one", "setup=echo two")
    [number] = submit(lab, "environment", *values, "command=printenv WHO")
    expected = ["module load cuda/12.1", "conda activate tmgg", "one", "two", "a b"]
    assert lab.complete(number).splitlines() == expected


def test_a_python_program_and_a_plain_command_get_their_words(lab: Lab) -> None:
    (lab.folder / "-say it.py").write_text(SAY)
    words = "--lr 0.1 'a $(b)'"
    [python] = submit(lab, "python", "script=-say it.py", f"arguments={words}", "cpus=2", "python=python")
    [plain] = submit(lab, "job", "command=printf '%s,' $HOME 'a b' ';'", "name=a b; c", "memory=100M", "time=5")
    assert json.loads(lab.complete(python)) == [["--lr", "0.1", "a $(b)"], "2"]
    assert lab.complete(plain) == "$HOME,a b,;,"
    assert lab.run("sacct", "-nXP", "-j", str(plain), "-o", "jobname,timelimit").strip() == "a b; c|00:05:00"


def test_what_the_command_line_says_wins_over_the_template(lab: Lab) -> None:
    words = ("msbatch", "--time=7", "--template", "job", "--set", "command=true", "--set", "time=5", "--hold")
    number = lab.run(*words).split()[-1]
    line = lab.run("sacct", "-nXP", "-j", number, "-o", "timelimit,submitline").strip()
    lab.run("scancel", number)
    assert line == f"00:07:00|{' '.join(words)}"


def test_a_ray_cluster_of_two_machines_runs_the_program_once(lab: Lab) -> None:
    [number] = submit(lab, "ray", "nodes=2", "cpus=2", "gpus=1", "command=echo 'it is' $HOME")
    head, tail = lab.complete(number).splitlines()
    assert head.startswith("cluster: ")
    assert head.count("cpus=2 gpus=1") == 2
    assert tail == "it is $HOME"


def test_a_group_of_clients_runs_on_each_machine_and_in_containers(lab: Lab) -> None:
    folder = lab.folder / "containers"
    folder.mkdir()
    (folder / "apptainer").write_text(CONTAINER)
    (folder / "apptainer").chmod(0o755)
    values = ("nodes=2", "env=GROUP=7", "command=bash -c 'echo $SLURM_PROCID: $GROUP'")
    inside = (*values, f"setup=PATH={folder}:$PATH", "image=-client.sif", "binds=/a b", "binds=/c", "gpus=1")
    [plain], [contained] = submit(lab, "clients", *values), submit(lab, "clients", *inside)
    assert sorted(lab.complete(plain).splitlines()) == ["0: 7", "1: 7"]
    line = "exec --nv ./-client.sif bash -c echo $SLURM_PROCID: $GROUP, binds /a b,/c"
    assert sorted(lab.complete(contained).splitlines()) == [f"0: {line}", f"1: {line}"]


def test_peers_find_each_other_by_name_and_by_interface(lab: Lab) -> None:
    lab.place("slurm_benchmark.py")
    values = ("nodes=3", "prefix=ASOC_", "command=python3 slurm_benchmark.py")
    for more in ((), (f"interface={_interface(lab)}",)):
        [number] = submit(lab, "peers", *values, *more)
        lines = sorted(lab.complete(number).splitlines())
        assert [line.split(" on ")[0] for line in lines] == [f"alone: rank {rank} of 3" for rank in range(3)]
        assert all(line.endswith("2 peers, 0 GPUs, sum 6") for line in lines)


def _interface(lab: Lab) -> str:
    """The network interface of the machines that leads to the others."""
    words = ["srun", "-n1", "sh", "-c", "ip -o -4 addr show scope global"]
    return lab.run(*words).split()[1].partition("@")[0]


def test_torchrun_has_a_process_for_each_gpu(lab: Lab) -> None:
    (lab.folder / "train.py").write_text(TRAIN)
    [number] = submit(lab, "torchrun", "nodes=2", "gpus=2", "script=train.py", "arguments=--lr '0 1'")
    assert sorted(lab.complete(number).splitlines()) == [f"{rank} 4 2 --lr 0 1" for rank in range(4)]


def test_an_mpi_program_runs_by_mpirun(lab: Lab) -> None:
    skip_or_fail("" if shutil.which("orterun") else "mpirun is not installed (Debian: apt install openmpi-bin)")
    lab.place("mpi_allreduce.py")
    values = ("tasks=4", "nodes=2", "tasks_per_node=2", "command=python3 mpi_allreduce.py")
    [number] = submit(lab, "mpi", *values, "env=OMPI_ALLOW_RUN_AS_ROOT=1", "env=OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1")
    lines = sorted(lab.complete(number).splitlines())
    assert [line.split(" on ")[0] for line in lines] == [f"rank {rank} of 4" for rank in range(4)]
    assert all(line.endswith(": 10") for line in lines)


def test_a_sweep_runs_once_for_each_line_of_a_file(lab: Lab) -> None:
    parameters = lab.folder / "parameters.txt"
    parameters.write_text("--lr 0.1\n\n--lr 0.2 --name 'x'\n$(touch pwned)\n")
    values = (f"lines={parameters}", "command=echo one {} end", "at_once=2", "output=%A_%a.out")
    [number] = submit(lab, "sweep", *values)
    parameters.unlink()
    tasks = jobs.wait_over(lab.fleet, number)  # type: ignore[arg-type]
    assert {task.state.name for task in tasks} == {"COMPLETED"}
    found = [jobs.text(lab.folder / f"{number}_{task}.out") for task in range(3)]
    assert found == ["one --lr 0.1 end\n", "one --lr 0.2 --name 'x' end\n", "one $(touch pwned) end\n"]


def test_a_chain_runs_in_its_order_and_ends_where_one_fails(lab: Lab) -> None:
    log = lab.folder / "chain.log"
    say = {stage: f"{stage}=sh -c 'echo {stage} >> {log}'" for stage in ("prep", "train", "eval")}
    first = submit(lab, "chain", *say.values(), "name=good")
    failing = submit(lab, "chain", *{**say, "train": "train=false"}.values(), "name=bad", "options=--output=/dev/null")
    assert len(first) == len(failing) == 3
    lab.complete(first[-1])
    assert log.read_text().split()[:1] == ["prep"]
    jobs.wait_over(lab.fleet, failing[-1])  # type: ignore[arg-type]
    words = ("sacct", "-nXP", "-o", "jobname,state", "-j", ",".join(map(str, [*first, *failing])))
    assert lab.run(*words).splitlines() == [
        *("good-prep|COMPLETED", "good-train|COMPLETED", "good-eval|COMPLETED"),
        *("bad-prep|COMPLETED", "bad-train|FAILED", "bad-eval|CANCELLED"),
    ]
    said = log.read_text().split()
    assert sorted(said) == ["eval", "prep", "prep", "train"]
    assert said.index("train") < said.index("eval")


def test_the_machines_saw_no_word_of_a_value_run(lab: Lab) -> None:
    assert not list(lab.folder.rglob("pwned"))
    assert len(NODES) == 4
