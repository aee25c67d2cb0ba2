#!/usr/bin/env bash
# check-style.sh [RULE...]: checks tracked files, all rules by default.
#   format  C++ is as clang-format-22 writes it
#   banner  C++ files begin with LLVM's banner and name the licence
#   length  no source file has more than 800 lines
#   hosts   no file names the host of a package registry
#   readme  README.md shows the FP8 GEMM kernel as it is, comments left out
# `check-style.sh fix` formats the C++ files instead.
# Exit status 1, and one line for each file that breaks a rule.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT" || exit 1

# Tracked files that exist; the setting is for a clone that another user owns.
tracked() {
  git -c safe.directory="$ROOT" ls-files -- "$@" | while read -r file; do
    [ -f "$file" ] && echo "$file"
  done
}

check_format() {
  local files
  mapfile -t files < <(tracked '*.cpp' '*.h')
  [ "${#files[@]}" -gt 0 ] || return 0
  local bad
  bad=$(clang-format-22 --dry-run -Werror "${files[@]}" 2>&1 |
    grep -oE '^[^:]+:[0-9]+' | awk -F: '!seen[$1]++')
  [ -z "$bad" ] && return 0
  printf '%s: not formatted: clang-format-22 -i\n' $bad
  return 1
}

check_banner() {
  local file bad=0
  while read -r file; do
    head -n 1 "$file" | grep -qE '^//===-+ .* -+(\*- [a-zA-Z+]+ -\*)?-*===//$' || {
      echo "$file:1: no banner //===- Name - purpose ---===//"
      bad=1
    }
    head -n 12 "$file" |
      grep -q 'SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception' || {
      echo "$file: no SPDX-License-Identifier line"
      bad=1
    }
  done < <(tracked '*.cpp' '*.h' '*.td')
  return "$bad"
}

check_length() {
  tracked '*.cpp' '*.h' '*.td' '*.py' '*.sh' '*.cmake' '*.tw' |
    xargs -r -d '\n' awk '
      FNR == 801 { print FILENAME ": more than 800 lines"; bad = 1 }
      END { exit bad }'
}

# Spelled in pieces, so that this file passes its own rule.
check_hosts() {
  local hosts='py''pi\.org|python''hosted\.org|deb\.deb''ian\.org'
  hosts+='|security\.deb''ian\.org|snapshot\.deb''ian\.org'
  hosts+='|files\.py''pi|download\.pyto''rch|conda\.ana''conda'
  local found
  found=$(tracked | xargs -r -d '\n' grep -nIE "$hosts" -- | cut -c 1-120)
  [ -z "$found" ] && return 0
  printf '%s\n' "$found"
  return 1
}

check_readme() {
  local kernel=kernels/gemm/fp8_gemm_nt.tw
  diff -u <(awk '/^```tw/ { on = 1; next } /^```/ { on = 0 } on' README.md) \
    <(awk '/^kernel/ { on = 1 } on' "$kernel") && return 0
  echo "README.md does not show $kernel as it is"
  return 1
}

[ -n "$(tracked)" ] || fail "git lists no files in $ROOT"
status=0
for rule in "${@:-all}"; do
  case $rule in
  fix) tracked '*.cpp' '*.h' | xargs -r -d '\n' clang-format-22 -i ;;
  all) for each in format banner length hosts readme; do
    "check_$each" || status=1
  done ;;
  format | banner | length | hosts | readme) "check_$rule" || status=1 ;;
  *) fail "no rule $rule: format, banner, length, hosts, readme" ;;
  esac
done
exit "$status"
