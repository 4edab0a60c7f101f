"""A service on the login node starts a group of clients as a job, and they register with it."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.mission.conftest import NODES, Lab
from tests.waiting import wait_until

SLURM_JOB_TEMPLATE = """#!/bin/bash
#SBATCH --job-name=benchmark-client-{benchmark_id}
#SBATCH --output={log_dir}/client_dispatcher_{benchmark_id}.out
#SBATCH --error={log_dir}/client_dispatcher_{benchmark_id}.err
#SBATCH --nodes={num_clients}
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time={time_limit}:00
#SBATCH --partition={partition}
{qos_line}
{account_line}

# Environment setup
export CLIENT_SERVICE_ADDR="{client_service_addr}"
export AI_SERVER_ADDR="{ai_server_addr}"
export BENCHMARK_ID="{benchmark_id}"

# Launch client process
{launch_command}
"""
LAUNCH = """srun apptainer exec client-service.sif \\
    python /app/src/main.py \\
    --client-service-addr {client_service_addr} \\
    --ai-server-addr {ai_server_addr} \\
    --benchmark-id {benchmark_id}"""
CLEANUP = 'scancel -u $USER --name="benchmark-client-7"'
MONITOR = """
squeue -u $USER --format="%.10i %.20j %.8T %.10M %.6D %R" | grep "benchmark-client"
sacct -u $USER --starttime=today --format="JobID,JobName%25,State,ExitCode,Start,End" | grep "benchmark-client"
"""


class Service:
    """The client service: who has registered, and whether they may go."""

    def __init__(self, address: str) -> None:
        self.clients: list[str] = []
        self.run = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.clients.append(body["host"])
                service.run.wait(120)
                self.send_response(201)
                self.end_headers()

            def log_message(self, *words: object) -> None:
                """Nobody reads it."""

        self.server = ThreadingHTTPServer((address, 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        """Where machines find it."""
        return f"login:{self.server.server_port}"


@pytest.fixture
def service(lab: Lab) -> Iterator[Service]:
    service = Service(f"{lab.fleet.bed.net}.254")
    yield service
    service.run.set()
    service.server.shutdown()
    service.server.server_close()


def dispatch(lab: Lab, service: Service, benchmark: int) -> int:
    """Submit a group of four clients from the template."""
    values = {
        "benchmark_id": benchmark,
        "log_dir": str(lab.folder / "logs"),
        "num_clients": 4,
        "time_limit": 10,
        "partition": "compute",
        "qos_line": "",
        "account_line": "",
        "client_service_addr": service.address,
        "ai_server_addr": "ai-server:8000",
    }
    (lab.folder / "logs").mkdir(exist_ok=True)
    (lab.folder / "client.sh").write_text(SLURM_JOB_TEMPLATE.format(**values, launch_command=LAUNCH.format(**values)))
    return lab.submit("client.sh")


def test_a_group_registers_runs_and_ends(lab: Lab, service: Service) -> None:
    number = dispatch(lab, service, 123)
    wait_until(lambda: len(service.clients) == 4, "the clients to register", seconds=60, logs=lab.fleet.logs)
    assert sorted(service.clients) == list(NODES)
    assert lab.run("squeue", "-j", str(number), "--format=%T").split() == ["STATE", "RUNNING"]
    seen = lab.run("bash", "-c", MONITOR)
    assert re.search(rf"^ +{number} +benchmark-client-123 +RUNNING .* node\[1-4\]$", seen, re.M)
    assert re.search(rf"^{number} +benchmark-client-123 +RUNNING +0:0 ", seen, re.M)
    service.run.set()
    lab.complete(number)
    assert (lab.folder / "logs" / "client_dispatcher_123.err").read_text() == ""


def test_a_group_is_cancelled_by_name(lab: Lab, service: Service) -> None:
    number = dispatch(lab, service, 7)
    wait_until(lambda: len(service.clients) == 4, "the clients to register", seconds=60, logs=lab.fleet.logs)
    lab.run("bash", "-c", CLEANUP)
    words = ("sacct", "-n", "-X", "-P", "-j", str(number), "--format=state")
    wait_until(lambda: "CANCELLED" in lab.run(*words), "the group's end", seconds=60, logs=lab.fleet.logs)
    wait_until(lambda: not _clients(lab), "the clients to be gone", logs=lab.fleet.logs)


def _clients(lab: Lab) -> list[str]:
    found = subprocess.run(["ps", "-eo", "args"], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    return [line for line in found if "--benchmark-id 7" in line and str(lab.fleet.folder) in line]
