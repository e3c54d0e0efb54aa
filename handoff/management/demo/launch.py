"""Become another program that ends when the demo does, even if that is killed -9."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Take the demo's process id and the command; elsewhere than on Linux just run."""
    demo, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    # The signal is for a death to come; this one may have been before the call.
    if os.getppid() != int(demo):
        sys.exit("the demo ended")
    os.execvp(command[0], command)  # noqa: S606 (our own command, and no shell)


if __name__ == "__main__":
    main()
