"""What travels with a job into another system, as source: standard library, Python 3.8, each module by itself."""
