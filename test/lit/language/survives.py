#!/usr/bin/env python3
"""survives.py TOOL FOLDER: runs TOOL on every file of FOLDER; it must end by
itself within 20 seconds with exit status 0 (accepted) or 1 (errors)."""
import os
import subprocess
import sys

tool, folder = sys.argv[1:]
failed = 0
names = sorted(os.listdir(folder))
for name in names:
    command = [tool, os.path.join(folder, name)]
    try:
        run = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20
        )
        why = None if run.returncode in (0, 1) else "exit status %d" % run.returncode
        if why is None and run.returncode == 1 and b"error: " not in run.stdout:
            why = "failed without an error"
    except subprocess.TimeoutExpired:
        why = "did not end"
    if why:
        failed += 1
        print("FAILED %s: %s" % (name, why))
print("%d files, %d failed" % (len(names), failed))
sys.exit(1 if failed or not names else 0)
