"""What an agent finds in its spool when it starts: attempts that run, have ended, or were never begun."""

import os
import time
from typing import Any, Dict, Iterator, Optional

from mini_slurm.agent import cgroup, spool, stepd
from mini_slurm.agent.attempt import GPU_PEAK, Attempt
from mini_slurm.agent.log import log_trouble
from mini_slurm.agent.part import Part


def load_all(root: str, boot_id: str) -> Iterator[Attempt]:
    """The attempts in the spool."""
    for name in spool.names(root):
        attempt = load(os.path.join(root, name), boot_id)
        if attempt:
            attempt.outlet.look()
            yield attempt


def load(folder: str, boot_id: str) -> Optional[Attempt]:
    """The attempt in this folder; None, and no folder any more, for one whose script was never begun."""
    try:
        return _load(folder, boot_id)
    except (ValueError, OSError):
        # Files are written so that no crash of ours leaves half of one: this disk has lost what was in its cache.
        log_trouble()
        attempt = Attempt(os.path.basename(folder), folder, {"streams": "split"})
        attempt.ended = _unseen_end(0.0)
        return attempt


def _load(folder: str, boot_id: str) -> Optional[Attempt]:
    # First the lock: a stepd that ends now has then written its ended.json before that is looked for.
    lock = spool.lock(folder)
    if lock is not None:
        os.close(lock)
    plan = spool.read_json(folder, "start.json")
    if plan is None:
        spool.remove(folder)
        return None
    attempt = (Part if "tasks" in plan else Attempt)(os.path.basename(folder), folder, plan)
    attempt.read()
    peak = spool.read_json(folder, GPU_PEAK) or {}
    attempt.gpu_peak = (peak.get("memory", 0), peak.get("percent", 0))
    if attempt.ended is None and attempt.started is not None and attempt.started["boot_id"] != boot_id:
        booted_at = time.time() - stepd.now()
        attempt.ended = _unseen_end(max(0.0, booted_at - attempt.started["began_at"]))
    if attempt.ended is None and attempt.started is None and lock is not None:
        spool.remove(folder)
        return None
    if attempt.ended is None:
        attempt.hold(plan.get("streams", ""))
        return attempt
    cgroup.remove((attempt.started or {}).get("cgroup", ""))  # its stepd was lost before it had
    if attempt.started is not None and attempt.started["boot_id"] != boot_id:
        attempt.started = None  # its age cannot be told by this boot's clock
    return attempt


def _unseen_end(elapsed: float) -> Dict[str, Any]:
    """The end of an attempt by the machine's, or by a lost disk cache."""
    return {
        "at": 0.0,  # the boot
        "elapsed": elapsed,
        "cause": "NODE_FAIL",
        "exit_code": 0,
        "exit_signal": 0,
        "max_rss": 0,
        "user_seconds": 0.0,
        "system_seconds": 0.0,
    }
