"""Signals to srun: Ctrl-C asks first, SIGTERM ends the step, others are handed on to the tasks, SIGALRM is nothing."""

from __future__ import annotations

import os
from _signal import (  # type: ignore[import-not-found]  # signal's are enums: slow to import
    SIGALRM,
    SIGCONT,
    SIGHUP,
    SIGINT,
    SIGQUIT,
    SIGTERM,
    SIGUSR1,
    SIGUSR2,
    SIGWINCH,
    set_wakeup_fd,
    signal,
)
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.steps.front import Front

HANDED_ON = (SIGUSR1, SIGUSR2)
TAKEN = (SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCONT, SIGALRM, *HANDED_ON)
AGAIN = 1.0  # seconds between two Ctrl-C that mean it


def _wake(number: int, frame: object) -> None:
    """The number goes into the wakeup pipe: that is all."""


class Signals:
    """What srun does with each signal, while it runs a step."""

    def __init__(self, fronts: list[Front]) -> None:
        self._fronts = fronts
        self._front = fronts[0]  # which speaks for all
        self.descriptor, self._writer = os.pipe()
        os.set_blocking(self.descriptor, False)
        os.set_blocking(self._writer, False)
        self._asked_at = -AGAIN - 1
        self._interrupts = 0  # those that ended the step

    def __enter__(self) -> None:
        for number in (*TAKEN, *((SIGWINCH,) if self._front.settings.pty else ())):
            signal(number, _wake)
        set_wakeup_fd(self._writer, warn_on_full_buffer=False)

    def __exit__(self, *reason: object) -> None:
        set_wakeup_fd(-1)

    def take(self) -> None:
        """Handle the signals that have come."""
        for number in os.read(self.descriptor, 256):
            if number == SIGINT:
                self._interrupt()
            elif number == SIGWINCH:
                size = os.get_terminal_size(0)
                for front in self._fronts:
                    front.resize(size.lines, size.columns)
            elif number == SIGCONT:
                self._front.say("got SIGCONT")
            elif number in HANDED_ON:
                self._send(number)
            elif number != SIGALRM:
                if number == SIGQUIT:
                    self._front.say("Quit")
                self._force()

    def _interrupt(self) -> None:
        front, now = self._front, monotonic()
        if not front.is_created:
            front.give_up()
        elif front.settings.quit_on_interrupt or now - self._asked_at < AGAIN:
            self._send_interrupt()
            self._force_by_interrupts()
        else:
            self._asked_at = now
            if front.settings.disable_status:
                self._send_interrupt()
            elif not self._interrupts:
                front.say("interrupt (one more within 1 sec to abort)")
                for one in self._fronts:
                    one.status()

    def _send_interrupt(self) -> None:
        self._front.say(f"sending Ctrl-C to {self._front.step_id}")
        self._send(SIGINT)

    def _send(self, number: int) -> None:
        for front in self._fronts:
            front.send_signal(number)

    def _force_by_interrupts(self) -> None:
        """Have the step ended, and the tasks' ends known to be no faults."""
        self._interrupts += 1
        if self._interrupts > 1:
            return self._front.say("job abort in progress")
        self._front.say("forcing job termination")
        for front in self._fronts:
            front.abort(is_interrupt=True)

    def _force(self) -> None:
        """End the step."""
        if not self._front.is_created:
            self._front.give_up()
            return
        self._front.say("forcing job termination")
        for front in self._fronts:
            front.abort()
            front.kill()
