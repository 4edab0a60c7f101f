"""How an agent is reached: over SSH, or on this machine."""
