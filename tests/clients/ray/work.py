"""Runs below `ray symmetric-run`, on one of the machines; prints what tasks on both found out."""

import json
import socket

import ray
from ray.util.placement_group import placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

ray.init(logging_level="ERROR")


@ray.remote(num_cpus=1)
def square(number: int) -> tuple:
    return number * number, socket.gethostname()


@ray.remote(num_cpus=1, max_retries=0)
def fail() -> None:
    raise ValueError("no")


nodes = [node["NodeManagerAddress"] for node in ray.nodes() if node["Alive"]]
apart = placement_group([{"CPU": 1}] * 2, strategy="STRICT_SPREAD")
places = [PlacementGroupSchedulingStrategy(apart, placement_group_bundle_index=number) for number in range(2)]
spread = [square.options(scheduling_strategy=place).remote(number) for number, place in enumerate(places)]
values, hosts = zip(*ray.get(spread), strict=True)
ray.util.remove_placement_group(apart)
try:
    ray.get(fail.remote())
    told = ""
except ray.exceptions.RayTaskError as error:
    told = type(error.cause).__name__
print("FOUND", json.dumps([sorted(nodes), values, sorted(hosts), told]), flush=True)
