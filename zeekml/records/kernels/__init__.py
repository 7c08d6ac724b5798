"""Logs read in machine code: what is simple about a line, at a few hundred of the processor's steps a connection.

Compiled by numba on the machine they run on (`zeekml.compiled`). A line that is odd in any way is left to the exact
readers, which say what it holds or why it cannot be read; tests hold the two together.
"""
