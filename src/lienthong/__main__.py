"""``python -m lienthong``."""

from lienthong.cli.app import main

main()
