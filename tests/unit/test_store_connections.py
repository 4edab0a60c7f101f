"""Several connections to one database, in this process and in others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from mini_slurm.store import database

OTHER = "import sys; from mini_slurm.store import database; database.open_database(sys.argv[1]).close()"


def test_another_connection_in_this_process_costs_the_first_no_locks(tmp_path: Path) -> None:
    first = database.open_database(str(tmp_path))
    database.set_setting(first, "key", "value")
    database.open_database(str(tmp_path)).close()
    subprocess.run([sys.executable, "-c", OTHER, str(tmp_path)], check=True, timeout=60)
    assert (tmp_path / "state.sqlite3-wal").exists()  # whoever closes last removes it: that is not the other process
    assert database.get_setting(first, "key") == "value"
    first.close()


def test_the_database_is_its_owners_alone(tmp_path: Path) -> None:
    database.open_database(str(tmp_path)).close()
    assert (tmp_path / "state.sqlite3").stat().st_mode & 0o777 == 0o600
