# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The benchmark's parts. Only `problems`, `contenders`, `timing` and `machine`
need PyTorch; the rest runs, and is tested, without it."""
