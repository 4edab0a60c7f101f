"""Machines reached by SSH. The only module that imports asyncssh."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Sequence
from typing import Any

import asyncssh

from mini_slurm.agent.archive import COMMAND
from mini_slurm.errors import Unreachable
from mini_slurm.links import known_hosts, ssh_errors
from mini_slurm.links.base import READ_SIZE, Broken, Channel
from mini_slurm.links.chaff import send_no_chaff
from mini_slurm.links.handshake import greeted
from mini_slurm.links.known_hosts import HostKey
from mini_slurm.links.ssh_errors import Target
from mini_slurm.links.ssh_settings import PLAIN_KEY_ALGORITHMS, Step, given, jump_entry, key_files
from mini_slurm.model.fleet import MachineEntry

CONNECT_TIMEOUT = 20  # seconds for TCP, key exchange and login
CLOSE_TIMEOUT = 2  # seconds; a cut cable answers no goodbye
KEEPALIVE = 15  # seconds between questions whether the other side is there; $MINI_SLURM_SSH_KEEPALIVE
KEEPALIVE_COUNT = 3  # unanswered ones until the connection is given up
WINDOW = 2 * 1024 * 1024  # bytes under way on the channel
KEPT = 1024 * 1024  # bytes read ahead, and bytes written ahead
STDERR_KEPT = 4096  # bytes
# AES-GCM runs in hardware and in one library call a packet; asyncssh's own first choice, ChaCha20, takes four.
CIPHERS = "^aes128-gcm@openssh.com,aes256-gcm@openssh.com"

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
            raise ssh_errors.no_python(self._entry, code, complaint)
        return bytes(answer)

    async def close(self) -> None:
        """End the connection; the agent and its jobs go on."""
        route, self._route = self._route, []
        await _close_all(route)

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


async def _close_all(route: list[asyncssh.SSHClientConnection]) -> None:
    """End the machine's connection first, then those that it runs through."""
    for connection in reversed(route):
        connection.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await connection.wait_closed()
        except TimeoutError:
            connection.abort()


class SshChannel(asyncssh.SSHClientSession[bytes]):
    """A channel's bytes, with bounded memory on both ways."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._stderr = bytearray()
        self._exit_status: int | None = None
        self._paused = False
        self._changed = asyncio.Event()  # data came, or the end
        self._writable = asyncio.Event()
        self._writable.set()
        self._ended = False  # no data will come any more
        self._closed = asyncio.Event()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """asyncssh: the channel is there."""
        self._channel = chan
        chan.set_write_buffer_limits(KEPT)

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """asyncssh: bytes of standard output, or of standard error, of which the end is kept."""
        if datatype == asyncssh.EXTENDED_DATA_STDERR:
            self._stderr += data
            del self._stderr[:-STDERR_KEPT]
            return
        self._received += data
        self._changed.set()
        if len(self._received) > KEPT and not self._paused:
            self._paused = True
            self._channel.pause_reading()

    def eof_received(self) -> bool:
        """asyncssh: the far command closed its output."""
        self._end()
        return False

    def exit_status_received(self, status: int) -> None:
        """asyncssh: the far command has ended."""
        self._exit_status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        """asyncssh: the far command was killed."""
        self._stderr += f"killed by SIG{signal}".encode()

    def connection_lost(self, exc: Exception | None) -> None:
        """asyncssh: the channel is gone, in good order or not."""
        self._end()
        self._closed.set()
        self._writable.set()

    def pause_writing(self) -> None:
        """asyncssh: much is waiting to be sent."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """asyncssh: little is waiting."""
        self._writable.set()

    def _end(self) -> None:
        self._ended = True
        self._changed.set()

    async def read(self) -> bytes:
        """What has come; b"" at the end."""
        while not self._received and not self._ended:
            self._changed.clear()
            await self._changed.wait()
        with memoryview(self._received) as received:
            data = bytes(received[:READ_SIZE])
        del self._received[:READ_SIZE]
        if self._paused and len(self._received) <= KEPT // 2:
            self._paused = False
            self._channel.resume_reading()
        return data

    def unread(self, data: bytes) -> None:
        """Have the next read give this first."""
        self._received[:0] = data

    def write(self, data: bytes) -> None:
        """Send; nothing happens when the channel has ended."""
        if not self._channel.is_closing():
            self._channel.write(data)

    async def drain(self) -> None:
        """Wait until little is kept for sending."""
        await self._writable.wait()

    async def last_words(self) -> tuple[int | None, bytes]:
        """The far command's exit status, where known, and the last of its standard error."""
        await self._gone()
        return self._exit_status, bytes(self._stderr)

    async def close(self) -> None:
        """End the channel; the agent and its jobs go on."""
        self._channel.close()  # what was written is sent first
        if not await self._gone():
            self._channel.abort()

    async def _gone(self) -> bool:
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._closed.wait()
        except TimeoutError:
            return False
        return True


class Route:
    """The connections to a machine: through its jump hosts, each with its host key checked."""

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
            await _close_all(route)
            raise
        return route

    async def scan(self) -> HostKey:
        """The machine's host key, without login. Raises Unreachable."""
        route: list[asyncssh.SSHClientConnection] = []
        try:
            last = await self._approach(route)
            return await self._scan(last, route)
        finally:
            await _close_all(route)

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


class Guard(asyncssh.SSHClient):
    """Decides on one host's key, and remembers why it said no."""

    def __init__(self, step: Step, *, accept: bool = True) -> None:
        self._step = step
        self._name = step.host_name
        self._accept = accept
        self.shown: HostKey | None = None
        self.refusal: Unreachable | None = None

    def known(self) -> Sequence[Any]:
        """What the known_hosts files say of the host: keys, CA keys, revoked keys and more, as asyncssh orders them."""
        paths = self._step.files.user + self._step.files.other
        return _load(known_hosts.stamp(paths)).match(self._name, "", None)

    def trusted(self, host: str, addr: str, port: int | None) -> Sequence[Any]:
        """asyncssh: which keys the host may have. Its address does not count: addresses change hands."""
        self._name = known_hosts.host_name(host, port or 22, self._step.alias)  # asyncssh may have made it canonical
        return self.known() if self._accept else ([], [], [])

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """asyncssh: a key that is not among the trusted ones. It is never accepted here."""
        same_kind = [other for other in self.known()[0] if other.algorithm == key.algorithm]
        state = "known" if key in same_kind else "changed" if same_kind else "new"
        kind, content = key.export_public_key("openssh").decode().split()[:2]
        line = f"{self._name} {kind} {content}"
        self.shown = HostKey(state, kind, key.get_fingerprint(), line, self._step.files.user[0])
        self.refusal = ssh_errors.key_refused(self._step.target, self.shown)
        return False


@functools.lru_cache(maxsize=8)
def _load(stamps: tuple[tuple[str, int, int], ...]) -> asyncssh.SSHKnownHosts:
    """The known hosts of some files; a line that does not parse is passed over, as ssh does."""
    lines = []
    for path, _, _ in stamps:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines += [line for line in file if _parses(line)]
    return asyncssh.import_known_hosts("".join(f"{line}\n" for line in lines))


def _parses(line: str) -> bool:
    try:
        asyncssh.import_known_hosts(line)
    except ValueError:
        return False
    return True


async def scan_host_key(entry: MachineEntry, *, ssh_config: str | None = None) -> HostKey:
    """The key that the machine shows now, without login; links.known_hosts.remember keeps it. Raises Unreachable."""
    return await Route(entry, ssh_config).scan()
