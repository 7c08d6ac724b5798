"""Scoring in machine code: the shipped kind of network and trees, compiled by numba on the machine they run on.

What they compute is defined elsewhere (``zeekml.networks``, ``zeekml.scoring.trees``) and held to it by tests; here it
is laid out for speed. The code is kept beside the modules, or in the user's cache folder, once it was compiled.
"""
