"""`mini-slurm group-service`: groups of clients over HTTP."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mini_slurm.cli import common
from mini_slurm.config.paths import state_folder
from mini_slurm.errors import BadUsage, Refused

FOLDER = "client-groups"  # in the state folder
ANY = ("0.0.0.0", "::")  # addresses that are all of this host's
TOKEN = "CLIENT_SERVICE_TOKEN"


class Wanted(NamedTuple):
    """What the command line says of the service and its jobs."""

    host: str
    port: int
    image: str | None
    binds: Sequence[str]
    options: Sequence[str]
    log_dir: str | None
    command: Sequence[str]


def serve_groups(wanted: Wanted) -> None:
    """Serve until a signal comes. Raises Refused where the extra is not installed, StateError, BadUsage."""
    try:
        from mini_slurm.api.group_service import listen, serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("fastapi", "uvicorn", "pydantic", "starlette"):
            raise
        hint = "pip install 'mini-slurm[service]'"
        raise Refused(f"the group service needs {error.name}, which is not installed", hint=hint) from None
    from mini_slurm.api.group_book import GroupBook
    from mini_slurm.api.group_manager import GroupManager
    from mini_slurm.api.groups import ClientDispatcher

    config = dict(map(_setting, wanted.options))
    with listen(wanted.host, wanted.port) as server:
        token = os.environ.get(TOKEN, "")
        dispatcher = ClientDispatcher(
            _address(wanted.host, server),
            launch_command=wanted.command,
            image=wanted.image,
            binds=wanted.binds,
            config=config,
            log_dir=wanted.log_dir,
            extra_environment={TOKEN: token} if token else {},
        )
        manager = GroupManager(GroupBook(Path(state_folder()) / FOLDER), dispatcher)
        common.tell(f"Serving client groups at {dispatcher.client_service_addr}\n")
        _warn(wanted.host, token)
        serve(server, manager, token)


def _setting(text: str) -> tuple[str, str | bool]:
    name, equals, value = text.removeprefix("--").partition("=")
    if not name:
        raise BadUsage(f"--option {text}: write --option NAME=VALUE, with a long option of sbatch")
    return name.replace("-", "_"), value if equals else True


def _address(host: str, server: socket.socket) -> str:
    """Where clients find the service."""
    named = os.environ.get("CLIENT_SERVICE_HOST") or (socket.gethostname() if host in ANY else host)
    named = f"[{named}]" if ":" in named else named
    return f"http://{named}:{server.getsockname()[1]}"


def _warn(host: str, token: str) -> None:
    """What whoever started it may not have thought of."""
    if host in ("127.0.0.1", "::1", "localhost"):
        common.say("mini-slurm: hint: only clients on this machine reach it: --host 0.0.0.0 lets others in")
    elif not token:
        common.say(f"mini-slurm: warning: whoever reaches it can start and end groups: export {TOKEN}=SECRET first")
