# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`tilewright` and `python -m tilewright`: the command line of the compiler.

This process becomes the program, which lies beside the library and is only an
entry to it: signals, exit status and memory are the program's own.
"""
import os
import sys

from . import Error, _library


def main():
    try:
        library = _library.path()
    except Error as error:
        sys.exit(f"error: {error}")
    root = os.path.dirname(os.path.dirname(os.path.abspath(library)))
    program = os.path.join(root, "bin", "tilewright")
    try:
        os.execv(program, [program] + sys.argv[1:])
    except OSError as error:
        sys.exit(f"error: cannot run {program}: {error.strerror}")


if __name__ == "__main__":
    main()
