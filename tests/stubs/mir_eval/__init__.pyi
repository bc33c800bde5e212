# What we use of mir_eval, which has no types of its own.
