"""Evaluation: what a bundle's verdicts on labelled logs are worth, two bundles against each other, label errors."""
