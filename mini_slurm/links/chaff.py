"""The empty packet that asyncssh puts before every other one, left out where the cipher does not need it."""

from __future__ import annotations

from typing import Any

IGNORE = 2  # number of an SSH packet that means nothing
AUTHENTICATED = ("-gcm@openssh.com", "-poly1305@openssh.com")  # ciphers whose packets do not depend on each other


def send_no_chaff(connection: Any) -> None:
    """Have a connection of asyncssh's send none of these packets, if its cipher allows that.

    They protect the old ciphers, whose blocks are chained from packet to packet (RFC 4251, 9.3.1). On a busy connection
    they are half of all packets, each of which costs both sides a system call.
    """
    if not str(connection.get_extra_info("send_cipher")).endswith(AUTHENTICATED):
        return
    send = connection.send_packet

    def send_packet(kind: int, *words: bytes, **more: Any) -> None:
        if kind != IGNORE:
            send(kind, *words, **more)

    connection.send_packet = send_packet
