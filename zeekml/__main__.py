"""``python -m zeekml``: the same as the ``zeekml`` command."""

from __future__ import annotations

from zeekml.cli import main

if __name__ == "__main__":
    main()
