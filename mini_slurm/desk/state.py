"""The state folder, its database, the fleet and the controller, as everybody who hands something in reaches them."""

from __future__ import annotations

import os

from mini_slurm.errors import FleetError
from mini_slurm.options.grammar import Option

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

    from mini_slurm.model.fleet import Fleet

FLEET = Option(field="fleet", long="fleet", metavar="FILE", help="Use this fleet file.")


def use_fleet(path: str) -> None:
    """Take this fleet file, here and in a controller that is started. Raises FleetError."""
    if not os.path.exists(path):
        raise FleetError(f"{path}: no such fleet file")
    os.environ["MINI_SLURM_FLEET"] = os.path.abspath(path)


def open_store() -> tuple[str, sqlite3.Connection]:
    """The state folder and its database, made if need be. Raises StateError."""
    from mini_slurm.config.paths import state_folder
    from mini_slurm.store.database import open_database

    state = state_folder()
    return state, open_database(state)


def fleet(db: sqlite3.Connection) -> Fleet:
    """The fleet that counts now; its file is only read when it has changed. Raises FleetError."""
    from mini_slurm.config import cache
    from mini_slurm.store.database import get_setting, set_setting

    return cache.load(lambda key: get_setting(db, key), lambda key, value: set_setting(db, key, value))


def wake_controller(state: str) -> None:
    """See to it that a controller looks at what was just stored."""
    from mini_slurm.controller.autostart import wake

    wake(state)
