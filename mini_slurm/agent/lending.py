"""The claims of attempts that are suspended: others may have their CPUs, and they may have them back."""

import json
import os

from mini_slurm.agent.claims import LARGEST, Claims
from mini_slurm.agent.log import log
from mini_slurm.agent.orders import Order
from mini_slurm.agent.picking import Unavailable
from mini_slurm.protocol.messages import SuspendAttempt


def heed(claims: Claims, order: Order) -> None:
    """Give the claim on an attempt's CPUs up, or take it back. The order is obeyed all the same where that fails."""
    if not isinstance(order, SuspendAttempt):
        return
    try:
        _lend(claims, f"{os.geteuid()}.{order.attempt}", back=not order.lends)
    except FileNotFoundError:
        return  # it has ended, or never was
    except (Unavailable, OSError, ValueError, KeyError) as error:
        log(f"claim of {order.attempt}: {error}")


def _lend(claims: Claims, name: str, *, back: bool) -> None:
    with claims.locked():
        # Not by the descriptor that holds it: after a crash of the agent only the stepd has that.
        descriptor = os.open(os.path.join(claims.folder, name), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            value = json.loads(os.pread(descriptor, LARGEST, 0))
            lent = value.get("lent", [])
            if bool(lent) is back:
                value["cpus"], value["lent"] = (lent, []) if back else ([], value["cpus"])
                os.pwrite(descriptor, json.dumps(value).encode().ljust(os.fstat(descriptor).st_size), 0)
        finally:
            os.close(descriptor)
        claims.lend(name, [] if back else value["lent"])
