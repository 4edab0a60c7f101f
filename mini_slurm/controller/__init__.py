"""The controller: feeds the core with events and performs what it decides."""
