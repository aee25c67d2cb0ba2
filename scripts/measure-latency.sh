#!/usr/bin/env bash
# Median of five compilations, source to cubin, split by part, for the table in
# docs/performance.md. TILEWRIGHT names another compiler than build/dev's. Run
# it on an idle machine: the first compilation warms the page cache and is not
# counted.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
tilewright=${TILEWRIGHT:-$root/build/dev/bin/tilewright}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
grep -m1 'model name' /proc/cpuinfo | sed 's/.*: //'
for tile in "128 128 2" "64 64 1" "128 96 2"; do
  read -r bm bn wg <<<"$tile"
  for run in 0 1 2 3 4 5; do
    "$tilewright" compile "$root/kernels/gemm/fp8_gemm_nt.tw" -D "BM=$bm" \
      -D "BN=$bn" -D CL=1 -D G=8 -D "WG=$wg" -o "$out/k" --time 2>"$out/time"
    [ "$run" = 0 ] || grep '^front end' "$out/time"
  done | python3 -c '
import re, statistics, sys
names, rows = ["front end", "passes", "LLVM", "assembler", "total"], []
for line in sys.stdin:
    rows.append([float(re.search(name + r" ([0-9.]+) ms", line)[1]) for name in names])
medians = [statistics.median(column) for column in zip(*rows)]
print(sys.argv[1] + ": " + ", ".join(f"{n} {v:.0f} ms" for n, v in zip(names, medians)))
' "${bm}x${bn}"
done
