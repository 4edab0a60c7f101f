"""The tables of a TOML file to values by their keys' rows; what is wrong is said in words that tell what to write."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from mini_slurm.config.keys import Key
from mini_slurm.config.values import NAME, path
from mini_slurm.errors import FleetError

BARE = re.compile(r"[A-Za-z0-9_-]+")


def load_toml(file_name: str) -> dict[str, Any]:
    """A TOML file's content. Raises FleetError, with line and column where the text is at fault."""
    try:
        with open(file_name, "rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise FleetError(f"{file_name}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FleetError(f"{file_name}: byte {error.start + 1} is not UTF-8: save the file as UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise FleetError(f"{file_name}: not TOML: {error}", hint="names and other text stand in quotes") from error


class Tables:
    """Turns tables into values and collects what is wrong on the way."""

    def __init__(self, folder: str) -> None:
        """`folder`: where relative paths begin."""
        self._folder = folder
        self.faults: list[str] = []

    def read(self, value: Any, known: Mapping[str, Key], where: str) -> dict[str, Any]:
        """The values of one table's keys, without those that are at fault."""
        if not isinstance(value, dict):
            self.faults.append(f"{where} cannot be {shown(value)}: write a table, as [{where}]")
            return {}
        found = {}
        for key, given in value.items():
            if key not in known:
                self.faults.append(f"{where} has no key {quote(key)}: {advice(key, known)}")
                continue
            try:
                found[key] = self._resolve(known[key], known[key].read(given))
            except ValueError:
                wants = f"write {known[key].wants}, as {key} = {known[key].example}"
                self.faults.append(f"{where}.{key} cannot be {shown(given)}: {wants}")
        return found

    def _resolve(self, key: Key, value: object) -> object:
        """A file's name as an absolute path."""
        if key.read is path:
            return os.path.join(self._folder, os.path.expanduser(str(value)))
        return value

    def section(self, top: Mapping[str, Any], name: str) -> dict[str, Any]:
        """A table of tables, empty when it is left out."""
        value = top.get(name, {})
        if not isinstance(value, dict):
            self.faults.append(f"{name} cannot be {shown(value)}: write tables, as [{name}.NAME]")
            return {}
        return value

    def named(self, top: Mapping[str, Any], section: str) -> list[tuple[str, str, Any]]:
        """Name, place and value of each table in a section whose name is one."""
        found = []
        for name, value in self.section(top, section).items():
            where = f"{section}.{quote(name)}"
            if NAME.fullmatch(name):
                found.append((name, where, value))
            else:
                self.faults.append(f"{where} is no name: write letters, digits, _ . and -")
        return found


def advice(word: str, known: Mapping[str, object] | tuple[str, ...], otherwise: str = "") -> str:
    """What was probably meant; else `otherwise`, or what there is."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1)
    if close:
        return f"did you mean {close[0]}?"
    return otherwise or f"write one of {', '.join(known)}"


def quote(key: str) -> str:
    """A key as TOML writes it."""
    return key if BARE.fullmatch(key) else shown(key)


def shown(value: object) -> str:
    """A value as it is written in the file, in one line."""
    return json.dumps(value, default=str)
