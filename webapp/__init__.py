"""The page: forms, job tables, downloads, and the tasks of the worker."""
