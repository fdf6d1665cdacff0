"""What runs on a device: the worker pinned to it, its talk with the server, and the supervision of a rank."""
