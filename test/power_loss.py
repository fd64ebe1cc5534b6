#!/usr/bin/env python3
"""power_loss.py [--cuts N] [--seed N]: cuts the power under the running server and checks what it had promised.

A killed process leaves the page cache behind, so a server that never flushes would survive kill -9. Here the data lies
on an ext4 image on a loop device, and EXT4_IOC_SHUTDOWN stops that file system without flushing anything; then the
server is killed, the image mounted again as after a reboot, and a new server started on what reached it.
"""

import argparse
import random
import sys

from faults import survive
from harness import Disk, NoLoopDevice, Server


MEGABYTES_A_CUT = 4  # what the load leaves behind at most; a full disk would end the test early


def run(cuts, seed, environment=None, report=print):
    """The complaints after `cuts` power losses; empty when every promise was kept."""
    with Disk(megabytes=512 + MEGABYTES_A_CUT * cuts) as disk, Server(disk.mounted_at / "data", environment=environment) as server:

        def lose_power(server, load):
            load.disk_fails = True
            disk.cut_power()
            server.kill()
            load.stop()
            disk.restore_power()

        return survive(server, lose_power, cuts, seed, report)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--cuts", type=int, default=20)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = arguments.parse_args()
    print(f"power_loss: seed {options.seed}", flush=True)
    try:
        complaints = run(options.cuts, options.seed, report=lambda line: print(line, flush=True))
    except NoLoopDevice as why:
        sys.exit(f"SKIPPED: the power cannot be cut on this machine: {why}")
    for line in complaints[:20]:
        print(line)
    if complaints:
        sys.exit(f"power_loss: {len(complaints)} promises were broken (seed {options.seed})")
    print(f"power_loss: {options.cuts} cuts, every promise was kept")


if __name__ == "__main__":
    main()
