#!/usr/bin/env bash
# check-static.sh [BUILD]: the release's programs and libtilewright.so need only
# libc and libm (the program tilewright: that library, too) and know no path of
# the build; what a wheel holds needs no newer glibc than the wheel's tag says;
# the library shows nothing of LLVM. Exit status 1 with the reason if not. Installing into a wheel runs it.
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

# The wheel's platform tag is the promise to keep.
tag=$(grep -oE 'manylinux_2_[0-9]+' "$ROOT/pyproject.toml" | head -n 1)
[ -n "$tag" ] || complain "pyproject.toml names no manylinux tag"
promised=2.${tag##*_}

# Folders of ours, not the repository's own path: that may be as short as /src.
paths=(-e "$BUILD/")
for part in compiler dsl runtime sim tools; do
  paths+=(-e "$ROOT/$part/")
done

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
    libtilewright.so)
      [ "$file" = "$BUILD/bin/tilewright" ] ||
        complain "$file needs $library"
      ;;
    *) complain "$file needs $library" ;;
    esac
  done
  glibc=$(readelf -V -W "$file" | grep -oE 'GLIBC_2\.[0-9.]+' | sed 's/.*_//' |
    sort -uV | tail -n 1)
  [ -n "$glibc" ] || complain "$file needs no version of glibc: not looked at?"
  newest=$(printf '%s\n' "$glibc" "$promised" | sort -V | tail -n 1)
  case $file in
  */bin/tilewright | */lib/libtilewright.so) # what a wheel holds
    [ "$newest" = "$promised" ] ||
      complain "$file needs glibc $glibc, but pyproject.toml's tag is $tag"
    ;;
  esac
  if grep -qF "${paths[@]}" "$file"; then
    complain "$file holds paths of this build"
  fi
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
