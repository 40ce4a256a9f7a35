"""``python -m benchmarks [--json] [--quick] [NAME…]``: run every benchmark, or those named."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys

import benchmarks


def names() -> list[str]:
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in found if name not in {"figure", "__main__"} and not name.startswith("_"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(names())}")
    parser.add_argument("--json", action="store_true", help="write all figures as one JSON array")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, to see that everything runs")
    options = parser.parse_args()
    unknown = set(options.names) - set(names())
    if unknown:
        parser.error(f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    figures = []
    for name in options.names or names():
        module = importlib.import_module(f"benchmarks.{name}")
        for figure in module.measure(quick=options.quick):
            figures.append(figure)
            if not options.json:
                print(figure.line(), flush=True)
    if options.json:
        json.dump([figure.as_json() for figure in figures], sys.stdout, indent=1, ensure_ascii=False)
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
