"""--prolog and --epilog: programs that srun itself runs before and after its step, where it is."""

from __future__ import annotations

import os


def run(program: str, script: str | None, words: list[str], name: str = "prolog") -> None:
    """Run it with the words of the step's command, and wait for its end; without it the step is run all the same."""
    if not script or script.lower() == "none":
        return
    if not os.access(script, os.R_OK | os.X_OK):
        os.write(2, f"{program}: Access denied for {script}: {os.strerror(2)}\n".encode())
        return
    try:
        status = os.waitpid(os.posix_spawn(script, [script, *words], os.environ), 0)[1]
        if status:
            os.write(2, f"{program}: error: {program} {name} failed status={os.WEXITSTATUS(status)}\n".encode())
    except OSError as error:
        os.write(2, f"{program}: error: {script}: {error.strerror}\n".encode())
