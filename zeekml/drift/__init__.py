"""Drift: whether the connections are still like those that the model was trained on.

Compares features with training's by the population stability index, and counts scores near the threshold.
"""
