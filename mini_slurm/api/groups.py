"""Groups of clients: a job with one client on each of its nodes, which register with a service (`group_service`)."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from mini_slurm.api.client import Client
from mini_slurm.errors import BadUsage
from mini_slurm.templating import render

JOB_NAME = "benchmark-client"  # with the benchmark's number behind it, a job's name
IMAGE = "client-service.sif"
COMMAND = (
    *("python", "/app/src/main.py", "--client-service-addr", "{client_service_addr}"),
    *("--ai-server-addr", "{ai_server_addr}", "--benchmark-id", "{benchmark_id}"),
)
LARGEST_ID = 2**63 - 1
# Names that configurations of clusters use, and the template's
NAMES = {"cpus_per_task": "cpus", "mem": "memory", "gpus_per_node": "gpus"}
OF_TEMPLATE = frozenset({"partition", "qos", "account", "constraint", "cpus", "memory", "gpus"})


class ClientDispatcher:
    """Starts groups of clients as jobs.

    client_service_addr, ai_server_addr: URLs that clients are given; by default from CLIENT_SERVICE_HOST and _PORT
    (this host, 8001), and AI_SERVER_HOST and _PORT (ai-server, 8000).
    launch_command: the client's command line, word by word; {client_service_addr}, {ai_server_addr}, {benchmark_id}
    and {num_clients} in a word are replaced. image: the Apptainer image it runs in, None: in none. If neither is given,
    the client of client-service.sif is run. binds: folders that the container sees.
    config: what the jobs ask for, over the defaults (4 CPUs, 8G, and SLURM_PARTITION, SLURM_QOS, SLURM_ACCOUNT):
    partition, qos, account, constraint, cpus_per_task, mem, gres, or any long option of sbatch.
    log_dir: for the jobs' output; default: CLIENT_LOG_DIR, or ~/logs.
    environment: where the variables are looked up, instead of the process's own.
    """

    def __init__(
        self,
        client_service_addr: str | None = None,
        ai_server_addr: str | None = None,
        *,
        launch_command: Sequence[str] = (),
        image: str | None = None,
        binds: Sequence[str] = (),
        config: Mapping[str, object] | None = None,
        log_dir: str | os.PathLike[str] | None = None,
        extra_environment: Mapping[str, str] | None = None,
        client: Client | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        found = os.environ if environment is None else environment
        self.client_service_addr = client_service_addr or _address(
            found, "CLIENT_SERVICE", socket.gethostname(), "8001"
        )
        self.ai_server_addr = ai_server_addr or _address(found, "AI_SERVER", "ai-server", "8000")
        self.launch_command = tuple(launch_command) or COMMAND
        self.image = image if launch_command else image or IMAGE
        self.binds = tuple(binds)
        self.config = {**_defaults(found), **(config or {})}
        self.log_dir = Path(log_dir or found.get("CLIENT_LOG_DIR") or Path.home() / "logs")
        self.extra_environment = dict(extra_environment or {})
        self.client = client or Client()

    def dispatch_clients(self, benchmark_id: int, num_clients: int, time_limit: int = 5) -> str:
        """Submit a group of `num_clients` nodes (sbatch); the job's number. time_limit: minutes.

        Raises BadUsage for numbers that are none, TemplateError for a wrong configuration, and as Client.submit does.
        """
        script = self.script(benchmark_id, num_clients, time_limit)
        self.log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.client.submit(script=script).id

    def script(self, benchmark_id: int, num_clients: int, time_limit: int = 5) -> str:
        """The batch script of a group; `mini-slurm template show clients` shows what it is made from.

        time_limit: minutes. Raises BadUsage, TemplateError.
        """
        _check("benchmark_id", benchmark_id, 0)
        _check("num_clients", num_clients, 1)
        _check("time_limit", time_limit, 1)
        log = str(self.log_dir / f"client_dispatcher_{benchmark_id}").replace("%", "%%")
        config = {NAMES.get(key, key): value for key, value in self.config.items() if value not in (None, "")}
        return render(
            "clients",
            {
                **{key: value for key, value in config.items() if key in OF_TEMPLATE},
                "options": [_option(key, value) for key, value in config.items() if key not in OF_TEMPLATE],
                "name": f"{JOB_NAME}-{benchmark_id}",
                "output": f"{log}.out",
                "error": f"{log}.err",
                "nodes": num_clients,
                "time": f"{time_limit}:00",
                "env": self._environment(benchmark_id),
                "command": [self._filled(word, benchmark_id, num_clients) for word in self.launch_command],
                "image": self.image,
                "binds": self.binds,
            },
        )

    def _environment(self, benchmark_id: int) -> dict[str, str]:
        addresses = {"CLIENT_SERVICE_ADDR": self.client_service_addr, "AI_SERVER_ADDR": self.ai_server_addr}
        return {**addresses, "BENCHMARK_ID": str(benchmark_id), **self.extra_environment}

    def _filled(self, word: str, benchmark_id: int, num_clients: int) -> str:
        word = word.replace("{client_service_addr}", self.client_service_addr)
        word = word.replace("{ai_server_addr}", self.ai_server_addr)
        return word.replace("{benchmark_id}", str(benchmark_id)).replace("{num_clients}", str(num_clients))


def _address(environment: Mapping[str, str], prefix: str, host: str, port: str) -> str:
    """A service's URL, from two variables."""
    host = environment.get(f"{prefix}_HOST") or host
    port = environment.get(f"{prefix}_PORT") or port
    if not (port.isdecimal() and port.isascii() and 0 < int(port) < 65536):
        raise BadUsage(f"{prefix}_PORT is no port: {port!r}", hint="write a number from 1 to 65535")
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _defaults(environment: Mapping[str, str]) -> dict[str, object]:
    variables = {key: environment.get(f"SLURM_{key.upper()}") for key in ("partition", "qos", "account")}
    return {"cpus_per_task": 4, "mem": "8G", **variables}


def _check(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST_ID:
        raise BadUsage(f"{name} must be a whole number from {least} on, not {value!r}")


def _option(key: str, value: object) -> str:
    """A long option of sbatch, from a keyword."""
    name = f"--{key.replace('_', '-')}"
    return name if value is True else f"{name}={value}"
