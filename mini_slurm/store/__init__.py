"""The SQLite database: jobs, machines, requests."""
