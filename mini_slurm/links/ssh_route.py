"""The connections to a machine: through its jump hosts, each with its host key checked."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import asyncssh

from mini_slurm.links import known_hosts, ssh_errors
from mini_slurm.links.chaff import send_no_chaff
from mini_slurm.links.known_hosts import HostKey
from mini_slurm.links.ssh_channel import CLOSE_TIMEOUT
from mini_slurm.links.ssh_errors import Target
from mini_slurm.links.ssh_guard import Guard
from mini_slurm.links.ssh_settings import PLAIN_KEY_ALGORITHMS, Step, given, jump_entry, key_files
from mini_slurm.model.fleet import MachineEntry

CONNECT_TIMEOUT = 20  # seconds for TCP, key exchange and login
KEEPALIVE = 15  # seconds between questions whether the other side is there; $MINI_SLURM_SSH_KEEPALIVE
KEEPALIVE_COUNT = 3  # unanswered ones until the connection is given up
# AES-GCM runs in hardware and in one library call a packet; asyncssh's own first choice, ChaCha20, takes four.
CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"


class Route:
    """The way to one machine, through its jump hosts."""

    def __init__(self, entry: MachineEntry, ssh_config: str | None) -> None:
        self._entry = entry
        self._ssh_config = ssh_config
        self.target = Target(entry.name, entry.host, entry.port or 22, entry.user or "")

    async def connect(self) -> list[asyncssh.SSHClientConnection]:
        """Jump hosts first, the machine last. Raises Unreachable."""
        route: list[asyncssh.SSHClientConnection] = []
        try:
            last = await self._approach(route)
            route.append(await self._connect(last, route))
        except BaseException:
            await close_all(route)
            raise
        return route

    async def scan(self) -> HostKey:
        """The machine's host key, without login. Raises Unreachable."""
        route: list[asyncssh.SSHClientConnection] = []
        try:
            last = await self._approach(route)
            return await self._scan(last, route)
        finally:
            await close_all(route)

    async def _approach(self, route: list[asyncssh.SSHClientConnection]) -> Step:
        """Connect to the jump hosts; the last step is returned, and not made."""
        last = await self._resolve(self._entry, jump=False)
        self.target = last.target
        for step in await self._jumps(last):
            route.append(await self._connect(step, route))
        return last

    async def _jumps(self, step: Step) -> list[Step]:
        """The steps before this one. Of several jump hosts only the first may have some of its own: ssh's rule."""
        steps: list[Step] = []
        while step.jump:
            near = [await self._resolve(jump_entry(name), jump=True) for name in step.jump.split(",")]
            if near[0].host_name in {other.host_name for other in [step, *steps]}:
                break  # `Host *` with ProxyJump names the jump host for itself too; ssh ignores it there
            steps = near + steps
            step = near[0]
        return steps

    async def _resolve(self, entry: MachineEntry, *, jump: bool) -> Step:
        """What ssh_config adds to an entry. Raises Unreachable."""
        target = Target(self._entry.name, entry.host, entry.port or 22, entry.user or "", jump)
        try:
            options = await asyncssh.SSHClientConnectionOptions.construct(**given(entry, self._ssh_config))
        except (OSError, ValueError, KeyError, asyncssh.Error) as error:
            raise ssh_errors.unusable(error, target._replace(keys=key_files(entry, None))) from error
        said: Any = options.config.get
        target = Target(self._entry.name, options.host, options.port, options.username, jump)
        target = target._replace(keys=key_files(entry, said("IdentityFile")), agent=bool(options.agent_path))
        names = entry.jump_host if entry.jump_host is not None else str(said("ProxyJump") or "")
        return Step(
            target,
            entry,
            "" if names.lower() == "none" else names,
            options.host_key_alias,
            known_hosts.host_name(options.host, options.port, options.host_key_alias),
            known_hosts.files(said("UserKnownHostsFile"), said("GlobalKnownHostsFile")),
            bool(said("Ciphers")),
        )

    async def _connect(self, step: Step, route: list[asyncssh.SSHClientConnection]) -> asyncssh.SSHClientConnection:
        """One connection, through the last of the route. Raises Unreachable."""
        guard = Guard(step)
        try:
            return await self._dial(step, route, guard)
        except (asyncssh.Error, OSError, ValueError, TimeoutError) as error:
            through = str(route[-1].get_extra_info("host")) if route else ""
            raise guard.refusal or ssh_errors.explain(error, step.target._replace(through=through)) from error

    async def _scan(self, step: Step, route: list[asyncssh.SSHClientConnection]) -> HostKey:
        """The key that the host shows; logging in is never tried, as no key is accepted."""
        guard = Guard(step, accept=False)
        known = [algorithm.decode() for key in guard.known()[0] for algorithm in key.sig_algorithms]
        try:
            await self._dial(step, route, guard, server_host_key_algs=[*known, *PLAIN_KEY_ALGORITHMS])
        except (asyncssh.Error, OSError, ValueError, TimeoutError) as error:
            if guard.shown is None:
                raise ssh_errors.explain(error, step.target) from error
        assert guard.shown is not None  # without a host key there is no connection
        return guard.shown

    async def _dial(
        self, step: Step, route: list[asyncssh.SSHClientConnection], guard: Guard, **more: Any
    ) -> asyncssh.SSHClientConnection:
        keepalive = float(os.environ.get("MINI_SLURM_SSH_KEEPALIVE") or KEEPALIVE)
        async with asyncio.timeout(CONNECT_TIMEOUT):
            connection = await asyncssh.connect(
                **given(step.entry, self._ssh_config),
                **more,
                tunnel=route[-1] if route else None,
                client_factory=lambda: guard,
                known_hosts=guard.trusted,
                connect_timeout=None,
                keepalive_interval=keepalive,
                keepalive_count_max=KEEPALIVE_COUNT,
                compression_algs=["none"],
                encryption_algs=() if step.has_ciphers else CIPHERS,
                agent_forwarding=False,
                x11_forwarding=False,
                password_auth=False,
                kbdint_auth=False,
            )
        send_no_chaff(connection)
        return connection


async def scan_host_key(entry: MachineEntry, *, ssh_config: str | None = None) -> HostKey:
    """The key that the machine shows now, without login; links.known_hosts.remember keeps it. Raises Unreachable."""
    return await Route(entry, ssh_config).scan()


async def close_all(route: list[asyncssh.SSHClientConnection]) -> None:
    """End the machine's connection first, then those that it runs through."""
    for connection in reversed(route):
        connection.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await connection.wait_closed()
        except TimeoutError:
            connection.abort()
