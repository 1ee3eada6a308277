"""Time and memory of the demonstration, from a shop that is not there yet to three answers.

    python benchmarks/demo.py [--record]

The bars: at most six minutes and 4 GiB on two cores without a GPU.
"""

from __future__ import annotations

import argparse
import tempfile

from recording import VITRINE, measure, record


def main() -> None:
    """Runs the demonstration twice in one folder: from nothing, then with all steps done."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="write docs/results.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [*VITRINE, "demo", folder, "--no-stay", "--port", "0"]
        first, second = measure(command), measure(command)
    text = (
        f"first run:  {first.seconds:.0f} s, peak memory {first.peak_gib:.2f} GiB\n"
        f"second run: {second.seconds:.0f} s, peak memory {second.peak_gib:.2f} GiB\n\n"
        f"{first.output.replace(folder, 'demo')}"
    )
    print(text)
    if arguments.record:
        record("The demonstration", "python benchmarks/demo.py --record", text)


if __name__ == "__main__":
    main()
