"""The metric store: every point of every job, exactly once, read in any size.

A point (rank, key, step, time, value) is in exactly one place: in the `Frame` of the batch it came with, or, once
sealed, in a `Chunk` of its series. `Head` knows the last point and the count of each series and can be rebuilt.
"""
