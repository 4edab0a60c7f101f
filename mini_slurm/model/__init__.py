"""What things are, and how Slurm writes them. Pure: no clock, file or socket."""
