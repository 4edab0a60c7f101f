"""Recordings of a real Slurm, played against the commands here."""
