"""What machines say of themselves, as recorded, and what is made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mini_slurm.agent import probes
from mini_slurm.agent.probes import cpu, memory, nvidia
from mini_slurm.agent.probes.names import slug

RECORDED = Path(__file__).parent.parent / "recorded" / "gpu"
CASES = sorted(RECORDED.glob("*/*.json"))


def test_every_vendor_has_recorded_outputs() -> None:
    assert {case.parent.name for case in CASES} == set(probes.PROBES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_recorded_outputs_give_the_gpus_of_the_machine(case: Path) -> None:
    recorded = json.loads(case.read_text())
    probe = probes.PROBES[case.parent.name]
    if recorded["expected"] is None:
        with pytest.raises((ValueError, KeyError)):
            probe.parse(recorded["outputs"])
    else:
        assert probe.parse(recorded["outputs"]) == recorded["expected"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("NVIDIA A100-SXM4-80GB", "a100"),
        ("NVIDIA A100-PCIE-40GB", "a100"),
        ("A100 80GB PCIe", "a100"),
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("NVIDIA H100 PCIe", "h100"),
        ("NVIDIA H200", "h200"),
        ("NVIDIA GH200 480GB", "gh200"),
        ("NVIDIA GeForce RTX 3090", "rtx3090"),
        ("GeForce GTX 1080 Ti", "gtx1080ti"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "rtx4090"),
        ("Tesla V100-SXM2-32GB", "v100"),
        ("Tesla K80", "k80"),
        ("Tesla T4", "t4"),
        ("NVIDIA L40S", "l40s"),
        ("Quadro RTX 8000", "rtx8000"),
        ("NVIDIA RTX A6000", "a6000"),
        ("NVIDIA RTX 6000 Ada Generation", "rtx6000ada"),
        ("NVIDIA TITAN V", "titanv"),
        ("AMD Instinct MI300X OAM", "mi300x"),
        ("Intel(R) Arc(TM) A770 Graphics", "arca770"),
        ("NVIDIA Graphics", "nvidiagraphics"),
        ("", "gpu"),
    ],
)
def test_types_are_short_names(name: str, kind: str) -> None:
    assert slug(name) == kind


def test_cpus_are_those_that_jobs_may_run_on() -> None:
    assert cpu.parse("Name:\tpython\nCpus_allowed:\tf0f\nCpus_allowed_list:\t0-2,8,10-11\n") == [0, 1, 2, 8, 10, 11]


def test_memory_is_given_in_mib() -> None:
    text = "MemTotal:       16310988 kB\nMemFree:  4096 kB\n"
    assert (memory.parse(text), memory.parse(text, "MemFree")) == (15928, 4)


@pytest.mark.parametrize("parser", [cpu.parse, memory.parse])
def test_a_file_without_the_line_is_an_error(parser: object) -> None:
    with pytest.raises(ValueError, match="no "):
        parser("nothing\n")  # type: ignore[operator]


def test_a_job_sees_its_gpus_by_uuid_and_no_others() -> None:
    gpus = json.loads((RECORDED / "nvidia" / "two-a100.json").read_text())["expected"]
    assert probes.visible(gpus[1:], ["nvidia", "amd"]) == {
        "CUDA_VISIBLE_DEVICES": gpus[1]["uuid"],
        "ROCR_VISIBLE_DEVICES": "",
        "SLURM_JOB_GPUS": "1",
    }


def test_a_job_without_gpus_sees_none() -> None:
    assert probes.visible([], ["nvidia"]) == {"CUDA_VISIBLE_DEVICES": ""}


def test_nothing_is_said_on_a_machine_without_gpu_programs() -> None:
    assert probes.visible([], []) == {}


APPS = "GPU-1, 4711, 5000\nGPU-2, 4712, [N/A]\n"


def test_who_uses_gpus_is_read() -> None:
    processes, percents = nvidia.parse_use([APPS, "GPU-1, 87\nGPU-2, [N/A]\n"])
    assert processes == [("GPU-1", 4711, 5000), ("GPU-2", 4712, 0)]
    assert percents == {"GPU-1": 87, "GPU-2": 0}
    assert nvidia.parse_use(["", ""]) == ([], {})


@pytest.mark.parametrize("text", ["Failed to initialize NVML: Unknown Error\n", "GPU-1, x, 3\n", "a, b\n"])
def test_what_tells_of_no_use_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        nvidia.parse_use([text, ""])
