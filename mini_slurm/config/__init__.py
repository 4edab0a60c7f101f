"""The fleet file, and where things are kept."""
