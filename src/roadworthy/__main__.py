"""`python -m roadworthy` is `roadworthy`."""

from __future__ import annotations

from roadworthy.cli.main import main

if __name__ == "__main__":
    main()
