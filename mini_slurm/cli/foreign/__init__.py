"""The commands' side of clusters: what each does where a job is not the fleet's."""
