"""The core: what should happen. Events and the time go in, decisions come out. Pure."""
