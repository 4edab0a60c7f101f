"""Stands in for nvidia-smi on a test's machine: COUNT devices, as CSV.

A file `gpu-use` beside it says who computes: lines `INDEX PID MIB`, and `INDEX PERCENT` for how busy a device is.
"""

import os
import sys

COUNT = 1
UNITS = {"memory.total": " MiB", "memory.used": " MiB", "memory.free": " MiB", "utilization.gpu": " %"}


def values(index):
    return {
        "index": str(index),
        "uuid": f"GPU-{index:08d}-0000-0000-0000-000000000000",
        "name": "NVIDIA A100-SXM4-80GB",
        "gpu_name": "NVIDIA A100-SXM4-80GB",
        "count": str(COUNT),
        "memory.total": "81920",
        "memory.used": "3",
        "memory.free": "81917",
        "utilization.gpu": "0",
        "driver_version": "550.54",
        "pci.bus_id": f"00000000:0{index}:00.0",
        "mig.mode.current": "Disabled",
    }


def use():
    """The words of each line of the file."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gpu-use")
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [line.split() for line in file if line.strip()]


def show_processes():
    fields = [field.strip() for field in option("--query-compute-apps", "").split(",")]
    for words in use():
        if len(words) == 3:
            index, pid, memory = words
            found = {"gpu_uuid": values(int(index))["uuid"], "pid": pid, "used_memory": memory}
            print(", ".join(found.get(field, "[N/A]") for field in fields))


def option(name, default):
    return next((word.split("=", 1)[1] for word in sys.argv[1:] if word.startswith(name + "=")), default)


def main():
    if option("--query-compute-apps", ""):
        show_processes()
        return
    if "-L" in sys.argv:
        for index in range(COUNT):
            print(f"GPU {index}: {values(index)['name']} (UUID: {values(index)['uuid']})")
        return
    fields = [field.strip() for field in option("--query-gpu", "name").split(",")]
    shape = option("--format", "csv").split(",")
    if "noheader" not in shape:
        print(", ".join(fields))
    for index in range(COUNT):
        percents = [words[1] for words in use() if len(words) == 2 and words[0] == str(index)]
        device = {**values(index), "utilization.gpu": percents[0] if percents else "0"}
        cells = [device.get(f, "[N/A]") + ("" if "nounits" in shape else UNITS.get(f, "")) for f in fields]
        print(", ".join(cells))


main()
