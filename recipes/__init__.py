"""Preprocessing: steps, the build that applies them, and the prepared data that devices map. No Django, no torch."""
