"""The project's figures of speed and memory: `make bench`."""
