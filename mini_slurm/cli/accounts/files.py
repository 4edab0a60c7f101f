"""sacctmgr's `dump` and `load`: what they are typed with is read, and then refused as to an ordinary user."""

from __future__ import annotations

import os

from mini_slurm.model.abbreviations import means

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Typed:
    """What stands behind the verb: each kind of word counts once."""

    def __init__(self, words: Sequence[str], kinds: dict[str, str], bare: str) -> None:
        self.of: dict[str, str] = {}
        self.complaints: list[str] = []
        for word in words:
            name, equals, value = word.partition("=")
            kind = next((kind for kind, names in kinds.items() if means(name, names)), "") if equals else bare
            if not kind:
                self.complaints.append(f" Unknown option: {word}")
            elif kind in self.of:
                self.complaints.append(TWICE[kind].format(self.of[kind]))
            else:
                self.of[kind] = value.removeprefix("=") if equals else word


TWICE = {
    "cluster": " Can only do one cluster at a time.  Already doing {}",
    "file": " File name already set to {}",
}
NO_DUMP = " Your user does not have sufficient privileges to dump clusters."
NO_LOAD = " Your user does not have sufficient privileges to load files."
NO_FILE = " No filename given, specify one with file=''"


def dump(cluster: str, words: Sequence[str]) -> tuple[str, list[str]]:
    """What sacctmgr tells before it refuses, "" for nothing; and its complaints. `cluster`: the one that there is."""
    typed = Typed(words, {"cluster": "Cluster:1", "file": "File:1"}, "cluster")
    name = typed.of.get("cluster", "")
    if not name:
        return "", [*typed.complaints, " We need a cluster to dump."]
    if name.lower() != cluster.lower():
        return "", [*typed.complaints, f" Cluster {name} doesn't exist."]
    told = "" if "file" in typed.of else f" No filename given, using ./{name}.cfg."
    return told, [*typed.complaints, NO_DUMP]


def load(words: Sequence[str]) -> list[str]:
    """What sacctmgr says when an ordinary user wants to load a file: it reads the first word's."""
    typed = Typed(
        [word for word in words if word.lower() != "clean"], {"cluster": "Cluster:3", "file": "File:1"}, "file"
    )
    if "file" not in typed.of:
        return [*typed.complaints, NO_FILE]
    try:
        os.close(os.open(words[0], os.O_RDONLY))
    except OSError as error:
        return [*typed.complaints, f' Unable to read "{words[0]}": {error.strerror}']
    return [*typed.complaints, NO_LOAD]
