"""Measurements that `make bench` repeats: us and, where there is one, a peer, in turn."""
