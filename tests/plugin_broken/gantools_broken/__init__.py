"""Plugins as they should not be."""
