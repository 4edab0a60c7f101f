"""Machines reached by SSH."""

from __future__ import annotations

import asyncio

import asyncssh

from mini_slurm.agent.archive import COMMAND
from mini_slurm.errors import Unreachable
from mini_slurm.links import ssh_errors
from mini_slurm.links.base import Broken, Channel
from mini_slurm.links.handshake import failed, greeted
from mini_slurm.links.ssh_channel import SshChannel
from mini_slurm.links.ssh_route import CONNECT_TIMEOUT, Route, close_all
from mini_slurm.model.fleet import MachineEntry

WINDOW = 2 * 1024 * 1024  # bytes under way on the channel

asyncssh.set_log_level("WARNING")  # it would log each connection and channel


class SshLink:
    """The way to one machine: one connection, made when it is needed, and one channel on it."""

    def __init__(self, entry: MachineEntry, *, ssh_config: str | None) -> None:
        self._entry = entry
        self._ssh_config = ssh_config
        self._route: list[asyncssh.SSHClientConnection] = []  # jump hosts first, the machine last
        self._connecting = asyncio.Lock()

    async def run(self, program: bytes) -> SshChannel:
        """Connect if need be, and have a Python there run this. Raises Unreachable."""
        channel = await self._session()
        channel.write(program)
        return channel

    async def open(self) -> Channel:
        """Connect if need be, start or reach the agent. Raises Unreachable."""
        return await greeted(await self._session(), self._entry.name)

    async def open_stager(self) -> Channel:
        """One more channel on the connection that stands; a fault leaves that alone. Raises Unreachable."""
        try:
            channel = await _start(self._route[-1])
        except (asyncssh.Error, OSError, TimeoutError, IndexError) as error:
            raise Unreachable(f"{self._entry.name}: no further channel: {error or type(error).__name__}") from error
        return await greeted(channel, self._entry.name, stager=True)

    async def talk(self, data: bytes) -> bytes:
        """Connect if need be, send it to a Python there; all that it answers. Raises Unreachable, Broken."""
        channel = await self.run(data)
        try:
            answer = bytearray()
            while block := await channel.read():
                answer += block
            code, complaint = await channel.last_words()
        finally:
            await channel.close()
        if code is None:
            raise Broken(f"{self._entry.name}: the connection to {self._entry.host} broke")
        if code != 0:
            raise failed(self._entry, bytes(answer), code, complaint)
        return bytes(answer)

    async def close(self) -> None:
        """End the connection; the agent and its jobs go on."""
        route, self._route = self._route, []
        await close_all(route)

    async def _session(self) -> SshChannel:
        """A channel with the bootstrap running; an old connection may be dead without our knowing it yet."""
        async with self._connecting:
            return await self._approached()

    async def _approached(self) -> SshChannel:
        if self._route:
            try:
                return await _start(self._route[-1])
            except (asyncssh.Error, OSError, TimeoutError):
                await self.close()
        route = Route(self._entry, self._ssh_config)
        self._route = await route.connect()
        try:
            return await _start(self._route[-1])
        except (asyncssh.Error, OSError, TimeoutError) as error:
            await self.close()
            raise ssh_errors.explain(error, route.target) from error


async def _start(connection: asyncssh.SSHClientConnection) -> SshChannel:
    session = SshChannel()
    async with asyncio.timeout(CONNECT_TIMEOUT):
        await connection.create_session(
            lambda: session, COMMAND, encoding=None, window=WINDOW, request_pty=False, env={}, send_env=[]
        )
    return session
