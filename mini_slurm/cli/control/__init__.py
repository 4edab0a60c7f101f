"""The verbs of mscontrol."""
