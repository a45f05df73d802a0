"""Metrics: features of pictures -> statistics -> a value with its error. They know no task and no network of ours."""

from gantools.metrics.base import Evidence, Metric, Value

__all__ = ["Evidence", "Metric", "Value"]
