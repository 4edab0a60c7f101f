"""os.fork for what is to become a program of the job's: signals are the program's from its first moment on."""

import os
import signal

# These have handlers in a stepd, which until exec would take a signal that is meant to end the program.
HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGIO)


def fork() -> int:
    """The child's pid, 0 in the child. A signal to the child does there what it does to any program. Raises OSError."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    try:
        pid = os.fork()
        if not pid:
            for number in HANDLED:
                signal.signal(number, signal.SIG_DFL)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid
