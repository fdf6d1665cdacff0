"""Base models: directories of weights that were registered here, to start jobs from.

A model comes in as an archive or from a directory of this server, is checked in a child process (`work.py`), and lies
under the hash of its files from then on. Nothing of it is ever run: weights are safetensors, everything else is text.
"""
