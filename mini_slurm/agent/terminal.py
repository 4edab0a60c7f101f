"""srun --pty: a terminal for a task."""

import fcntl
import os
import struct
import termios
from typing import Sequence, Tuple


def open_terminal(size: Sequence[int]) -> Tuple[int, int]:
    """A new terminal of so many rows and columns: the side that reads and writes it, and the task's. Raises OSError."""
    master, slave = os.openpty()
    resize(master, size)
    return master, slave


def resize(master: int, size: Sequence[int]) -> None:
    """Tell the terminal's processes that its window has changed. Raises OSError."""
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", size[0], size[1], 0, 0))
