"""The command `tinybert profile`."""

import argparse

from tinybert.cli.printing import print_json
from tinybert.cli.terminal import ProgressDisplay

HELP = "How fast this device runs small models, for `compress --device` on another machine."
EXAMPLES = (
    "tinybert profile --out pi5.json",
    "tinybert profile --out pi5.json --length 32 --threads 1",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds what it takes."""
    parser.add_argument(
        "--out", default="profile.json", metavar="FILE", help="default: profile.json"
    )
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="rows; default: 1")
    parser.add_argument("--length", type=int, default=128, metavar="N", help="tokens; default: 128")
    parser.add_argument("--threads", type=int, metavar="N", help="default: all cores")


def run(options: argparse.Namespace) -> None:
    """Writes what was measured, and says where."""
    from tinybert.measure.profile import check_out, profile, write_profile

    check_out(options.out)
    with ProgressDisplay() as display:
        found = profile(
            length=options.length, batch=options.batch, threads=options.threads, progress=display
        )
    write_profile(options.out, found)
    if options.json:
        print_json(found)
        return
    machine = found["machine"]
    print(
        f"{options.out}: {machine['cpu']}, {found['threads']} of {machine['cores']} cores, "
        f"{len(found['blocks'])} models; 4 layers of 256 take {found['reference_ms']:.2f} ms in "
        f"fp32 at {found['length']} tokens\n"
        f"Elsewhere: tinybert compress MODEL --train DATA --max-latency 1ms --device {options.out}"
    )
