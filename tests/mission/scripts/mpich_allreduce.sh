#!/bin/bash
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=2
#SBATCH --exclusive
export UCX_TLS=tcp,self UCX_NET_DEVICES=eth0
mpiexec.hydra python mpich_allreduce.py
echo "mpiexec ended with $?"
mpiexec.hydra -ppn 1 -n 4 bash -c 'exit $((PMI_RANK == 2 ? 2 : 0))' > /dev/null 2>&1
echo "mpiexec ended with $?"
