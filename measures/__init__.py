"""Judges of networks and films that know nothing of how these were made."""
