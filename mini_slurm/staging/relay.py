"""What rsync is told to reach a machine with, in place of ssh: its words and its bytes go to whoever started it.

Run as `python -I -S relay.py DESCRIPTOR HOST WORD...`; DESCRIPTOR is a socket that rsync has inherited. First come
the words, each with a zero byte behind it, after a line that says how many bytes they are.
"""

import os
import socket
import sys
import threading

BLOCK = 1 << 18  # bytes


def main(descriptor: str, host: str, *words: str) -> None:
    """Pass on what rsync says, and what it is told, to the end of the latter."""
    channel = socket.socket(fileno=int(descriptor))
    said = b"".join(os.fsencode(word) + b"\0" for word in words)
    channel.sendall(b"%d\n" % len(said) + said)
    threading.Thread(target=_pass_up, args=(channel,), daemon=True).start()
    while True:
        data = memoryview(channel.recv(BLOCK))
        if not data:
            return
        while data:
            data = data[os.write(1, data) :]


def _pass_up(channel: socket.socket) -> None:
    while True:
        data = os.read(0, BLOCK)
        if not data:
            channel.shutdown(socket.SHUT_WR)
            return
        channel.sendall(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
