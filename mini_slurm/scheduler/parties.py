"""Whom a reservation is for: users, groups and accounts, and what an update adds to these or takes away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mini_slurm.model.fleet import Fleet
from mini_slurm.model.reservation import Reservation
from mini_slurm.scheduler.nodes import NOT_ADMIN
from mini_slurm.scheduler.targets import Refusal

EMPTY = "Reservation request lacks users, groups or accounts"
TWO_KINDS = "Reservations can't have users and groups specified, only one or the other"
BAD_ACCOUNT = "Invalid account or account/partition combination specified"
BAD_GROUP = "Invalid group id"


def with_parties(made: Reservation, wish: Mapping[str, Any], fleet: Fleet) -> Reservation:
    """Users, groups and accounts, each with what the words add or take away. Raises Refusal."""
    if "accounts" in wish:
        accounts, but = _party(made.accounts, made.all_but_accounts, wish["accounts"])
        if fleet.accounts and not fleet.accounts.keys() >= set(accounts):
            raise Refusal(BAD_ACCOUNT)
        made = made._replace(accounts=accounts, all_but_accounts=but)
    if "groups" in wish:
        if wish.get("members") is None:
            raise Refusal(BAD_GROUP)
        made = made._replace(groups=tuple(wish["groups"]), uids=tuple(wish["members"]) if wish["groups"] else ())
    if "users" in wish:
        numbers: dict[str, int | None] = {**dict(zip(made.users, made.uids, strict=False)), **wish.get("uids", {})}
        names, but = _party(made.users, made.all_but_users, wish["users"])
        uids = [numbers.get(name) for name in names]
        if None in uids:
            raise Refusal(NOT_ADMIN)  # Slurm has no other word for a user that there is not
        if names and made.groups:
            raise Refusal(TWO_KINDS)
        made = made._replace(users=names, uids=tuple(uid or 0 for uid in uids), all_but_users=but and bool(names))
    if not (made.users or made.groups or made.accounts):
        raise Refusal(EMPTY)
    return made


def _party(before: tuple[str, ...], but: bool, words: list[str]) -> tuple[tuple[str, ...], bool]:
    """`a,b`: these; `-a,-b`: all but these, or these no more; `+a`: this one, too."""
    if not any(word.startswith(("+", "-")) for word in words):
        return tuple(dict.fromkeys(words)), False
    if not before or but:
        is_denial = all(word.startswith("-") for word in words)
        if is_denial or not before:
            return tuple(dict.fromkeys((*before, *(word.lstrip("+-") for word in words)))), is_denial
    names = list(before)
    for word in words:
        name = word.lstrip("+-")
        if (word.startswith("-") != but) and name in names:
            names.remove(name)
        elif (word.startswith("-") == but) and name not in names:
            names.append(name)
    return tuple(names), but
