#!/bin/bash
#SBATCH --nodes=8
#SBATCH --partition=ib          # InfiniBand partition

# Use InfiniBand interface
export ASOC_PORT=9000

# Build peer list using IB addresses
PEER_LIST=""
for node in $(scontrol show hostnames $SLURM_JOB_NODELIST); do
    IB_ADDR=$(ssh $node "ip addr show ib0 | grep 'inet ' | awk '{print \$2}' | cut -d/ -f1")
    PEER_LIST="${PEER_LIST}${IB_ADDR}:9000,"
done
export ASOC_PEERS="${PEER_LIST%,}"  # Remove trailing comma

srun python slurm_benchmark.py ...
