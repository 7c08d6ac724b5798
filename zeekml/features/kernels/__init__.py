"""Features in machine code, row by row: what ``connection``, ``hosts`` and ``context`` define, laid out for speed.

Nothing here knows a frame or a name: arrays in, arrays out. Sums over windows are of whole numbers, so a row comes out
the same to the last bit wherever a log is cut into batches.
"""
