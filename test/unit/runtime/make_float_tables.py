#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints FloatTables.inc with ml_dtypes, an implementation of the 8-bit floats
that shares nothing with ours: make_float_tables.py > FloatTables.inc"""
import ml_dtypes
import numpy as np


def literal(value):
    if np.isnan(value):
        return "NAN"
    if np.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    return float(value).hex()


def table(name, dtype):
    values = np.arange(256, dtype=np.uint8).view(dtype).astype(np.float64)
    print(f"static const double {name}[256] = {{")
    for start in range(0, 256, 4):
        row = ", ".join(literal(value) for value in values[start : start + 4])
        print(f"    {row},")
    print("};")


print(f"// Values of all 8-bit float codes, by ml_dtypes {ml_dtypes.__version__}.")
print("// Regenerate with make_float_tables.py. NAN stands for every NaN.")
table("e4m3Values", ml_dtypes.float8_e4m3fn)
table("e5m2Values", ml_dtypes.float8_e5m2)
table("e8m0Values", ml_dtypes.float8_e8m0fnu)
