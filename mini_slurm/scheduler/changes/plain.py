"""Changes that are only written down: names, remarks, options that are kept and shown."""

from __future__ import annotations

import json
from typing import Any

from mini_slurm.model.oversubscription import ASKED
from mini_slurm.scheduler.changes.row import Setter, Update
from mini_slurm.scheduler.targets import DENIED, Refusal


def column(name: str) -> Setter:
    """A text that may be changed at any time; empty: none."""

    def set_column(update: Update, value: str) -> None:
        setattr(update.job, name, value or ("" if name == "name" else None))

    return set_column


def remark(update: Update, value: str) -> None:
    """A comment may also be empty."""
    update.job.comment = value


def waiting_column(name: str) -> Setter:
    """A text that may be changed until the job starts."""

    def set_column(update: Update, value: str) -> None:
        if getattr(update.job, name) != value:
            update.needs_pending()
            setattr(update.job, name, value)

    return set_column


def option(name: str) -> Setter:
    """An option that is kept by its long name; empty: none."""

    def set_option(update: Update, value: Any) -> None:
        update.option(name, str(value) if value != "" else None)

    return set_option


def waiting_option(name: str) -> Setter:
    """An option that may be changed until the job starts."""
    set_option = option(name)

    def set_waiting(update: Update, value: Any) -> None:
        update.needs_pending()
        set_option(update, value)

    return set_waiting


def check_admin(update: Update, value: object) -> None:
    """What administrators write into others' jobs."""
    if not update.is_operator:
        raise Refusal(DENIED)


def admin_option(name: str) -> Setter:
    """An option of an administrator; `+TEXT` is added to what is there."""

    def set_option(update: Update, value: str) -> None:
        if value.startswith("+="):
            before = json.loads(update.job.extra).get(name)
            value = f"{before},{value[2:]}" if before else value[2:]
        update.option(name, value or None)

    return set_option


def set_switches(update: Update, value: tuple[int, int | None]) -> None:
    """How many switches there may be; how long to wait for them stays, unless it is said too."""
    count, seconds = value
    _, _, before = json.loads(update.job.extra).get("switches", "").partition("@")
    update.option("switches", f"{count}@{before or '0:00' if seconds is None else f'0:{seconds:02}'}")


def set_switch_wait(update: Update, value: int) -> None:
    """Seconds to wait for few switches."""
    count = json.loads(update.job.extra).get("switches", "0").partition("@")[0]
    update.option("switches", f"{count}@0:{value:02}")


def set_requeue(update: Update, value: int) -> None:
    """May the job be started again?"""
    update.job.requeue = min(value, 1)


def set_sharing(update: Update, value: int) -> None:
    """May other jobs use its machines meanwhile? That is the administrator's to say."""
    update.needs_pending()
    check_admin(update, value)
    update.job.exclusive = ASKED if value else 0
    update.option("oversubscribe", "" if value else None)


def set_contiguous(update: Update, value: int) -> None:
    """Machines side by side: whoever asked for it may do without, only an administrator may ask for it later."""
    update.needs_pending()
    if value or "contiguous" not in json.loads(update.job.extra):
        check_admin(update, value)
    update.option("contiguous", "" if value else None)


def set_reboot(update: Update, value: int) -> None:
    """Boot the machines before the job starts: the administrator's to say."""
    check_admin(update, value)
    update.needs_pending()
    update.option("reboot", "" if value else None)


def unsupported(why: str) -> Setter:
    """What no job of a fleet can be given."""

    def refuse(update: Update, value: object) -> None:
        raise Refusal(why)

    return refuse
