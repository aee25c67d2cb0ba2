#!/usr/bin/env bash
# check-static.sh [BUILD]: the release's programs need only libc and libm, and
# libtilewright.so shows nothing of LLVM. Exit status 1 with the reason if not.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
BUILD=$(cd "${1:-$BUILD}" && pwd) || fail "no folder ${1:-$BUILD}"
grep -q '^TILEWRIGHT_STATIC:BOOL=ON' "$BUILD/CMakeCache.txt" 2>/dev/null || {
  say "not a static build: $BUILD"
  exit 77
}

bad=0
complain() {
  say "$*"
  bad=1
}

checked=0
for file in "$BUILD/bin/tilewright" "$BUILD/bin/tilewright-opt" \
  "$BUILD/bin/tilewright-upstream-opt" "$BUILD/bin/tilewright-ptx" \
  "$BUILD/lib/libtilewright.so"; do
  [ -e "$file" ] || continue
  checked=$((checked + 1))
  needed=$(readelf -d "$file" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  [ -n "$needed" ] || complain "$file needs no library at all: not looked at?"
  for library in $needed; do
    case $library in
    libc.so.6 | libm.so.6 | ld-linux-x86-64.so.2) ;;
    *) complain "$file needs $library" ;;
    esac
  done
  # What the loader resolves, libraries of libraries included.
  if ldd "$file" | grep -E 'LLVM|MLIR|stdc\+\+|libgcc|not found'; then
    complain "$file loads what is listed above"
  fi
done
[ -e "$BUILD/bin/tilewright" ] || complain "no $BUILD/bin/tilewright"
[ "$checked" -ge 1 ] || complain "nothing to check in $BUILD"

library=$BUILD/lib/libtilewright.so
if [ -e "$library" ]; then
  exported=$(readelf --dyn-syms -W "$library" |
    awk '$1 ~ /^[0-9]+:$/ && $7 != "UND" && $5 != "LOCAL" { print $8 }')
  foreign=$(printf '%s\n' "$exported" | grep -vE '^tw[A-Z]' | head -n 5)
  [ -n "$exported" ] || complain "$library exports nothing"
  [ -z "$foreign" ] || complain "$library exports more than its C API:" $foreign
else
  complain "no $library"
fi

# The program starts with nothing but libc at hand.
if [ -x "$BUILD/bin/tilewright" ]; then
  (cd / && env -i "$BUILD/bin/tilewright" --help >/dev/null 2>&1) ||
    complain "tilewright --help fails in an empty environment"
fi
exit "$bad"
