# Shared by the scripts in this folder; source it, do not run it.
#
# Sets ROOT (the repository), JOBS (compilers to run at once), BUILD (the build
# folder), LLVM (LLVM 22's prefix) and VENV, and the environment that makes
# ccache reuse objects.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
VENV=$ROOT/.venv
LLVM=/usr/lib/llvm-22
BUILD=${TILEWRIGHT_BUILD:-$ROOT/build/check}

say() { printf '%s\n' "$*"; }

# step TEXT: a heading with the time since the script began.
step() { printf '[%3ds] %s\n' "$SECONDS" "$*"; }

# fail TEXT: ends the script. REASON is what an EXIT trap may print.
fail() {
  REASON=$*
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# One compiler of an MLIR file needs up to 1.5 GB.
count_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ { print int($2 / 1500000) }' /proc/meminfo \
    2>/dev/null)
  [ "${memory:-$cores}" -lt "$cores" ] && cores=$memory
  [ "$cores" -lt 1 ] && cores=1
  echo "$cores"
}
JOBS=${JOBS:-$(count_jobs)}

# The sloppiness is what a precompiled header needs; the base folder lets
# clones in different places share objects.
export CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
export CCACHE_BASEDIR=$ROOT
if [ -z "${HOME:-}" ] || [ ! -w "${HOME:-/}" ]; then
  export CCACHE_DIR=${CCACHE_DIR:-$ROOT/build/ccache}
fi

# ptxas_release FILE: prints "13.0" for a ptxas that runs, else nothing.
ptxas_release() {
  [ -x "$1" ] && "$1" --version 2>/dev/null |
    sed -n 's/.*release \([0-9]*\.[0-9]*\).*/\1/p'
}

# find_ptxas: prints the first ptxas that reads PTX 8.6 (CUDA 12.7), which the
# compiler emits for sm_90a. The order is the compiler's own.
find_ptxas() {
  local candidate release
  for candidate in "${TILEWRIGHT_PTXAS:-}" "${CUDA_HOME:-/nowhere}/bin/ptxas" \
    "$(command -v ptxas)" /usr/local/cuda/bin/ptxas \
    "$VENV"/lib/python3*/site-packages/nvidia/*/bin/ptxas; do
    release=$(ptxas_release "$candidate") || continue
    [ -n "$release" ] || continue
    if [ "${release%.*}" -gt 12 ] ||
      { [ "${release%.*}" -eq 12 ] && [ "${release#*.}" -ge 7 ]; }; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

# build_tree TARGET...: configures if needed and builds, with ninja's progress.
build_tree() {
  if [ ! -f "$BUILD/build.ninja" ]; then
    step "configuring $BUILD"
    (cd "$ROOT" && cmake --preset check -B "$BUILD") \
      >"$ROOT/build/configure.log" 2>&1 || {
      tail -n 20 "$ROOT/build/configure.log" >&2
      fail "cmake failed, see build/configure.log"
    }
  fi
  step "building with $JOBS jobs"
  # A pipe makes ninja print one line a step; a terminal, one line in all.
  NINJA_STATUS='[%f/%t %es] ' ninja -C "$BUILD" -j "$JOBS" "$@" ||
    fail "the build failed, see the first error above"
}
