"""Signals to srun: Ctrl-C asks first, SIGTERM ends the step, others are handed on to the tasks."""

from __future__ import annotations

import os
from _signal import (  # type: ignore[import-not-found]  # signal's are enums: slow to import
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
TAKEN = (SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCONT, *HANDED_ON)
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
        self._sent_at = -AGAIN - 1
        self._ended = False

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
            else:
                if number == SIGQUIT:
                    self._front.say("Quit")
                self._force()

    def _interrupt(self) -> None:
        front, now = self._front, monotonic()
        if not front.is_created:
            front.give_up()
        elif not front.settings.quit_on_interrupt and now - self._asked_at > AGAIN:
            self._asked_at = now
            if front.settings.disable_status:
                front.say(f"sending Ctrl-C to {front.step_id}")
                self._send(SIGINT)
                return
            already = "abort already in progress" if self._ended else "one more within 1 sec to abort"
            front.say(f"interrupt ({already})")
            for one in self._fronts:
                one.status()
        elif now - self._sent_at < AGAIN:
            self._force()
        else:
            self._sent_at = now
            front.say(f"sending Ctrl-C to {front.step_id}")
            self._send(SIGINT)
            if len(self._fronts) > 1:
                self._force(gently=True)  # as in Slurm, where each component hears of this Ctrl-C

    def _send(self, number: int) -> None:
        for front in self._fronts:
            front.send_signal(number)

    def _force(self, *, gently: bool = False) -> None:
        """End the step."""
        if not self._front.is_created:
            self._front.give_up()
        elif not self._ended:
            self._ended = True
            self._front.say("forcing job termination")
            for front in self._fronts:
                front.abort()
                if front.settings.is_jobs_own or gently:
                    front.end()  # it may be the job that ends, whose tasks are given some time for that
                else:
                    front.kill()
