#!/usr/bin/env bash
# Sets up, builds the compiler, compiles the FP8 GEMM kernel, shows the
# resources it takes and runs it on odd and even shapes against float64: on a
# Hopper GPU where there is one, else on the simulator. The last line is
# `demo: ok ...` or `demo: failed: why`. TILEWRIGHT_BUILD chooses another build
# folder.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

REASON=
finish() {
  local status=$?
  if [ "$status" -eq 0 ]; then
    echo "demo: ok: $RESULT, $SECONDS s"
  else
    echo "demo: failed: ${REASON:-stopped by exit status $status}"
  fi
}
trap finish EXIT
trap 'REASON=interrupted; exit 130' INT TERM

KERNEL=$ROOT/kernels/gemm/fp8_gemm_nt.tw
CONSTANTS=(-D BM=128 -D BN=128 -D CL=1 -D G=8 -D WG=2)
OUT=$BUILD/demo

# The reason is setup.sh's own last line.
errors=$(mktemp) || fail "cannot write to ${TMPDIR:-/tmp}"
bash "$ROOT/scripts/setup.sh" 2>"$errors" || {
  REASON=$(tail -n 1 "$errors" | sed 's/^error: //')
  rm -f "$errors"
  exit 1
}
rm -f "$errors"
TILEWRIGHT_PTXAS=$(find_ptxas)
export TILEWRIGHT_PTXAS
build_tree tilewright

tilewright=$BUILD/bin/tilewright
mkdir -p "$OUT" || fail "cannot write to $OUT"
step "compiling kernels/gemm/fp8_gemm_nt.tw ${CONSTANTS[*]}"
"$tilewright" compile "$KERNEL" "${CONSTANTS[@]}" \
  -o "$OUT/fp8_gemm_nt" || fail "the kernel does not compile"
[ -s "$OUT/fp8_gemm_nt.cubin" ] || fail "the compiler wrote no cubin"
"$tilewright" info "$KERNEL" "${CONSTANTS[@]}" || fail "tilewright info failed"

# has_hopper: a driver with a device of compute capability 9.0.
has_hopper() {
  python3 - <<'PYTHON'
import ctypes, sys
try:
    cuda = ctypes.CDLL("libcuda.so.1")
except OSError:
    sys.exit(1)
device, major = ctypes.c_int(), ctypes.c_int()
if cuda.cuInit(0) or cuda.cuDeviceGet(ctypes.byref(device), 0):
    sys.exit(1)
cuda.cuDeviceGetAttribute(ctypes.byref(major), 75, device)
sys.exit(0 if major.value == 9 else 1)
PYTHON
}

device=(--device 0)
shapes=(1,24,128 127,576,2112 257,2112,704 4096,4096,7168)
where=
if ! has_hopper; then
  say "No Hopper GPU here: the kernel runs on the simulator, on smaller shapes."
  device=(--device sim)
  shapes=(1,24,128 129,40,576 130,256,704)
  where=" on the simulator"
fi
for shape in "${shapes[@]}"; do
  IFS=, read -r m n k <<<"$shape"
  step "M=$m N=$n K=$k"
  "$tilewright" run "$KERNEL" "${CONSTANTS[@]}" "${device[@]}" \
    --shape "M=$m,N=$n,K=$k" --check ||
    fail "wrong or not run at M=$m N=$n K=$k"
done
if [ -z "$where" ]; then
  step "timing M=4096 N=4096 K=7168"
  "$tilewright" bench "$KERNEL" "${CONSTANTS[@]}" \
    --shape M=4096,N=4096,K=7168 || fail "tilewright bench failed"
fi
RESULT="${#shapes[@]} shapes agree with float64$where"
