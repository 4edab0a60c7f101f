"""The terminal that srun --pty is started from: while the step runs, keys go to the task's terminal as they are."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OUTPUT_MODES = 1  # its place in what tcgetattr returns


class Raw:
    """Ctrl-C and the like mean nothing here as long as this lasts; srun's own lines still end as lines do."""

    def __init__(self, descriptor: int | None) -> None:
        """`descriptor`: where the keys come from; None, or no terminal: nothing is changed."""
        self._descriptor = descriptor
        self._before: list[Any] | None = None

    def __enter__(self) -> None:
        if self._descriptor is None or not os.isatty(self._descriptor):
            return
        import termios
        import tty

        self._before = termios.tcgetattr(self._descriptor)
        tty.setraw(self._descriptor, termios.TCSANOW)
        now = termios.tcgetattr(self._descriptor)
        now[OUTPUT_MODES] |= termios.OPOST
        termios.tcsetattr(self._descriptor, termios.TCSANOW, now)

    def __exit__(self, *reason: object) -> None:
        if self._before is not None and self._descriptor is not None:
            import termios

            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)
