"""The training backend: one trainer for every task."""
