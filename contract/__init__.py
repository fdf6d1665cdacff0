"""The seam between server, agent and trainer: standard library only."""
