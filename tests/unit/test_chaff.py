"""links/chaff.py: which packets of a connection are left out."""

import pytest

from mini_slurm.links.chaff import IGNORE, send_no_chaff

DATA = 94


class Connection:
    """Sends as asyncssh's does: an empty packet before every other one."""

    def __init__(self, cipher: str) -> None:
        self.cipher = cipher
        self.sent: list[int] = []

    def get_extra_info(self, name: str) -> str:
        return {"send_cipher": self.cipher}[name]

    def send_packet(self, kind: int, *words: bytes, handler: object = None) -> None:
        if kind != IGNORE:
            self.send_packet(IGNORE, b"")
        self.sent.append(kind)


@pytest.mark.parametrize(
    ("cipher", "sent"),
    [
        ("aes128-gcm@openssh.com", [DATA]),
        ("chacha20-poly1305@openssh.com", [DATA]),
        ("aes128-ctr", [IGNORE, DATA]),
        ("aes256-cbc", [IGNORE, DATA]),
    ],
)
def test_empty_packets_are_sent_where_the_cipher_needs_them(cipher: str, sent: list[int]) -> None:
    connection = Connection(cipher)
    send_no_chaff(connection)
    connection.send_packet(DATA, b"words", handler=None)
    assert connection.sent == sent
