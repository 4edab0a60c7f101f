"""The process that is a stepd for one attempt after the other: forked from the agent, which gives it its work."""

import marshal
import os
import socket
import struct
import sys
from typing import Any, Dict, NoReturn, Type

from mini_slurm.agent import holder, limits, script, spool
from mini_slurm.agent.claims import Claim
from mini_slurm.agent.kit import DONE, Kit
from mini_slurm.agent.log import log_trouble
from mini_slurm.agent.stepd import Place, Stepd
from mini_slurm.agent.tasks import TaskWatcher

ORDER = 1 << 17  # bytes, at most
ATTEMPTS = 500  # one after the other, until a new process takes over
FILES = struct.Struct("ii")


def serve(channel: socket.socket, notify: int, boot_id: str, cgroups: str) -> NoReturn:
    """Be a stepd for one attempt after the other; called in a process freshly forked from the agent."""
    status = script.FAILED
    try:
        kit = Kit(channel.fileno(), notify, boot_id, cgroups)
        for _ in range(ATTEMPTS):
            text, ancillary, _, _ = channel.recvmsg(ORDER, socket.CMSG_SPACE(8), socket.MSG_CMSG_CLOEXEC)
            if not text:
                break
            order = marshal.loads(text)
            claim, lock = FILES.unpack(ancillary[0][2])
            held = Claim(order["path"], claim, order["cpus"], order["memory"], order["gpus"], order["shares"])
            _attend(Place(order["folder"], held, lock), kit, order)
            if order["started"]:
                break
        status = 0
    except OSError as error:
        log_trouble()
        status = error.errno or script.FAILED  # before started.json is there, the agent reads the reason from this
    except BaseException:
        log_trouble()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _watcher(plan: Dict[str, Any]) -> Type[Stepd]:
    """What cares for an attempt of this kind."""
    if "tasks" in plan:
        return TaskWatcher
    return holder.Holder if plan.get("role") == holder.ROLE else Stepd


def _attend(place: Place, kit: Kit, order: Dict[str, Any]) -> None:
    """Care for one attempt, and leave nothing of it in this process. Raises OSError."""
    plan = marshal.loads(order["plan"]) if order["plan"] else spool.read_json(place.folder, "start.json") or {}
    watcher = _watcher(plan)(place, kit, plan, order["started"])
    if order["started"]:
        watcher.adopt(order["started"])
    else:
        watcher.start(order["visible"])
    watcher.close()
    limits.set_title("mini_slurm stepd")
    kit.tell(DONE, watcher.told)
