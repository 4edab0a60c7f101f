"""Slurm's commands called in jobs, on machines that have neither state folder nor fleet file."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from mini_slurm.protocol.messages import Errand, ErrandGone, ErrandOutput, ErrandOver
from tests.fleet import jobs
from tests.fleet.agent_client import Client
from tests.fleet.machines import Machines
from tests.fleet.test_steps import submit
from tests.waiting import wait_until

REFUSED = "submit_from_jobs = true in the fleet file allows it\n"


def run(fleet: Machines, script: str, *words: str) -> tuple[str, str]:
    """What a job's script writes on standard output and error."""
    number = jobs.wrap(fleet, script, "-N", "2", "-o", "out", "-e", "err", *words)
    [job] = jobs.wait_over(fleet, number, seconds=60)
    assert job.state.name == "COMPLETED", (fleet.work / "err").read_text()
    return (fleet.work / "out").read_text(), (fleet.work / "err").read_text()


def test_a_job_looks_at_itself_and_at_others(fleet: Machines) -> None:
    script = """
    squeue -h -o '%i %T %N'
    squeue -h --me -o %j -j $SLURM_JOB_ID
    squeue -h -u $USER -o %A
    sinfo -h -o '%P %D'
    sacct -n -P -j $SLURM_JOB_ID --format=jobid,state | head -1
    scontrol -o show job $SLURM_JOB_ID | cut -d' ' -f1,2
    scontrol show job 77; echo rc $?
    srun -w node2 -N1 -n1 sh -c 'squeue -h -o %i; scontrol show hostnames | tail -1; hostname > /dev/null'
    squeue --nosuch; echo rc $?
    SQUEUE_FORMAT=%D squeue -h
    """
    out, err = run(fleet, script, "-J", "look")
    assert out.splitlines() == [
        *("1 RUNNING node[1-2]", "look", "1", "main* 2", "1|RUNNING", "JobId=1 JobName=look", "rc 1"),
        *("1", "node2", "rc 1", "2"),
    ]
    assert err == "slurm_load_jobs error: Invalid job id specified\n" + (
        "squeue: unrecognized option '--nosuch'\nTry \"squeue --help\" for more information\n"
    )


def test_a_job_acts_on_itself_alone(fleet: Machines) -> None:
    script = """
    scancel 77; SLURM_CLUSTERS=x scancel 1; scontrol -M x hold 1
    scancel -u $USER; scancel -n look 1; scontrol hold 2; scontrol update jobid=1 stdout=/tmp/x
    scontrol show hostlist /etc/passwd > /dev/null; sbatch --wrap true; sacctmgr -i add user x; scontrol < /dev/null
    scontrol write batch_script 1 x
    srun -n1 --overlap sleep 100 &
    until squeue -h -s -o %i | grep -q 1.0; do sleep .1; done
    scancel $SLURM_JOB_ID.0
    wait $!; echo rc $?
    """
    out, err = run(fleet, script)
    refused = [line for line in err.splitlines(keepends=True) if line.endswith(REFUSED)]
    names = "scancel scancel scontrol scancel scancel scontrol scontrol sbatch sacctmgr scontrol scontrol"
    assert [line.split(":")[0] for line in refused] == names.split()
    assert out == "rc 137\n"
    assert "srun: error: node1: task 0: Killed\n" in err
    assert list(jobs.all_jobs(fleet)) == [1]


def test_a_job_requeues_itself(fleet: Machines) -> None:
    jobs.wrap(fleet, "trap : TERM; scontrol requeue $SLURM_JOB_ID; echo rc $?", "-o", "out")
    wait_until(lambda: jobs.job(fleet, 1).restarts == 1, "the requeue", logs=fleet.logs)
    assert (fleet.work / "out").read_text().endswith("DUE TO JOB REQUEUE ***\nrc 0\n")
    fleet.run("mscancel", "1")
    jobs.wait_over(fleet, 1)


def test_a_job_submits_and_cancels_where_that_is_allowed(fleet: Machines) -> None:
    fleet.write_fleet(submit_from_jobs=True)
    (fleet.work / "child.sh").write_text("#!/bin/sh\n#SBATCH -J child\necho $1 $GIVEN in $PWD\n")
    script = """
    cd sub; export GIVEN=given
    sbatch -o ../child-%j.out ../child.sh word
    sbatch --parsable --wrap 'sleep 100' -H
    printf '#!/bin/sh\\ntrue\\n' | sbatch -J typed -o /dev/null
    sbatch nofile; echo rc $?
    scancel 3
    """
    (fleet.work / "sub").mkdir()
    out, err = run(fleet, script)
    assert out == "Submitted batch job 2\n3\nSubmitted batch job 4\nrc 1\n"
    assert err == "sbatch: error: Unable to open file nofile\n"
    found = jobs.wait_over(fleet)
    assert [(job.name, job.state.name) for job in found[1:]] == [
        ("child", "COMPLETED"),
        ("wrap", "CANCELLED"),
        ("typed", "COMPLETED"),
    ]
    assert (fleet.work / "child-2.out").read_text() == f"word given in {fleet.work / 'sub'}\n"
    assert found[1].command == str(fleet.work / "child.sh")


# --- the way there and back: the test is the controller


def ask(client: Client, script: str) -> tuple[str, Errand]:
    """A job that calls a command; its attempt, and what the controller hears."""
    name = submit(client, script)
    return name, client.wait(Errand, name)


def test_output_and_status_come_back(client: Client) -> None:
    name, errand = ask(client, "A=b squeue -o '%i  x'; echo rc $?")
    assert (errand.program, errand.arguments, errand.environment["A"], errand.data) == (
        "squeue",
        ["-o", "%i  x"],
        "b",
        b"",
    )
    assert not [variable for variable in errand.environment if variable.startswith("MINI_SLURM_A")]
    client.send(ErrandOutput(name, errand.token, "", b""))
    client.send(ErrandOutput(name, errand.token, "out", b"one\n"))
    client.send(ErrandOutput(name, errand.token, "err", b"two\n"))
    client.send(ErrandOver(name, errand.token, 7))
    assert client.finish(name)[1:] == ("one\nrc 7\n", "two\n")


def test_a_question_is_asked_again_after_the_controller_was_lost(make_client: Callable[..., Client]) -> None:
    first = make_client()
    name, _ = ask(first, "squeue; echo rc $?")
    first.close()
    second = make_client()
    errand = second.wait(Errand, name)
    second.send(ErrandOutput(name, errand.token, "out", b"again\n"))
    second.send(ErrandOver(name, errand.token, 0))
    assert second.finish(name)[1] == "again\nrc 0\n"


def test_a_submission_is_not_repeated_when_the_controller_was_lost(make_client: Callable[..., Client]) -> None:
    first = make_client()
    name, _ = ask(first, "sbatch --wrap true; echo rc $?")
    first.close()
    second = make_client()
    _, out, err = second.finish(name)
    assert out == "rc 1\n"
    assert (
        err
        == "sbatch: error: the controller was lost before it answered: look whether it has done what was asked for\n"
    )


def test_nobody_goes_on_for_a_command_that_was_ended(client: Client, tmp_path: Path) -> None:
    gone = shlex.quote(str(tmp_path / "gone"))
    name = submit(client, f"squeue -i 5 & until [ -e {gone} ]; do sleep .05; done; kill $!; wait; sleep 1")
    errand = client.wait(Errand, name)
    (tmp_path / "gone").touch()
    assert client.wait(ErrandGone, name).token == errand.token
