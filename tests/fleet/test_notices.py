"""Notices of real jobs, from the submission to those who get them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli_w

from tests.fleet import jobs, processes, sshd
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Machines
from tests.fleet.receivers import MailServer, WebServer
from tests.waiting import wait_until

USER = "alice@example.org"
ENDED = "Ended, Run time 00:00:0., COMPLETED, ExitCode 0"


class Post:
    """A fleet of one machine, a mail server and a webhook."""

    def __init__(self, folder: Path) -> None:
        self.fleet = Machines(folder)
        self.mail, self.web = MailServer(), WebServer()
        self.fleet.add("node1", cpus=4, memory="2000M")
        self.log = folder / "events"
        self.hook = folder / "hook"
        self.hook.write_text(f'#!/bin/sh\necho "$SLURM_JOB_ID $SLURM_JOB_MAIL_TYPE" >> {self.log}\n')
        self.hook.chmod(0o700)
        self.write()

    def write(self, **notices: object) -> None:
        """The fleet file."""
        tables = {
            "fleet": {"name": "test", "requeue_delay": 0},
            "machines": self.fleet.tables,
            "partitions": {"main": {"machines": "node1", "default": True}},
            "mail": {"smtp": self.mail.address, "security": "none", "sender": "jobs@example.org", "timeout": 2},
            "notices": notices,
        }
        self.fleet.fleet_file.write_text(tomli_w.dumps(tables))

    def wrap(self, command: str, *words: str) -> int:
        """Submit a command whose mails go to USER."""
        return jobs.wrap(self.fleet, command, f"--mail-user={USER}", "-o/dev/null", *words)

    def subjects(self, number: int) -> list[str]:
        """Of the mails about a job."""
        return [line for line in self.mail.subjects if re.search(rf"Job_id={number}(?!\d)", line)]

    def got(self, number: int, *patterns: str, seconds: float = 20) -> None:
        """Wait until just these mails about a job are there."""

        def matches() -> bool:
            found = sorted(self.subjects(number))
            return len(found) == len(patterns) and all(map(re.fullmatch, sorted(patterns), found))

        wait_until(matches, f"{patterns} to be mailed", seconds=seconds, logs=self.fleet.logs)

    def close(self) -> None:
        """End it all."""
        self.mail.close()
        self.web.close()
        self.fleet.close()


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    skip_or_fail(sshd.missing())
    made = Post(tmp_path_factory.mktemp("notices"))
    yield made
    made.close()


def test_a_job_tells_that_it_began_and_ended(post: Post) -> None:
    number = post.wrap("true", "--mail-type=ALL", "-J", "two words")
    name = f"Slurm Job_id={number} Name=two words"
    post.got(number, rf"{name} Began, Queued time 00:00:..", f"{name} {ENDED}")
    assert ("jobs@example.org", [USER]) in post.mail.envelopes
    assert jobs.job(post.fleet, number).state.name == "COMPLETED"


def test_a_failure_is_told_to_those_who_asked_for_it_and_an_end_is_none(post: Post) -> None:
    failed, silent = post.wrap("exit 3", "--mail-type=FAIL"), post.wrap("exit 3", "--mail-type=END,BEGIN")
    post.got(failed, f"Slurm Job_id={failed} Name=wrap Failed, Run time 00:00:0., FAILED, ExitCode 3")
    jobs.wait_over(post.fleet, silent)
    post.got(silent, rf"Slurm Job_id={silent} Name=wrap Began, .*")


def test_a_cancelled_job_and_one_whose_dependency_cannot_be_met(post: Post) -> None:
    held = post.wrap("true", "--mail-type=END", "--hold")
    orphan = post.wrap(
        "true", "--mail-type=INVALID_DEPEND", f"--dependency=afternotok:{held}", "--kill-on-invalid-dep=yes"
    )
    first = jobs.wrap(post.fleet, "true", "-o/dev/null")
    lost = post.wrap("true", "--mail-type=INVALID_DEPEND", f"-dafternotok:{first}", "--kill-on-invalid-dep=yes")
    post.fleet.run("mscancel", str(held), str(orphan))
    post.got(held, f"Slurm Job_id={held} Name=wrap Ended, Run time 00:00:00, CANCELLED, ExitCode 0")
    post.got(lost, f"Slurm Job_id={lost} Name=wrap Invalid dependency")


def test_an_array_is_told_of_once_or_by_its_tasks(post: Post) -> None:
    whole = post.wrap("exit $((SLURM_ARRAY_TASK_ID == 2))", "--mail-type=ALL", "-a1-3")
    tasks = post.wrap("true", "--mail-type=END,ARRAY_TASKS", "-a1-2")
    name = rf"Slurm Array Summary Job_id={whole}_\* \({whole}\) Name=wrap"
    post.got(whole, f"{name} Began", rf"{name} Failed, Mixed, ExitCode \[0-1\]")
    wait_until(lambda: sum(f"Job_id={tasks}_" in line for line in post.mail.subjects) == 2, "a mail of each task")
    found = sorted(line for line in post.mail.subjects if f"Job_id={tasks}_" in line)
    for task, line in enumerate(found, start=1):
        assert re.fullmatch(rf"Slurm Array Task Job_id={tasks}_{task} \(\d+\) Name=wrap {ENDED}", line)


def test_an_array_whose_last_tasks_end_together_is_told_of_once(post: Post) -> None:
    whole = post.wrap("true", "--mail-type=END", "-a1-2", "--hold")
    post.fleet.run("mscontrol", "update", f"jobid={whole}_1", "nice=5")  # the tasks are apart now
    post.fleet.run("mscancel", str(whole))
    later = post.wrap("true", "--mail-type=END")
    post.got(later, f"Slurm Job_id={later} Name=wrap {ENDED}")
    post.got(whole, rf"Slurm Array Summary Job_id={whole}_\* \(\d+\) Name=wrap Ended, CANCELLED, ExitCode \[0-0\]")


def test_a_requeued_job_tells_it_and_begins_anew(post: Post) -> None:
    number = post.wrap("sleep 60", "--mail-type=ALL", "--requeue")
    jobs.wait_for(post.fleet, number, "RUNNING")
    assert post.fleet.run("mscontrol", "requeue", str(number)).returncode == 0
    name = f"Slurm Job_id={number} Name=wrap"
    began = f"{name} Began, Queued time .*"
    wait_until(lambda: sum("Began" in line for line in post.subjects(number)) == 2, "it to begin anew", seconds=40)
    post.fleet.run("mscancel", str(number))
    post.got(number, began, began, f"{name} Requeued, Run time .*", f"{name} Ended, Run time .*")


def test_a_webhook_and_a_program_hear_of_what_they_asked_for(post: Post, tmp_path: Path) -> None:
    program = tmp_path / "tell"
    program.write_text(f'#!/bin/sh\ncat > {tmp_path}/"$SLURM_JOB_MAIL_TYPE"\n')
    program.chmod(0o700)
    number = jobs.wrap(post.fleet, "true", f"--notify={post.web.url}/hook/secret", "-o/dev/null")
    told = jobs.wrap(post.fleet, "false", f"--notify={program}", "--notify-type=FAIL", "-o/dev/null")
    wait_until(lambda: len(post.web.documents) == 2, "two documents", logs=post.fleet.logs)
    first, second = sorted(post.web.documents, key=lambda one: str(one["event"]))
    assert (first["event"], second["event"]) == ("BEGIN", "END")
    assert second["job"]["job_id"] == number
    assert second["job"]["state"] == "COMPLETED"
    assert second["cluster"] == "test"
    wait_until((tmp_path / "Failed").exists, "the program", logs=post.fleet.logs)
    assert jobs.wait_over(post.fleet, told)[0].state.name == "FAILED"
    assert not (tmp_path / "Began").exists()
    for words in (("mscontrol", "show", "job", str(number)), ("msacct", "-Pj", str(number), "-osubmitline")):
        assert "secret" not in post.fleet.run(*words).stdout
    assert "secret" not in (post.fleet.state / "controller.log").read_text()


def test_a_silent_mail_server_keeps_no_job_waiting_and_what_it_missed_comes_later(post: Post) -> None:
    """The second try is ten seconds after the first: the controller is ended, and the next one tries at once."""
    post.mail.hold.set()
    calls = post.mail.calls
    number = post.wrap("true", "--mail-type=END")
    wait_until(lambda: post.mail.calls > calls, "somebody to call", logs=post.fleet.logs)
    began = time.monotonic()
    other = jobs.wrap(post.fleet, "true", "-o/dev/null")
    assert jobs.wait_over(post.fleet, other)[0].state.name == "COMPLETED"
    assert time.monotonic() - began < 10
    assert post.subjects(number) == []
    post.fleet.end_controllers()
    post.mail.hold.clear()
    jobs.wrap(post.fleet, "true", "-o/dev/null")
    post.got(number, f"Slurm Job_id={number} Name=wrap {ENDED}")


def test_a_killed_controller_forgets_no_notice(post: Post) -> None:
    number = post.wrap("sleep 2", "--mail-type=END")
    jobs.wait_for(post.fleet, number, "RUNNING")
    processes.kill(post.fleet.controllers(), 9)
    jobs.wrap(post.fleet, "true", "-o/dev/null")
    post.got(number, f"Slurm Job_id={number} Name=wrap Ended, Run time .*, COMPLETED, ExitCode 0")


def test_the_fleets_program_hears_of_every_job(post: Post) -> None:
    post.write(command=str(post.hook), events=["END"])
    number = jobs.wrap(post.fleet, "true", "-o/dev/null")
    wait_until(post.log.exists, "the program to be called", logs=post.fleet.logs)
    assert post.log.read_text() == f"{number} Ended\n"
    post.write()
