"""The way to a machine over SSH, with real sshds: what works, and one clear line for each thing that does not."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from mini_slurm.errors import Unreachable
from mini_slurm.links.known_hosts import remember
from mini_slurm.links.ssh import SshLink
from mini_slurm.links.ssh_route import scan_host_key
from mini_slurm.protocol.framing import Decoder, encode
from mini_slurm.protocol.messages import VERSION, Ping, Pong, Welcome
from tests.fleet import sshd
from tests.fleet.agents import MEGABYTES, echoed, greet, no_handshake
from tests.fleet.machines import Machines
from tests.waiting import wait_until

Make = Callable[..., Machines]


def with_link(fleet: Machines, use: Callable[[SshLink], Awaitable[Any]], name: str = "node1", **entry: Any) -> Any:
    """Run something with a link to a machine, and close the link."""

    async def scenario() -> Any:
        link = SshLink(fleet.entry(name, **entry), ssh_config=str(fleet.ssh_config))
        try:
            return await use(link)
        finally:
            await link.close()

    return asyncio.run(scenario())


def refusal(fleet: Machines, name: str = "node1", **entry: Any) -> Unreachable:
    """How opening a link fails."""

    async def use(link: SshLink) -> Unreachable:
        with pytest.raises(Unreachable) as caught:
            await link.open()
        return caught.value

    error: Unreachable = with_link(fleet, use, name, **entry)
    assert len(error.lines) == 1
    assert error.lines[0].startswith(f"{name}: ")
    return error


def test_the_agent_welcomes_us(machines: Make) -> None:
    fleet = machines("node1")

    async def use(link: SshLink) -> Welcome:
        return await greet(await link.open())

    welcome = with_link(fleet, use)
    assert welcome.version == VERSION
    assert welcome.cpus > 0
    assert welcome.hostname == socket.gethostname()
    assert fleet.machines["node1"].spool.is_dir()


def test_the_second_connection_finds_the_agent_there(machines: Make) -> None:
    fleet = machines("node1")

    async def use(link: SshLink) -> None:
        await greet(await link.open())

    with_link(fleet, use)
    before = {path.name: path.stat().st_mtime_ns for path in fleet.machines["node1"].spool.glob("agent-*")}
    with_link(fleet, use)
    after = {path.name: path.stat().st_mtime_ns for path in fleet.machines["node1"].spool.glob("agent-*")}
    assert before == after != {}


def test_a_noisy_login_shell_does_no_harm(machines: Make) -> None:
    fleet = machines("node1")
    noise = """echo 'Welcome {"status": 1}'; echo '{"status": "maybe"}'; printf 'no line end'; echo oops >&2\n"""
    (fleet.machines["node1"].home / ".bashrc").write_text(noise)

    async def use(link: SshLink) -> Welcome:
        return await greet(await link.open())

    assert with_link(fleet, use).version == VERSION


def test_a_login_shell_that_never_stops_printing_is_given_up(machines: Make) -> None:
    fleet = machines("node1")
    (fleet.machines["node1"].home / ".bashrc").write_text("head -c 1000000 /dev/zero | tr '\\0' x\n")
    assert "login shell prints more than" in refusal(fleet).lines[0]


def test_an_unknown_host_key_is_refused_and_the_way_out_is_named(machines: Make) -> None:
    fleet = machines(node1={"trust": False})
    error = refusal(fleet)
    assert "is not known yet (ssh-ed25519 SHA256:" in error.lines[0]
    assert error.hint == "mini-slurm add node1"
    assert not error.again


def test_a_changed_host_key_is_refused_loudly(machines: Make) -> None:
    fleet = machines("node1")
    fleet.machines["node1"].new_host_key()
    fleet.machines["node1"].restart()
    error = refusal(fleet)
    assert "HAS CHANGED" in error.lines[0]
    assert str(fleet.known_hosts) in error.hint
    assert not error.again


def test_host_keys_are_checked_even_where_ssh_config_says_otherwise(machines: Make) -> None:
    fleet = machines(node1={"trust": False})
    config = fleet.ssh_config.read_text()
    for nothing in ("none", "/dev/null"):
        fleet.ssh_config.write_text("StrictHostKeyChecking no\n" + config.replace(str(fleet.known_hosts), nothing))
        assert "is not known yet" in refusal(fleet).lines[0]


def test_a_revoked_host_key_is_refused(machines: Make) -> None:
    fleet = machines("node1")
    line = fleet.machines["node1"].known_hosts_line
    fleet.known_hosts.write_text(f"{line}@revoked {line}")
    assert "revoked" in refusal(fleet).lines[0]


def test_a_broken_line_in_known_hosts_spoils_nothing(machines: Make) -> None:
    fleet = machines("node1")
    fleet.known_hosts.write_text("what is this\n|1|broken\n" + fleet.known_hosts.read_text())

    async def use(link: SshLink) -> Welcome:
        return await greet(await link.open())

    assert with_link(fleet, use).version == VERSION


def test_a_host_certificate_is_trusted_through_its_authority(machines: Make) -> None:
    fleet = machines(node1={"trust": False})
    node1, authority = fleet.machines["node1"], sshd.make_key(fleet.home / "authority")
    words = ("ssh-keygen", "-q", "-s", str(authority), "-I", "node1", "-h", "-n", sshd.ADDRESS, f"{node1.host_key}.pub")
    fleet.run(*words, check=True)
    node1.restart(HostCertificate=f"{node1.host_key}-cert.pub")
    fleet.known_hosts.write_text(f"@cert-authority * {authority.with_suffix('.pub').read_text()}")

    async def use(link: SshLink) -> Welcome:
        return await greet(await link.open())

    assert with_link(fleet, use).version == VERSION


def test_a_host_key_alias_is_what_the_key_is_known_by(machines: Make) -> None:
    fleet = machines(node1={"trust": False})
    line = fleet.machines["node1"].known_hosts_line
    fleet.known_hosts.write_text(f"lab {line.split(maxsplit=1)[1]}")
    fleet.ssh_config.write_text("Host node1\n  HostKeyAlias lab\n" + fleet.ssh_config.read_text())

    async def use(link: SshLink) -> Welcome:
        return await greet(await link.open())

    assert with_link(fleet, use).version == VERSION


def test_a_key_that_is_known_for_another_port_does_not_count(machines: Make) -> None:
    fleet = machines(node1={"trust": False})
    line = fleet.machines["node1"].known_hosts_line
    fleet.known_hosts.write_text(f"{sshd.ADDRESS} {line.split(maxsplit=1)[1]}")
    assert "is not known yet" in refusal(fleet).lines[0]


def test_a_refused_login_says_who_and_with_which_keys(machines: Make) -> None:
    fleet = machines("node1")
    (fleet.machines["node1"].folder / "authorized_keys").write_text("")
    error = refusal(fleet, user="somebody")
    assert f"login as somebody refused by {sshd.ADDRESS} port" in error.lines[0]
    assert str(fleet.key) in error.lines[0]
    assert error.hint == f"ssh-copy-id -i {fleet.key} -p {fleet.machines['node1'].port} somebody@{sshd.ADDRESS}"
    assert not error.again


@pytest.mark.parametrize("kind", ["OpenSSH", "PEM"])
def test_a_key_with_a_passphrase_is_left_to_ssh_agent(machines: Make, kind: str) -> None:
    fleet = machines("node1")
    shape = ["-m", "PEM"] if kind == "PEM" else ["-a", "1"]
    fleet.run("ssh-keygen", "-q", "-t", "ecdsa", "-N", "secret", *shape, "-f", str(fleet.home / "locked"), check=True)
    error = refusal(fleet, identity_file=str(fleet.home / "locked"))
    assert "locked, which has a passphrase" in error.lines[0]
    assert f"ssh-add {fleet.home / 'locked'}" in error.hint


def test_a_key_in_ssh_agent_is_enough(machines: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = machines("node1")
    address = str(fleet.home / "agent")  # a socket's path is short
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", address], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: os.path.exists(address), "ssh-agent")
        monkeypatch.setenv("SSH_AUTH_SOCK", address)
        fleet.run("ssh-add", "-q", str(fleet.key), env={**fleet.environment, "SSH_AUTH_SOCK": address}, check=True)
        lines = fleet.ssh_config.read_text().splitlines(keepends=True)
        fleet.ssh_config.write_text("".join(line for line in lines if "Identit" not in line))
        fleet.key.unlink()

        async def use(link: SshLink) -> Welcome:
            return await greet(await link.open())

        assert with_link(fleet, use).version == VERSION
    finally:
        agent.terminate()
        agent.wait()


def test_a_missing_identity_file_is_named(machines: Make, tmp_path: Path) -> None:
    error = refusal(machines("node1"), identity_file=str(tmp_path / "no_key"))
    assert str(tmp_path / "no_key") in error.lines[0]
    assert not error.again


def test_a_port_where_nobody_listens_is_refused_and_may_be_tried_again(machines: Make) -> None:
    error = refusal(machines("node1"), port=sshd.free_port())
    assert "connection refused" in error.lines[0]
    assert error.again


def test_an_unknown_host_name_is_named(machines: Make) -> None:
    fleet = machines("node1")
    error = refusal(fleet, "nowhere.invalid")
    assert "no address is known for the host name 'nowhere.invalid'" in error.lines[0]


def test_a_host_name_that_cannot_be_one_is_no_traceback(machines: Make) -> None:
    fleet = machines("node1")
    name = "a" * 70 + ".invalid"
    assert not refusal(fleet, name).again


def test_an_ssh_config_that_does_not_parse_is_named(machines: Make) -> None:
    fleet = machines("node1")
    fleet.ssh_config.write_text("Host node1\n  Port many\n")
    error = refusal(fleet)
    assert "many" in error.lines[0] or "Port" in error.lines[0]
    assert not error.again


def test_a_machine_without_python_is_told_what_it_lacks(machines: Make) -> None:
    fleet = machines("node1")
    node1 = fleet.machines["node1"]
    node1.environment["PATH"] = str(node1.bin)
    node1.restart()
    error = refusal(fleet)
    assert "no python3" in error.lines[0]
    assert "Python 3.8" in error.hint
    assert not error.again


def test_a_machine_whose_python_is_too_old_is_told_which_is_needed(machines: Make) -> None:
    fleet = machines("node1")
    old = fleet.machines["node1"].bin / "python3"
    old.write_text(f"#!{sys.executable}\nimport sys\nsys.version_info = (3, 6, 9)\nexec(sys.argv[-1])\n")
    old.chmod(0o755)
    error = refusal(fleet)
    assert "Python 3.6.9" in error.lines[0]
    assert "3.8 or newer" in error.lines[0]
    assert not error.again


def test_an_account_that_may_not_log_in_shows_the_machines_own_words(machines: Make) -> None:
    fleet = machines("node1")
    fleet.machines["node1"].restart(ForceCommand="echo This account is closed.; exit 1")
    error = refusal(fleet)
    assert "exit status 1" in error.lines[0]
    assert "This account is closed." in error.lines[0]


def test_what_a_machine_prints_cannot_move_the_cursor(machines: Make) -> None:
    fleet = machines("node1")
    fleet.machines["node1"].restart(ForceCommand="printf '\\033[2Jgone' >&2; exit 3")
    assert refusal(fleet).lines[0].isprintable()


def test_a_server_that_hangs_up_is_tried_again(machines: Make) -> None:
    fleet = machines("node1")

    async def use(link: SshLink) -> Unreachable:
        server = await asyncio.start_server(lambda reader, writer: writer.close(), sshd.ADDRESS, port)
        async with server:
            with pytest.raises(Unreachable) as caught:
                await link.open()
        return caught.value

    port = sshd.free_port()
    error = with_link(fleet, use, port=port)
    assert error.again
    assert "closed the connection" in error.lines[0]


def test_a_server_without_sessions_is_tried_again(machines: Make) -> None:
    fleet = machines("node1")
    fleet.machines["node1"].restart(MaxSessions="0")
    error = refusal(fleet)
    assert error.again
    assert "MaxSessions" in error.hint


def test_a_killed_session_ends_the_channel_and_opening_again_works(machines: Make) -> None:
    fleet = machines("node1")

    async def use(link: SshLink) -> tuple[bytes, Welcome]:
        channel = await link.open()
        await greet(channel)
        fleet.machines["node1"].kill_sessions()
        async with asyncio.timeout(10):
            while data := await channel.read():
                pass
        channel.write(b"into the void")
        await channel.drain()
        await channel.close()
        return data, await greet(await link.open())

    end, welcome = with_link(fleet, use)
    assert end == b""
    assert welcome.version == VERSION


def test_one_connection_serves_a_channel_after_the_other(machines: Make) -> None:
    fleet = machines("node1")
    node1 = fleet.machines["node1"]

    async def use(link: SshLink) -> None:
        for _ in range(12):  # sshd's MaxSessions is 10
            channel = await link.open()
            await greet(channel)
            await channel.close()

    with_link(fleet, use)
    assert node1.log.read_text().count("Accepted publickey") == 1


def test_a_closed_link_leaves_no_session_and_the_agent_alive(machines: Make) -> None:
    fleet = machines("node1")

    async def use(link: SshLink) -> None:
        await greet(await link.open())

    with_link(fleet, use)
    wait_until(lambda: not fleet.machines["node1"].sessions(), "the session to end")
    assert not fleet.strays()

    async def again(link: SshLink) -> Welcome:
        return await greet(await link.open())

    assert with_link(fleet, again).version == VERSION


def test_known_hosts_and_jump_hosts_are_those_of_the_users_own_ssh_config(
    machines: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = machines("bastion", "node1")
    elsewhere = fleet.known_hosts.rename(fleet.folder / "known")
    config = fleet.ssh_config.read_text().replace(str(fleet.known_hosts), str(elsewhere))
    fleet.ssh_config.write_text("Host node1\n  ProxyJump bastion\n" + config)
    monkeypatch.setenv("HOME", str(fleet.home))

    async def scenario() -> Welcome:
        link = SshLink(fleet.entry("node1"), ssh_config=None)
        try:
            return await greet(await link.open())
        finally:
            await link.close()

    assert asyncio.run(scenario()).version == VERSION
    assert "Accepted publickey" in fleet.machines["bastion"].log.read_text()


def test_a_jump_host_of_ssh_config_is_used(machines: Make) -> None:
    fleet = machines("bastion", "node1")
    fleet.ssh_config.write_text("Host node1\n  ProxyJump bastion\n" + fleet.ssh_config.read_text())

    async def use(link: SshLink) -> Welcome:
        return await greet(await link.open())

    assert with_link(fleet, use).version == VERSION
    fleet.machines["bastion"].kill()
    error = refusal(fleet)
    assert error.lines[0].startswith(f"node1: jump host {sshd.ADDRESS}: connection refused")


def test_a_jump_host_of_the_fleet_file_is_used(machines: Make) -> None:
    fleet = machines("bastion", "node1")

    async def use(link: SshLink) -> Welcome:
        return await greet(await link.open())

    assert with_link(fleet, use, jump_host="bastion").version == VERSION
    fleet.machines["node1"].kill()
    assert f"cannot be reached from the jump host {sshd.ADDRESS}" in refusal(fleet, jump_host="bastion").lines[0]


def test_the_host_key_of_a_jump_host_is_checked_too(machines: Make) -> None:
    fleet = machines(bastion={"trust": False}, node1={})
    assert "jump host" in refusal(fleet, jump_host="bastion").lines[0]


def test_a_jump_host_that_names_itself_is_no_endless_loop(machines: Make) -> None:
    fleet = machines("bastion", "node1")
    fleet.ssh_config.write_text(fleet.ssh_config.read_text() + "  ProxyJump bastion\n")

    async def use(link: SshLink) -> Welcome:
        return await greet(await link.open())

    assert with_link(fleet, use).version == VERSION


def test_a_scanned_key_can_be_remembered(machines: Make) -> None:
    fleet = machines(node1={"trust": False})

    async def scan() -> Any:
        return await scan_host_key(fleet.entry("node1"), ssh_config=str(fleet.ssh_config))

    key = asyncio.run(scan())
    assert (key.state, key.kind) == ("new", "ssh-ed25519")
    assert key.line + "\n" == fleet.machines["node1"].known_hosts_line
    remember(key)
    assert fleet.known_hosts.stat().st_mode & 0o777 == 0o600
    assert asyncio.run(scan()).state == "known"

    async def use(link: SshLink) -> Welcome:
        return await greet(await link.open())

    assert with_link(fleet, use).version == VERSION


def test_a_scan_tells_a_changed_key(machines: Make) -> None:
    fleet = machines("node1")
    fleet.machines["node1"].new_host_key()
    fleet.machines["node1"].restart()
    key = asyncio.run(scan_host_key(fleet.entry("node1"), ssh_config=str(fleet.ssh_config)))
    assert key.state == "changed"


def test_a_scan_shows_what_ssh_keygen_shows(machines: Make) -> None:
    fleet = machines(node1={"trust": False})
    key = asyncio.run(scan_host_key(fleet.entry("node1"), ssh_config=str(fleet.ssh_config)))
    shown = fleet.run("ssh-keygen", "-l", "-f", str(fleet.machines["node1"].host_key)).stdout
    assert key.fingerprint in shown.split()


def test_a_silent_machine_is_noticed(machines: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINI_SLURM_SSH_KEEPALIVE", "0.2")
    fleet = machines("node1")
    node1 = fleet.machines["node1"]

    async def use(link: SshLink) -> bytes:
        channel = await link.open()
        await greet(channel)
        with node1.frozen():
            async with asyncio.timeout(10):
                while data := await channel.read():
                    pass
        return data

    assert with_link(fleet, use) == b""


def test_many_messages_are_answered_in_order_while_more_are_sent(machines: Make) -> None:
    fleet = machines("node1")
    count = 4000

    async def use(link: SshLink) -> list[int]:
        channel = await link.open()
        await greet(channel)
        numbers: list[int] = []

        async def listen() -> None:
            decoder = Decoder()
            while len(numbers) < count:
                numbers.extend(m.number for m in decoder.feed(await channel.read()) if isinstance(m, Pong))

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            group.create_task(listen())
            for number in range(count):
                channel.write(encode(Ping(number)))
                await channel.drain()
        return numbers

    assert with_link(fleet, use) == list(range(count))


def test_megabytes_arrive_whole_in_both_directions(machines: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet = machines("node1")
    monkeypatch.setattr("mini_slurm.links.ssh.COMMAND", "cat")
    monkeypatch.setattr("mini_slurm.links.handshake.shake_hands", no_handshake)

    async def use(link: SshLink) -> tuple[int, str, str]:
        return await echoed(await link.open())

    size, sent, received = with_link(fleet, use)
    assert size == MEGABYTES << 20
    assert sent == received
