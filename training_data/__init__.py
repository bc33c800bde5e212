"""What the networks learn from: made songs, made pictures, directors, folders."""
