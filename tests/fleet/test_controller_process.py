"""The controller as a process: its log, and what becomes of it when its state folder goes."""

from __future__ import annotations

import os
import shutil
import socket

from mini_slurm.controller.logfile import LARGEST, OLD
from tests.fleet import jobs
from tests.fleet.machines import Machines
from tests.waiting import wait_until


def test_a_large_log_is_kept_once_and_begun_anew(fleet: Machines):
    jobs.wrap(fleet, "true", "-o", "/dev/null")
    jobs.wait_over(fleet, 1)
    log = fleet.state / "controller.log"
    os.truncate(log, LARGEST + 1)
    jobs.wait_over(fleet, jobs.wrap(fleet, "true", "-o", "/no/such/folder/file"))
    old = fleet.state / ("controller.log" + OLD)
    wait_until(old.exists, "the old log", logs=fleet.logs)
    fleet.end_controllers()
    said = (old.read_bytes()[LARGEST:] + log.read_bytes()).decode()
    assert "/no/such/folder/file" in said and " ends\n" in log.read_text()
    assert log.stat().st_size < LARGEST
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_controller_ends_when_its_state_folder_is_removed(fleet: Machines):
    jobs.wrap(fleet, "true", "-o", "/dev/null")
    jobs.wait_over(fleet, 1)
    (former,) = fleet.controllers()
    shutil.rmtree(fleet.state)
    jobs.wrap(fleet, "true", "-o", "/dev/null")
    jobs.wait_over(fleet, 1)
    wait_until(lambda: former.pid not in [p.pid for p in fleet.controllers()], "the former controller's end")
    assert len(fleet.controllers()) == 1


def test_a_controller_ends_while_a_machine_keeps_it_waiting(fleet: Machines):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        fleet.tables["mute"] = {"host": "127.0.0.1", "port": silent.getsockname()[1]}
        fleet.write_fleet()
        jobs.wrap(fleet, "true", "-o", "/dev/null")
        connection, _ = silent.accept()
        fleet.end_controllers()
        connection.close()
    assert fleet.controllers() == []
