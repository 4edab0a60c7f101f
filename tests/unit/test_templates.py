"""Every template gives a script that a shell accepts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import jinja2
import pytest

FOLDER = Path(__file__).parents[2] / "templates"
VALUES: dict[str, dict[str, object]] = {
    "job.sh.j2": {
        "name": "train",
        "command": "python3 train.py",
        "cpus": 4,
        "memory": "8G",
        "time": "2:00:00",
        "gpus": 1,
    },
}


def render(template: str, values: dict[str, object]) -> str:
    loader = jinja2.FileSystemLoader(FOLDER)
    environment = jinja2.Environment(
        loader=loader, trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(template).render(values)


def test_every_template_is_tested() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(VALUES)


@pytest.mark.parametrize("name", VALUES)
def test_a_template_gives_a_batch_script(name: str) -> None:
    text = render(name, VALUES[name])
    assert text.startswith("#!/bin/bash\n#SBATCH ")
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


@pytest.mark.parametrize("name", VALUES)
def test_a_missing_value_is_no_empty_text(name: str) -> None:
    with pytest.raises(jinja2.UndefinedError):
        render(name, {})


def test_the_plain_job_asks_for_what_it_was_given() -> None:
    assert render("job.sh.j2", VALUES["job.sh.j2"]).splitlines() == [
        "#!/bin/bash",
        "#SBATCH --job-name=train",
        "#SBATCH --output=train-%j.out",
        "#SBATCH --cpus-per-task=4",
        "#SBATCH --mem=8G",
        "#SBATCH --time=2:00:00",
        "#SBATCH --gpus=1",
        "set -euo pipefail",
        "",
        "python3 train.py",
    ]
