"""Dulian 督联: federated supervision of government decisions by signed records."""

__version__ = "0.1.0"
