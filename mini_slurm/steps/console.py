"""The terminal of srun --pty: while the step runs, keys and output pass it as they are."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Raw:
    """Ctrl-C and the like mean nothing here as long as this lasts, nor does the end of a line.

    The task's terminal has made of both what the task wants: a program that uses the whole screen says
    newline where it means one line down and nothing else.
    """

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

    @property
    def line_end(self) -> str:
        """What a line of srun's own has to end with."""
        return "\n" if self._before is None else "\r\n"

    def __exit__(self, *reason: object) -> None:
        if self._before is not None and self._descriptor is not None:
            import termios
            from contextlib import suppress

            with suppress(termios.error):  # the terminal is gone
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)
            self._before = None
