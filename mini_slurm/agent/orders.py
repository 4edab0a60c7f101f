"""What a controller wants of an attempt that runs, as its stepd reads it from the `control` FIFO."""

import signal
from typing import Union

from mini_slurm.protocol.framing import ProtocolError
from mini_slurm.protocol.messages import EndAttempt, LimitAttempt, NotifyAttempt, SignalAttempt, SuspendAttempt

Order = Union[SignalAttempt, LimitAttempt, SuspendAttempt, NotifyAttempt, EndAttempt]
ORDERS = (SignalAttempt, LimitAttempt, SuspendAttempt, NotifyAttempt, EndAttempt)
LONGEST_NOTE = 2000  # bytes; a line of the FIFO is written as a whole up to 4096


def line(order: Order) -> str:
    """The words of an order. Raises ProtocolError."""
    if isinstance(order, SignalAttempt):
        if not 0 < order.signal < signal.NSIG:
            raise ProtocolError(f"signal {order.signal}")
        whom = "steps" if order.steps else "whole" if order.whole else "batch"
        return f"signal {order.signal} {whom}"
    if isinstance(order, LimitAttempt):
        return "limit" if order.time_limit is None else f"limit {max(0, order.time_limit)}"
    if isinstance(order, SuspendAttempt):
        return "resume" if order.resume else "suspend"
    if isinstance(order, NotifyAttempt):
        return "notify " + order.text.encode(errors="replace")[:LONGEST_NOTE].hex()
    if not order.why.replace(" ", "").isalpha() and order.why:
        raise ProtocolError(f"end because of {order.why!r}")
    return f"end {max(0, order.kill_wait)} {order.why}"
