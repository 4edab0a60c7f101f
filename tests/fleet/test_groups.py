"""The group service: real HTTP, from the login node and from clients in jobs on two machines."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import jobs, processes, sshd
from tests.fleet.conftest import skip_or_fail
from tests.fleet.machines import Machines
from tests.mission import examples
from tests.waiting import wait_until

CLIENT = Path(__file__).parent / "group_client.py"
SCRIPTS = Path(__file__).parent.parent / "mission" / "scripts"
SECRET = "a secret"


class Service:
    """A service that runs as a process of its own; it can be ended and started again."""

    def __init__(self, fleet: Machines) -> None:
        self.fleet = fleet
        self.logs = fleet.folder / "client logs"
        self.port = 0
        self.token = ""
        self.process: subprocess.Popen[str] | None = None

    def start(self, token: str = "") -> None:
        self.token = token
        words = ["mini-slurm", "group-service", "--port", str(self.port), "--log-dir", str(self.logs)]
        words += ["-o", "mem=100M", "-o", "cpus-per-task=1", "python3", str(CLIENT), "{benchmark_id}", "a'b;$c"]
        environment = {**self.fleet.environment, "SLURM_PARTITION": "main", "CLIENT_SERVICE_TOKEN": token}
        self.process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True, cwd=self.fleet.work)
        assert self.process.stdout
        line = self.process.stdout.readline()
        found = re.fullmatch(r"Serving client groups at http://127\.0\.0\.1:(\d+)\n", line)
        assert found, line
        self.port = int(found[1])

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process and self.process.stdout
        self.process.send_signal(number)
        self.process.stdout.close()
        return self.process.wait(20)

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> tuple[int, Any]:
        """Status and JSON of an answer; a body of bytes is sent as it is."""
        token = self.token if token is None else token
        headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def group(self, number: int | str, verb: str = "GET", what: str = "", body: Any = None) -> tuple[int, Any]:
        return self.ask(verb, f"/api/v1/client-group/{number}{what}", body)

    def wait_for(self, number: int, status: str) -> dict[str, Any]:
        """A group's description, once it has this status."""
        wait_until(
            lambda: self.group(number)[1]["status"] == status, f"group {number} to be {status}", logs=self.fleet.logs
        )
        found: dict[str, Any] = self.group(number)[1]
        return found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    missing = "" if importlib.util.find_spec("fastapi") else "FastAPI is not installed: pip install '.[service]'"
    skip_or_fail(sshd.missing() or missing)
    fleet = Machines(tmp_path_factory.mktemp("groups") / "fleet")
    try:
        for name in ("node1", "node2"):
            fleet.add(name, cpus=4, memory="4000M")
        service = Service(fleet)
        service.start()
        yield service
        assert service.end() in (0, -signal.SIGTERM)
    finally:
        if service.process and service.process.poll() is None:
            service.process.kill()
            service.process.wait()
        fleet.close()


