"""sacctmgr's verbs that change accounts: what they are typed with is read, and then refused as to an ordinary user."""

from __future__ import annotations

from mini_slurm.cli.accounts.unknown import complaints as unknown_words
from mini_slurm.model.abbreviations import means

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

VERBS = {
    "add": ("add:3 create:3", '"Account", "Cluster", "Coordinator", "Federation", "QOS", "Resource", or "User"'),
    "modify": ("modify:1 update:1", '"Account", "Cluster", "Federation", "Job", "QOS", "Resource" or "User"'),
    "delete": (
        "delete:3 remove:3",
        '"Account", "Cluster", "Coordinator", "Federation", "QOS", "Resource", or "User"',
    ),
}
ENTITIES = {
    "account": "account:1 accounts:1 acct:4",
    "cluster": "cluster:2 clusters:2",
    "coordinator": "coordinator:2",
    "federation": "federation:1",
    "job": "job:1",
    "qos": "qos:1",
    "resource": "resource:1",
    "user": "user:1 users:1",
}
PLURALS = {"account": "accounts", "cluster": "clusters", "user": "users", "qos": "QOS", "resource": "resource(s)"}
DENIED = "Access/permission denied"
NO_PRIVILEGE = "Your user doesn't have privilege to perform this action"
NO_OPERATOR = "You must have an AdminLevel>=Operator to fix runaway jobs"
READ_ONLY = "Can't run this command in readonly mode."


def complaints(program: str, verb: str, words: list[str]) -> list[str]:
    """What sacctmgr says when an ordinary user wants to change this; none for verbs that it refuses otherwise."""
    kind = next((kind for kind, (names, _) in VERBS.items() if means(verb, names)), None)
    if kind is None:
        return []
    what = words[0] if words else ""
    known = [name for name in ENTITIES if f'"{name}"' in VERBS[kind][1].lower()]
    entity = next((name for name in known if what and means(what, ENTITIES[name])), None)
    if entity is None:
        return [f"No valid entity in {kind} command", f"Input line must include {VERBS[kind][1]}"]
    if kind == "modify" and (unknown := unknown_words(program, entity, words[1:])):
        return unknown
    return _OF_KIND[kind](program, entity, [word for word in words[1:] if word.lower() != "where"])


def _add(program: str, entity: str, words: list[str]) -> list[str]:
    if not words:
        return [f" Need name of {entity} to add."]
    if entity == "user" and not any(word.lower().startswith(("acc", "def")) and "=" in word for word in words):
        return [" Need name of account to add user to."]
    return [f" Problem adding {PLURALS.get(entity, entity)}: {DENIED}"]


def _modify(program: str, entity: str, words: list[str]) -> list[str]:
    place = next((place for place, word in enumerate(words) if word.lower() == "set"), None)
    if place is None or not words[place + 1 :]:
        return [" You didn't give me anything to set"]
    return _denied(program)


def _delete(program: str, entity: str, words: list[str]) -> list[str]:
    return _denied(program) if words else [" No conditions given to remove, not executing."]


def _denied(program: str) -> list[str]:
    return request(program, NO_PRIVILEGE)


def request(program: str, reason: str) -> list[str]:
    """What is said of a question that only administrators may ask."""
    return [f"{program}: error: {reason}", f" Error with request: {DENIED}"]


_OF_KIND: dict[str, Callable[[str, str, list[str]], list[str]]] = {"add": _add, "modify": _modify, "delete": _delete}
