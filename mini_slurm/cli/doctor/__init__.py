"""`mini-slurm doctor`: what is wrong with a fleet and the way to it, and how each is mended."""
