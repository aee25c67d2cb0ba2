#!/usr/bin/env bash
# Installs what building and testing Tilewright needs and this machine lacks:
#
#   * Debian packages: LLVM and MLIR 22, clang, lld, CMake, ninja, ccache,
#     GoogleTest (they need root, or a user with sudo);
#   * in .venv/ of this repository: pytest and numpy, and ptxas when no CUDA
#     toolkit has one.
#
# Nothing is asked. Run again, it takes a fraction of a second. demo.sh and
# test.sh run it first. Exit status 1 and one line on stderr say what is wrong.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

PACKAGES=(
  ca-certificates clang-22 clang-format-22 libclang-rt-22-dev lld-22 g++
  llvm-22-dev llvm-22-tools libmlir-22-dev mlir-22-tools
  cmake ninja-build ccache zlib1g-dev libzstd-dev libgtest-dev
  python3 python3-venv python3-psutil
)
# ptxas of this release is what the tests of registers and spills are for.
PTXAS_PACKAGE=nvidia-cuda-nvcc==13.0.88
# The disassembler that the tests of the codegen rules read machine code with.
NVDISASM_PACKAGE=nvidia-cuda-nvdisasm==13.5.37
# scikit-build-core builds the wheel.
PYTHON_PACKAGES=(pytest==8.4.2 numpy==2.3.3 scikit-build-core==1.1.2
  "$NVDISASM_PACKAGE")
LOG=$ROOT/build/setup.log

mkdir -p "$ROOT/build" || fail "cannot write to $ROOT"
: >"$LOG" || fail "cannot write to $ROOT/build"

missing_packages() {
  local package status
  for package in "${PACKAGES[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)
    [ "$status" = installed ] || echo "$package"
  done
}

# as_root COMMAND...: sudo never asks, so that this never waits unseen.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

apt_get() {
  as_root apt-get -y -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 \
    -o Dpkg::Use-Pty=0 "$@" </dev/null >>"$LOG" 2>&1
}

# The last error that apt or pip wrote to the log, on one line. pip reports a
# network failure as a warning, and then that there is no such package.
last_error() {
  {
    grep -E '^(E:|W: Failed|ERROR:|error:)' "$LOG" | tail -n 1
    grep -oE '(SSLError|NameResolutionError|NewConnectionError|Temporary failure|Connection refused).*' \
      "$LOG" | tail -n 1
  } | tail -n 1 | cut -c 1-160
}

has_candidate() {
  local candidate
  candidate=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null |
    sed -n 's/^ *Candidate: //p')
  [ -n "$candidate" ] && [ "$candidate" != '(none)' ]
}

# LLVM 22 reached Debian 12 through its security archive. Where that is not
# configured (debootstrap leaves it out) it is looked for beside the mirror in
# use, then under Debian's own name.
add_security_archive() {
  local mirrors mirror domain list
  mirrors=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
    /etc/apt/sources.list.d/*.sources 2>/dev/null | grep -v '^ *#' |
    grep -oE 'https?://[^] ]+/debian/?([[:space:]]|$)' |
    sed -E 's,/debian/?[[:space:]]*$,/debian-security,' | sort -u)
  domain=$(. /etc/os-release && echo "${HOME_URL:-}" |
    sed -E 's,^https?://(www\.)?([^/]+)/?.*,\2,')
  list=/etc/apt/sources.list.d/tilewright-security.list
  for mirror in $mirrors "http://security.$domain/debian-security"; do
    step "looking for LLVM 22 in Debian's security archive"
    echo "deb $mirror bookworm-security main" |
      as_root tee "$list" >/dev/null || return 1
    if apt_get update -o Dir::Etc::sourcelist="$list" \
      -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 &&
      has_candidate clang-22; then
      return 0
    fi
    as_root rm -f "$list"
  done
  return 1
}

install_debian_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" -eq 0 ] && return 0

  local distribution
  distribution=$(. /etc/os-release 2>/dev/null &&
    echo "${ID:-unknown} ${VERSION_ID:-}")
  [ "$distribution" = 'debian 12' ] ||
    fail "this is $distribution; the packages (${missing[*]}) can be" \
      "installed by this script on Debian 12 only"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      fail "installing packages needs root, and there is no sudo:" \
        "apt-get install ${missing[*]}"
    sudo -n true 2>/dev/null ||
      fail "installing packages needs root and sudo wants a password:" \
        "run 'sudo -v' first"
  fi

  step "fetching Debian's package lists"
  # An unrelated archive may be out of reach: what counts is whether the
  # packages can be had, asked below.
  apt_get update || true
  if ! has_candidate clang-22; then
    add_security_archive ||
      fail "Debian has no clang-22 for this machine (no network, or no" \
        "bookworm-security in apt's sources): $(last_error)"
  fi
  step "installing Debian packages (in all 2.3 GB on disk): ${missing[*]}"
  apt_get install --no-install-recommends "${missing[@]}" ||
    fail "apt-get install failed, see build/setup.log: $(last_error)"
}

# A stamp keyed on what was asked for: an edited list installs again.
install_python_packages() {
  local wanted=("${PYTHON_PACKAGES[@]}") key
  local TILEWRIGHT_PTXAS=${TILEWRIGHT_PTXAS:-}
  find_ptxas >/dev/null || wanted+=("$PTXAS_PACKAGE")
  # Once fetched, the pinned ptxas is found above: it stays in the key.
  case $(find_ptxas) in
  "$VENV"/*) wanted=("${PYTHON_PACKAGES[@]}" "$PTXAS_PACKAGE") ;;
  esac
  key="$(python3 --version 2>&1) $VENV ${wanted[*]}"
  [ "$(cat "$VENV/setup.stamp" 2>/dev/null)" = "$key" ] && return 0

  step "installing Python packages into .venv: ${wanted[*]}"
  rm -rf "$VENV"
  python3 -m venv "$VENV" >>"$LOG" 2>&1 ||
    fail "python3 -m venv failed, see build/setup.log"
  # --no-deps on ptxas's package: the rest of the CUDA compiler is not needed.
  local package
  for package in "${wanted[@]}"; do
    local options=(-q --no-input --disable-pip-version-check)
    [ "$package" = "$PTXAS_PACKAGE" ] && options+=(--no-deps)
    "$VENV/bin/python" -m pip install "${options[@]}" "$package" \
      </dev/null >>"$LOG" 2>&1 ||
      fail "pip could not install $package (no network?), see" \
        "build/setup.log: $(last_error)"
  done
  find_ptxas >/dev/null ||
    fail "$PTXAS_PACKAGE is installed, but its ptxas does not run"
  echo "$key" >"$VENV/setup.stamp"
}

install_debian_packages
install_python_packages
for tool in "$LLVM/bin/mlir-tblgen" "$LLVM/bin/FileCheck" "$LLVM/bin/lit"; do
  [ -e "$tool" ] || fail "$tool is missing although its package is installed"
done
ptxas=$(find_ptxas)
step "set up: LLVM 22, ptxas $(ptxas_release "$ptxas") ($ptxas)"
