"""An MPI program, by way of MPICH's C library: the sum over all ranks, on all of them."""

import ctypes
import os

mpi = ctypes.CDLL("libmpich.so.12", mode=ctypes.RTLD_GLOBAL)
WORLD, INT, SUM = 0x44000000, 0x4C000405, 0x58000003  # mpi.h

mpi.MPI_Init(None, None)
rank, size, total = ctypes.c_int(), ctypes.c_int(), ctypes.c_int()
mpi.MPI_Comm_rank(WORLD, ctypes.byref(rank))
mpi.MPI_Comm_size(WORLD, ctypes.byref(size))
mine = ctypes.c_int(rank.value + 1)
mpi.MPI_Allreduce(ctypes.byref(mine), ctypes.byref(total), 1, INT, SUM, WORLD)
print(f"rank {rank.value} of {size.value} on {os.uname().nodename}: {total.value}", flush=True)
mpi.MPI_Barrier(WORLD)
# MPI_Finalize of MPICH 4.0 often waits for ever where UCX has TCP alone and the CPUs are busy, also on one host without
# any Slurm. So the ranks take leave of mpiexec by themselves, in the words that MPI_Finalize has for it (PMI 1).
with open(int(os.environ["PMI_FD"]), "r+b", buffering=0) as launcher:
    for word, answer in (b"barrier_in", b"barrier_out"), (b"finalize", b"finalize_ack"):
        launcher.write(b"cmd=" + word + b"\n")
        if answer not in launcher.read(1024):
            raise SystemExit(f"no answer to {word.decode()}")
    os._exit(0)
