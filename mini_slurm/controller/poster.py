"""The process that sends notices: an order, JSON, comes on standard input; a line, JSON, says what came of each."""

from __future__ import annotations

from mini_slurm import search_path as search_path  # isort: split

import json
import os
import signal
import sys
from types import FrameType
from typing import Any

from mini_slurm.controller.ways import Failed, command, mail, webhook
from mini_slurm.errors import visible

LONGEST = 500  # letters of a reason: it may be the words of a server, and becomes a line of the log

WAYS = {"mail": mail.send, "webhook": webhook.send, "command": command.send}


class TooLong(Exception):
    """One notice has taken longer than it may."""


def main() -> int:
    """Send what standard input says."""
    order = json.load(sys.stdin)
    signal.signal(signal.SIGALRM, _ring)
    for item in order["items"]:
        word, why = send(order, item)
        print(json.dumps([item["number"], word, visible(why[:LONGEST])]), flush=True)
    return 0


def send(order: dict[str, Any], item: dict[str, Any]) -> tuple[str, str]:
    """What came of one notice: `sent`, `again` or `never`; and why."""
    settings = order["mail" if item["way"] == "mail" else "notices"]
    signal.alarm(settings["timeout"])
    try:
        name = f"{order['state_id']}-{item['number']}"  # the same at each try: who gets it twice can tell
        WAYS[item["way"]](settings, item["target"], json.loads(item["body"]), name)
    except Failed as error:
        return ("again" if error.again else "never", str(error))
    except TooLong:
        return ("again", f"no answer within {settings['timeout']} s")
    except Exception as error:  # whatever a library raises: nothing of it may end the others' notices
        return ("again", f"{type(error).__name__}: {error}")
    finally:
        signal.alarm(0)
    return ("sent", "")


def _ring(number: int, frame: FrameType | None) -> None:
    raise TooLong


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)
