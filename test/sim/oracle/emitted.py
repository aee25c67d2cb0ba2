#!/usr/bin/env python3
# ===- emitted.py - every form that the compiler emits has a kernel --------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Usage: emitted.py TILEWRIGHT KERNELS-DIR [--list] [--recorded] — compiles the
kernels to PTX and fails if an instruction form in it has no micro-kernel here,
with the forms and the kernels that have them. Forms whose micro-kernel waits
for its recording (gen.py, PENDING) are listed, and fail with --recorded only.
What is compiled:

* every `# instantiate:` line of KERNELS-DIR/*/*.tw for sm_90a, as it stands and
  without clusters (CL=1);
* the tiles that test/lit/kernels/fp8-gemm-configurations.test names.

Those that the compiler does not lower yet are counted; those of KERNELS-DIR/gemm
must compile without clusters. `--list` prints every form with its count."""

import collections
import glob
import os
import re
import subprocess
import sys
import tempfile

import forms
import gen
import ptxkit

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGURATIONS = os.path.join(HERE, "../../lit/kernels/"
                              "fp8-gemm-configurations.test")


def instances(root):
    """(path, constants, must compile) of each instance, without repeats."""
    seen = set()
    for path in sorted(glob.glob(os.path.join(root, "*", "*.tw"))):
        with open(path) as f:
            lines = re.findall(r"^# instantiate: (.*)$", f.read(), re.M)
        for line in lines:
            words = line.split()
            if "target=sm_90a" not in words:
                continue
            words = [w for w in words if not w.startswith("target=")]
            alone = ["CL=1" if w.startswith("CL=") else w for w in words]
            for constants in (words, alone):
                key = (path, tuple(constants))
                if key in seen:
                    continue
                seen.add(key)
                shipped = os.path.basename(os.path.dirname(path)) == "gemm"
                yield path, constants, shipped and constants == alone


def configurations(root):
    """The tiles of the lit test: it redefines bm, bn and wg, and then checks."""
    with open(CONFIGURATIONS) as f:
        text = f.read()
    value = {}
    for line in text.splitlines():
        if m := re.match(r"# REDEFINE: %\{(\w+)\} = (\d+)", line):
            value[m[1]] = m[2]
        elif line == "# RUN: %{check}":
            yield (os.path.join(root, "gemm", "fp8_gemm_nt.tw"),
                   [f"BM={value['bm']}", f"BN={value['bn']}", "CL=1", "G=8",
                    f"WG={value['wg']}"], True)


def parameters(path):
    """The kernel's compile-time constants: `kernel name<A, B: type>(`."""
    with open(path) as f:
        listed = re.search(r"^kernel \w+<([^>]*)>", f.read(), re.M)[1]
    return {re.split(r"[:=]", p)[0].strip() for p in listed.split(",")}


def compile_ptx(tilewright, path, constants, scratch):
    """The PTX, or None and the first line of the error."""
    known = parameters(path)
    command = [tilewright, "compile", path, "--emit=ptx", "-o", scratch]
    for constant in constants:
        flag = "-D" if constant.split("=")[0] in known else "--bake"
        command += [flag, constant]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or ["no message"])[0]
    with open(scratch) as f:
        return f.read(), ""


def pending():
    """The forms of micro-kernels that no GPU has run yet, with their names."""
    for family in gen.FAMILIES + gen.PENDING:
        family.make()
    stored = os.listdir(os.path.join(HERE, "kernels"))
    found = {}
    for name, kernel in ptxkit.KERNELS.items():
        if name not in stored:
            for form in map(forms.normal, ptxkit.forms(kernel.text)):
                found.setdefault(form, name)
    return found


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    tilewright, root = sys.argv[1:3]
    have = forms.recorded()
    emitted = collections.defaultdict(set)
    compiled, refused, failed = 0, [], []
    work = list(instances(root)) + list(configurations(root))
    with tempfile.TemporaryDirectory() as folder:
        for path, constants, must in work:
            text, why = compile_ptx(tilewright, path, constants,
                                    os.path.join(folder, "kernel.ptx"))
            name = f"{os.path.basename(path)} {' '.join(constants)}"
            if text is None:
                (failed if must else refused).append(f"{name}: {why}")
                continue
            compiled += 1
            for form in map(forms.normal, ptxkit.forms(text)):
                emitted[form].add(name)
    for line in refused:
        print("not lowered:", line)
    for line in failed:
        print("FAILED:", line)
    missing, unrecorded, waiting = [], 0, pending()
    for form in sorted(set(emitted) - set(have)):
        if form in waiting and "--recorded" not in sys.argv:
            print(f"{form}: {waiting[form]} waits for its recording")
            unrecorded += 1
        else:
            missing.append(form)
    for form in missing:
        users = sorted(emitted[form])
        print(f"{form}: no kernel ({'; '.join(users[:3])})")
    if "--list" in sys.argv:
        for form, users in sorted(emitted.items()):
            print(f"{form}: {len(users)}")
    print(f"{compiled} kernels compiled, {len(refused)} not lowered, "
          f"{len(failed)} failed; {len(emitted)} forms, {len(missing)} without "
          f"a micro-kernel, {unrecorded} without a recording")
    return bool(missing or failed or not compiled)


if __name__ == "__main__":
    sys.exit(main())
