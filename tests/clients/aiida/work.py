"""Calculations by AiiDA, with its plugin for Slurm and a profile in the current folder; prints what came of them."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

os.environ["AIIDA_PATH"] = str(Path.cwd())
subprocess.run(["verdi", "presto", "--profile-name", "fleet", "--email", "a@b.c"], check=True, capture_output=True)

from aiida import engine, load_profile, orm  # noqa: E402 - it looks for the folder when it is imported
from aiida.schedulers.datastructures import JobState  # noqa: E402

load_profile("fleet")
FAST = {"use_login_shell": False, "safe_interval": 0.0}  # a login shell begins with /etc/profile's PATH


def make_computer() -> orm.Computer:
    """This machine, whose scheduler is Slurm."""
    computer = orm.Computer("fleet", "localhost", transport_type="core.local", scheduler_type="core.slurm")
    computer.set_workdir(str(Path("scratch").absolute()))
    computer.set_default_mpiprocs_per_machine(1)
    computer.set_mpirun_command([])
    computer.set_minimum_job_poll_interval(1.0)
    computer.store()
    computer.configure(**FAST)
    return computer


COMPUTER = make_computer()


def code(name: str, text: str) -> orm.InstalledCode:
    """A program that gets the calculation's file `aiida.in` on its standard input."""
    path = Path(f"{name}.sh").absolute()
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)
    return orm.InstalledCode(
        label=name, computer=COMPUTER, filepath_executable=str(path), default_calc_job_plugin="core.arithmetic.add"
    ).store()


def builder(program: orm.InstalledCode, x: int, y: int, **options: object) -> engine.ProcessBuilder:
    """A calculation of x + y."""
    made = program.get_builder()
    made.x, made.y = orm.Int(x), orm.Int(y)
    resources = {"num_machines": 1, "num_mpiprocs_per_machine": 1}
    made.metadata.options = {"resources": resources, "max_wallclock_seconds": 300, "withmpi": False, **options}
    return made


def run(made: engine.ProcessBuilder) -> list[object]:
    """The sum, the exit status, and what AiiDA's plugin for Slurm said of the job's end."""
    results, node = engine.run_get_node(made)
    logs = [log.message for log in orm.Log.collection.get_logs_for(node)]
    ends = [text.rpartition(": ")[2] for text in logs if text.startswith("scheduler parser")]
    return [results["sum"].value if "sum" in results else None, node.exit_status, *ends]


def by_scheduler() -> dict[str, object]:
    """The plugin itself, as the engine uses it: states, a cancelled job, and accounting."""
    with COMPUTER.get_transport() as transport:
        scheduler = COMPUTER.get_scheduler()
        scheduler.set_transport(transport)
        folder = Path("plain")
        folder.mkdir()
        (folder / "run.sh").write_text("#!/bin/bash\n#SBATCH --time=5\nsleep 600\n")
        number = scheduler.submit_job(str(folder.absolute()), "run.sh")
        (folder / "held.sh").write_text("#!/bin/bash\n#SBATCH --hold\ntrue\n")
        held = scheduler.submit_job(str(folder.absolute()), "held.sh")
        states: dict[str, str] = {}
        while states.get(number) != JobState.RUNNING.value:
            time.sleep(0.2)
            found = scheduler.get_jobs([number, held], as_dict=True)
            states = {name: job.job_state.value for name, job in found.items()}
        seen = found[number]
        killed = [scheduler.kill_job(number), scheduler.kill_job(held)]
        while scheduler.get_jobs([number, held]):
            time.sleep(0.2)
        details = scheduler.get_detailed_job_info(number)
        return {
            "states": [states[number], states[held]],
            "machines": seen.allocated_machines_raw,
            "limit": seen.requested_wallclock_time_seconds,
            "killed": killed,
            "detailed": details["stdout"].splitlines()[1].split("|").count("CANCELLED by 0"),
        }


GREEDY = """python3 -c 'import time; x = b"x" * 400_000_000; time.sleep(60)'"""


def main() -> None:
    add = code("add", "bash")
    first = run(builder(add, 20, 22))
    found = {
        "value": first,
        "chained": run(builder(add, int(str(first[0])), -1)),
        "many": run(builder(add, 1, 2, resources={"num_machines": 2, "num_mpiprocs_per_machine": 2})),
        "failing": run(builder(code("fail", "exit 3"), 1, 1)),
        "greedy": run(builder(code("greedy", GREEDY), 1, 1, max_memory_kb=50 * 1024)),
        "plugin": by_scheduler(),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