def run(service: Service, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A shell's command line on the login node, where Slurm's names lead to ours and the service has a name."""
    fleet = service.fleet
    shims = fleet.folder / "shims"
    if not shims.exists():
        assert fleet.run("mini-slurm", "shims", str(shims)).returncode == 0
    (fleet.home / ".curlrc").write_text(f'connect-to = "client-service:8001:127.0.0.1:{service.port}"\nsilent\n')
    environment = {**fleet.environment, "PATH": f"{shims}:{fleet.environment['PATH']}", **variables}
    return fleet.run("bash", "-c", command, env=environment)


def test_a_group_is_created_registers_runs_and_ends(service: Service) -> None:
    """With the commands that such services are used with."""
    skip_or_fail("" if shutil.which("curl") else "curl is not installed")
    create = """
        export BENCHMARK_ID=123
        export NUM_CLIENTS=2
        curl -X POST http://client-service:8001/api/v1/client-group/$BENCHMARK_ID \\
            -H "Content-Type: application/json" \\
            -d "{\\"num_clients\\": $NUM_CLIENTS, \\"time_limit\\": 10}"
    """
    made = json.loads(run(service, create).stdout)
    job = made.pop("job_id")
    assert made == {"status": "created", "benchmark_id": 123, "num_clients": 2}
    info = service.wait_for(123, "ready")["info"]
    assert (info["num_clients"], info["registered"], info["job_id"], info["job_state"]) == (2, 2, job, "RUNNING")
    assert info["client_address"] == info["client_addresses"][0]
    told = run(service, "curl -X POST http://client-service:8001/api/v1/client-group/123/run")
    results = json.loads(told.stdout)
    assert results["status"] == "dispatched"
    assert [(one["status_code"], one["body"]) for one in results["results"]] == [(200, "started")] * 2
    assert sorted(one["client_process"] for one in results["results"]) == sorted(info["client_addresses"])
    assert service.wait_for(123, "ended")["info"]["job_state"] == "COMPLETED"
    lines = (service.logs / "client_dispatcher_123.out").read_text().splitlines()
    assert sorted(lines) == [f"{node} {what}" for node in (0, 1) for what in ("ran 123 a'b;$c", "registered: 201")]
    assert jobs.job(service.fleet, int(job)).time_limit == 600
    assert service.group(123, "DELETE") == (200, {"status": "deleted", "benchmark_id": 123})
    assert service.group(123) == (404, {"detail": "Unknown benchmark id 123"})


@pytest.mark.parametrize(
    ("verb", "path", "body", "status"),
    [
        ("POST", "/api/v1/client-group/1", b"{", 422),
        ("POST", "/api/v1/client-group/1", b"\xff\x00", 422),
        ("POST", "/api/v1/client-group/1", b"", 422),
        ("POST", "/api/v1/client-group/1", [], 422),
        ("POST", "/api/v1/client-group/1", {}, 422),
        ("POST", "/api/v1/client-group/1", {"num_clients": 0}, 422),
        ("POST", "/api/v1/client-group/1", {"num_clients": "5; rm -rf /"}, 422),
        ("POST", "/api/v1/client-group/1", {"num_clients": True}, 422),
        ("POST", "/api/v1/client-group/1", {"num_clients": 1, "time_limit": -1}, 422),
        ("POST", "/api/v1/client-group/1", {"num_clients": 1, "time_limit": 10**30}, 422),
        ("POST", "/api/v1/client-group/1", {"num_clients": 3}, 409),
        ("POST", "/api/v1/client-group/-1", {"num_clients": 1}, 422),
        ("POST", "/api/v1/client-group/$(touch owned)", {"num_clients": 1}, 422),
        ("POST", "/api/v1/client-group/..%2F..%2Fx", {"num_clients": 1}, 404),
        ("POST", "/api/v1/client-group/99999999999999999999", {"num_clients": 1}, 422),
        ("POST", "/api/v1/client-group/77/connect", {"client_address": "http://127.0.0.1:9000"}, 404),
        ("POST", "/api/v1/client-group/77/run", None, 404),
        ("GET", "/api/v1/client-group/77", None, 404),
        ("DELETE", "/api/v1/client-group/77", None, 404),
        ("PUT", "/api/v1/client-group/77", None, 405),
        ("POST", "/api/v1/client-group/1", b"[" * 100_000, 413),
        ("POST", "/api/v1/client-group/1", b"[" * 60_000, 400),
    ],
)
def test_what_is_wrong_is_refused(service: Service, verb: str, path: str, body: Any, status: int) -> None:
    path = path.replace(" ", "%20")
    answered, answer = service.ask(verb, path, body)
    assert answered == status, answer
    assert answer["detail"]
    assert service.ask("GET", "/api/v1/client-groups") == (200, [])


def test_a_refusal_of_the_scheduler_is_told(service: Service) -> None:
    """Three nodes: there are two."""
    status, answer = service.group(5, "POST", body={"num_clients": 3})
    assert status == 409
    assert "Node count specification invalid" in answer["detail"]


def test_the_same_number_again_is_a_conflict_and_ends_nothing(service: Service) -> None:
    answers: list[tuple[int, Any]] = []
    body = {"num_clients": 1}
    threads = [threading.Thread(target=lambda: answers.append(service.group(8, "POST", body=body))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in answers) == [201, 409, 409, 409, 409]
    assert {answer.get("detail") for status, answer in answers if status == 409} == {"Group already exists"}
    found = [job for job in jobs.all_jobs(service.fleet).values() if job.name == "benchmark-client-8"]
    assert len(found) == 1
    service.wait_for(8, "ready")
    assert service.group(8, "DELETE")[0] == 200
    jobs.wait_for(service.fleet, found[0].job_id, "CANCELLED")


@pytest.mark.parametrize(
    "address",
    ["", "node1:9000", "ftp://a:1", "http://", "http://a:99999", "http://u:p@a:1", "http://a\r\nX: y", "x" * 5000],
)
def test_what_is_no_address_is_not_registered(service: Service, address: str) -> None:
    service.group(9, "POST", body={"num_clients": 1})
    status, answer = service.group(9, "POST", "/connect", {"client_address": address})
    assert (status, answer["detail"].partition(":")[0]) == (422, "client_address is no URL like http")
    service.group(9, "DELETE")


def test_a_client_that_died_is_reported_and_the_others_start(service: Service) -> None:
    job = service.group(10, "POST", body={"num_clients": 1})[1]["job_id"]
    service.wait_for(10, "ready")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        assert service.group(10, "POST", "/connect", {"client_address": dead})[0] == 201
        status, answer = service.group(10, "POST", "/run")
    assert status == 200
    codes = {one["client_process"] == dead: (one["status_code"], one.get("error")) for one in answer["results"]}
    assert codes == {False: (200, None), True: (None, "[Errno 111] Connection refused")}
    jobs.wait_for(service.fleet, int(job), "COMPLETED")
    status, answer = service.group(10, "POST", "/run")  # now both are gone
    assert (status, answer["status"]) == (502, "unreachable")
    service.group(10, "DELETE")


def test_a_group_without_clients_cannot_run(service: Service) -> None:
    hold = run(service, "sbatch --parsable --exclusive --nodes=2 --wrap 'sleep 100'").stdout.strip()
    service.group(11, "POST", body={"num_clients": 2})
    status, answer = service.group(11, "POST", "/run")
    assert (status, answer["detail"]) == (409, "no client of benchmark 11 has registered yet")
    found = service.group(11)[1]
    assert (found["status"], found["info"]["job_state"], found["info"]["registered"]) == ("waiting", "PENDING", 0)
    service.group(11, "DELETE")
    run(service, f"scancel {hold}")


@pytest.mark.parametrize(("number", "token"), [(signal.SIGTERM, SECRET), (signal.SIGKILL, "")])
def test_groups_outlive_their_service(service: Service, number: int, token: str) -> None:
    """The first that follows serves those alone who know its token: the client of the second has it from its job."""
    job = service.group(12, "POST", body={"num_clients": 2})[1]["job_id"]
    before = service.wait_for(12, "ready")
    service.end(number)
    service.start(token)
    assert service.group(12)[1] == before
    if token:
        for wrong in ("", "another"):
            assert service.ask("GET", "/api/v1/client-group/12", token=wrong)[0] == 401
            assert service.ask("DELETE", "/api/v1/client-group/12", token=wrong)[0] == 401
    assert service.group(12, "POST", "/run")[1]["status"] == "dispatched"
    jobs.wait_for(service.fleet, int(job), "COMPLETED")
    assert service.group(12, "DELETE")[0] == 200


def test_a_submission_that_was_cut_is_found_again_or_forgotten(service: Service) -> None:
    job = service.group(15, "POST", body={"num_clients": 1})[1]["job_id"]
    before = service.wait_for(15, "ready")
    service.end(signal.SIGKILL)
    folder = service.fleet.state / "client-groups"
    known = json.loads((folder / "15.json").read_text())
    (folder / "15.json").write_text(json.dumps({**known, "job_id": ""}))
    (folder / "16.json").write_text(json.dumps({**known, "benchmark_id": 16, "job_id": ""}))
    service.start()
    assert service.group(15)[1] == before
    assert service.group(16)[0] == 404
    assert service.group(15, "DELETE")[0] == 200
    jobs.wait_for(service.fleet, int(job), "CANCELLED")


def test_one_service_has_the_groups_and_one_has_the_port(service: Service) -> None:
    second = service.fleet.run("mini-slurm", "group-service", "--port", "0")
    assert (second.returncode, second.stdout) == (1, "")
    assert re.match(r"mini-slurm: error: another group service uses .*\nmini-slurm: hint: ", second.stderr)
    second = service.fleet.run("mini-slurm", "group-service", "--port", str(service.port))
    assert second.returncode == 1
    assert re.match(rf"mini-slurm: error: 127.0.0.1 port {service.port}: Address already in use\n", second.stderr)


def test_the_page_that_users_look_for_is_there(service: Service) -> None:
    assert run(service, "curl -f http://client-service:8001/docs").returncode == 0


def test_the_scripts_that_look_after_groups_run_as_they_stand(service: Service) -> None:
    for script in SCRIPTS.glob("*_jobs.sh"):
        shutil.copy(script, service.fleet.work)
    job = service.group(14, "POST", body={"num_clients": 1})[1]["job_id"]
    plain = run(service, "sbatch --parsable --job-name=benchmark-client --wrap 'sleep 100'").stdout.strip()
    service.wait_for(14, "ready")
    seen = run(service, "bash monitor_jobs.sh")
    # As Slurm has it, 15 characters of a name are shown, which grep does not find: then that the service did is seen.
    assert seen.stdout == "=== AI Factory Jobs Status ===\n\n=== Recent Job History ===\n"
    assert seen.stderr == ""
    cleaned = run(service, "bash cleanup_jobs.sh")
    assert cleaned.stdout == "Cancelling all benchmark-client jobs...\nCleaning up log files older than 7 days...\n"
    assert all(line.startswith("find: ") for line in cleaned.stderr.splitlines()), cleaned.stderr
    jobs.wait_for(service.fleet, int(plain), "CANCELLED")
    assert jobs.job(service.fleet, int(job)).state.name == "RUNNING"  # its name is another one
    assert service.group(14, "DELETE")[0] == 200
    assert os.listdir(service.fleet.state / "client-groups") == ["lock"]


def test_the_page_does_what_it_says(service: Service) -> None:
    service.end()
    fleet = service.fleet
    fleet.variables["CLIENT_SERVICE_PORT"] = str(sshd.free_port())
    try:
        assert examples.follow(fleet, "client_groups", fleet.work / "page") == 12
    finally:
        fleet.run("bash", "-c", "kill $(cat page/service.pid)")  # where the page did not come to its end
        del fleet.variables["CLIENT_SERVICE_PORT"]
        wait_until(lambda: "group-service" not in _commands(fleet), "the page's service to end", logs=fleet.logs)
        service.start()


def _commands(fleet: Machines) -> str:
    return " ".join(process.command for process in processes.mentioning(fleet.folder))
