"""Where files that nobody has checked are opened: a child process with limits, without network and without secrets."""
