"""Notebook servers as jobs, spawned by a real jupyterhub; prints what was computed there, and what the hub saw."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import re
import secrets
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

PATIENCE = 90.0  # seconds
LONG_PATIENCE = 120.0  # seconds: more than the hub has with a server that starts
TOKEN = secrets.token_hex(16)
HEADERS = {"Authorization": f"token {TOKEN}"}
USER = getpass.getuser()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """The condition's first true value."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, Path("hub.log").read_text()[-4000:]
        time.sleep(0.3)
    return value


class Hub:
    """jupyterhub, and its interface for programs."""

    def __init__(self) -> None:
        port = free_port()
        self.api = f"http://127.0.0.1:{port}/hub/api"
        environment = {**os.environ, "HUB_PORT": str(port), "HUB_TOKEN": TOKEN}
        words = ["jupyterhub", "--config", str(Path(__file__).parent / "hub.py")]
        with open("hub.log", "w") as log:
            self._process = subprocess.Popen(words, env=environment, stdout=log, stderr=subprocess.STDOUT)
        wait(self._answers)

    def _answers(self) -> bool:
        assert self._process.poll() is None, Path("hub.log").read_text()
        try:
            return requests.get(f"{self.api}/", timeout=5).ok
        except requests.ConnectionError:
            return False

    def ask(self, method: str, path: str) -> requests.Response:
        return requests.request(method, f"{self.api}{path}", headers=HEADERS, timeout=PATIENCE)

    def server(self) -> dict[str, Any]:
        """The user's server, empty when there is none."""
        found: dict[str, Any] = self.ask("GET", f"/users/{USER}").json()["servers"].get("", {})
        return found

    def ready(self) -> bool:
        """Does the user's server answer? Fails when it could not be started."""
        assert "Unhandled error starting" not in Path("hub.log").read_text(), Path("hub.log").read_text()[-4000:]
        return bool(self.server().get("ready"))

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)


def squeue() -> list[str]:
    words = ["squeue", "-h", "--me", "-n", "spawner-jupyterhub", "-o", "%i %T %B"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()


async def compute(url: str, code: str) -> str:
    """What a kernel of the server prints."""
    kernel = requests.post(f"{url}/api/kernels", headers=HEADERS, timeout=60).json()["id"]
    address = f"{url.replace('http', 'ws', 1)}/api/kernels/{kernel}/channels"
    connection = await websocket_connect(HTTPRequest(address, headers=HEADERS))
    header = {"msg_id": "1", "msg_type": "execute_request", "username": USER, "session": "s", "version": "5.3"}
    content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await connection.write_message(json.dumps(message))
    while True:
        said = json.loads(await asyncio.wait_for(connection.read_message(), 60))
        if said["msg_type"] == "stream" and said["parent_header"].get("msg_id") == "1":
            connection.close()
            return str(said["content"]["text"]).strip()


def timed_out(hub: Hub) -> str:
    """The state of a server's job that has reached Slurm's shortest limit, once the hub has found it gone."""
    hub.ask("POST", f"/users/{USER}/server")
    wait(hub.ready)
    number = squeue()[0]
    subprocess.run(["scontrol", "update", f"JobId={number}", "TimeLimit=1"], check=True)
    wait(lambda: not hub.server())
    words = ["sacct", "-nXP", "-o", "State", "-j", number]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def failed(hub: Hub) -> bool:
    """Is a server given up whose job fails at once? After the hub's patience, where it has still seen the job run."""
    Path("broken").touch()
    hub.ask("POST", f"/users/{USER}/server")
    wait(lambda: re.search("batch job has disappeared|failed to start in", Path("hub.log").read_text()), LONG_PATIENCE)
    wait(lambda: not hub.server())
    return not squeue()


def main() -> None:
    hub = Hub()
    try:
        hub.ask("POST", f"/users/{USER}")
        hub.ask("POST", f"/users/{USER}/server")
        wait(hub.ready)
        number, state, host = squeue()
        record = subprocess.run(["scontrol", "show", "job", number], check=True, capture_output=True, text=True).stdout
        log = Path(f"jupyterhub_slurmspawner_{number}.log")
        address = wait(lambda: [word for word in log.read_text().split() if word.startswith("http://")])[0]
        url = f"http://{host}:{address.split(':')[2].split('/')[0]}/user/{USER}"
        code = "import os; print(6 * 7, os.environ['SLURM_JOB_ID'], os.environ['SLURM_STEP_ID'])"
        value = asyncio.run(compute(url, code))
        hub.ask("DELETE", f"/users/{USER}/server")
        wait(lambda: not squeue())
        stopped = hub.server()
        hub.ask("POST", f"/users/{USER}/server")
        wait(hub.ready)
        subprocess.run(["scancel", squeue()[0]], check=True)
        wait(lambda: not hub.server())  # the hub looks, and finds that the job is gone
        print(json.dumps({
            "value": value == f"42 {number} 0", "state": state, "host": host, "stopped": stopped,
            "limit": "TimeLimit=00:10:00" in record, "timed_out": timed_out(hub), "failed": failed(hub),
        }))  # fmt: skip
    finally:
        hub.close()


if __name__ == "__main__":
    main()
