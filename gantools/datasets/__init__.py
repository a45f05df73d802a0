"""Data sets before training: what is in a folder, making it ready, and getting known ones."""
