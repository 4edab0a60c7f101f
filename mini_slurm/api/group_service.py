"""The group service: groups of clients over HTTP, for `mini-slurm group-service`. Needs mini-slurm[service].

FastAPI rather than Starlette alone: it checks bodies and paths, answers faults as {"detail": ...}, and serves /docs,
by which users look whether the service is there.
"""

from __future__ import annotations

import hmac
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from mini_slurm import __version__
from mini_slurm.api.group_book import UnknownGroup
from mini_slurm.api.group_manager import GroupManager
from mini_slurm.api.groups import LARGEST_ID
from mini_slurm.errors import BadUsage, MiniSlurmError, Refused, StateError, Unreachable

LARGEST_BODY = 64 * 1024  # bytes of a request
MOST_MINUTES = 60 * 24 * 365
GROUP = "/api/v1/client-group/{benchmark_id}"
STATUS = ((UnknownGroup, 404), (Refused, 409), (BadUsage, 422), (StateError, 503), (Unreachable, 503))
OPEN = ("/docs", "/openapi.json")  # what needs no token

Number = Annotated[int, Path(ge=0, le=LARGEST_ID)]


class NewGroup(BaseModel):
    """What a group is created with; time_limit: minutes."""

    num_clients: Annotated[int, Field(ge=1, le=65533, strict=True)]
    time_limit: Annotated[int, Field(ge=1, le=MOST_MINUTES, strict=True)] = 5


class NewClient(BaseModel):
    """What a client registers with: its URL."""

    client_address: str


class Line(JSONResponse):
    """JSON with a line's end, as it is read on terminals."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return bytes(super().render(content)) + b"\n"


def make_app(manager: GroupManager, token: str = "") -> FastAPI:
    """The application. token: what `Authorization: Bearer` must give; "": nothing is asked for."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        manager.close()

    app = FastAPI(title="Client groups", version=__version__, lifespan=lifespan, default_response_class=Line)
    _add_groups(app, manager)
    _add_guards(app, token)
    return app


def _add_groups(app: FastAPI, manager: GroupManager) -> None:
    @app.post(GROUP, status_code=201)
    def create(benchmark_id: Number, body: NewGroup) -> dict[str, Any]:
        """Submit a group's job."""
        group = manager.create(benchmark_id, body.num_clients, body.time_limit)
        made = {"status": "created", "benchmark_id": benchmark_id, "num_clients": body.num_clients}
        return {**made, "job_id": group.job_id}

    @app.post(f"{GROUP}/connect", status_code=201)
    def connect(benchmark_id: Number, body: NewClient) -> dict[str, Any]:
        """Register a client."""
        manager.connect(benchmark_id, body.client_address)
        return {"status": "registered", "benchmark_id": benchmark_id, "client_address": body.client_address}

    @app.post(f"{GROUP}/run")
    def run(benchmark_id: Number) -> Line:
        """Tell each client to start; 502 when none of them could be told."""
        results = manager.run(benchmark_id)
        reached = any(result["status_code"] is not None for result in results)
        status = "dispatched" if reached else "unreachable"
        return Line({"status": status, "benchmark_id": benchmark_id, "results": results}, 200 if reached else 502)

    @app.get(GROUP)
    def status(benchmark_id: Number) -> dict[str, Any]:
        """A group and its job."""
        return manager.describe(benchmark_id)

    @app.get("/api/v1/client-groups")
    def groups() -> list[int]:
        """The numbers of all groups."""
        return manager.numbers()

    @app.delete(GROUP)
    def delete(benchmark_id: Number) -> dict[str, Any]:
        """Cancel a group's job and forget it."""
        manager.delete(benchmark_id)
        return {"status": "deleted", "benchmark_id": benchmark_id}


def _add_guards(app: FastAPI, token: str) -> None:
    @app.exception_handler(MiniSlurmError)
    def explain(request: Request, error: MiniSlurmError) -> Line:
        code = next((code for kind, code in STATUS if isinstance(error, kind)), 400)
        return Line({"detail": str(error), **({"hint": error.hint} if error.hint else {})}, code)

    @app.middleware("http")
    async def guard(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token and request.url.path not in OPEN and not hmac.compare_digest(given.encode(), token.encode()):
            return Line({"detail": "give the service's token as Authorization: Bearer TOKEN"}, 401)
        if request.method == "POST" and not _has_small_body(request):
            return Line({"detail": f"a body has at most {LARGEST_BODY} bytes, and says how many"}, 413)
        return await proceed(request)


def _has_small_body(request: Request) -> bool:
    length = request.headers.get("content-length", "0")
    return "transfer-encoding" not in request.headers and length.isdecimal() and int(length) <= LARGEST_BODY


def listen(host: str, port: int) -> socket.socket:
    """A socket there. Raises StateError when it cannot be had."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except socket.gaierror as error:
        hint = "give --host an address of this host"
        raise StateError(f"{host} is no address: {error.strerror}", hint=hint) from error
    except OSError as error:
        hint = "choose another --port, or end what listens there"
        raise StateError(f"{host} port {port}: {os.strerror(error.errno or 0)}", hint=hint) from error


def serve(server: socket.socket, manager: GroupManager, token: str = "") -> None:
    """Answer on a socket until SIGINT or SIGTERM comes."""
    config = uvicorn.Config(make_app(manager, token), log_level="warning", access_log=False, server_header=False)
    uvicorn.Server(config).run(sockets=[server])
