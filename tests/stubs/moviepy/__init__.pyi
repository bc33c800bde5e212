# What we use of MoviePy, which has no types of its own.
