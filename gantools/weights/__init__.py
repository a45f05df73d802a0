"""Weights: safetensors files that describe themselves, and where to find them."""
