"""From what a user hands in to a dataset version. Runs in a child process (`recipes/sandbox`): no Django here."""
