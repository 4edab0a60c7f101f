"""Stands in for the benchmark: TCP between all ranks, then an all-reduce over it.

Who the peers are comes from ASOC_PEERS (addresses in the order of ranks), or from the job's machines by name.
"""

import os
import socket
import subprocess
import time

PATIENCE = 60.0


def peers(port):
    listed = os.environ.get("ASOC_PEERS")
    if listed:
        return [(host, int(number)) for host, _, number in (entry.rpartition(":") for entry in listed.split(","))]
    words = ["scontrol", "show", "hostnames", os.environ["SLURM_JOB_NODELIST"]]
    return [(name, port) for name in subprocess.run(words, stdout=subprocess.PIPE, text=True).stdout.split()]


def call(address, rank):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            channel = socket.create_connection(address, timeout=PATIENCE)
            channel.sendall(b"%d\n" % rank)
            return channel
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def line(channel):
    text = b""
    while not text.endswith(b"\n"):
        byte = channel.recv(1)
        if not byte:
            raise EOFError("a peer has gone")
        text += byte
    return int(text)


rank = int(os.environ["SLURM_PROCID"])
port = int(os.environ.get("ASOC_PORT", 9000 + int(os.environ["SLURM_JOB_ID"]) % 1000))
addresses = peers(port)
with socket.create_server(("", port)) as server:
    server.settimeout(PATIENCE)
    outgoing = [call(address, rank) for number, address in enumerate(addresses) if number != rank]
    incoming = [server.accept()[0] for _ in outgoing]
    for channel in incoming:
        line(channel)
    for channel in outgoing:
        channel.sendall(b"%d\n" % (rank + 1))
    total = rank + 1 + sum(line(channel) for channel in incoming)
run = os.environ.get("ASOC_COMMUNITY", "alone")
gpus = len([number for number in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if number])
print(
    f"{run}: rank {rank} of {len(addresses)} on {os.uname().nodename}, {len(outgoing)} peers, {gpus} GPUs, sum {total}"
)
