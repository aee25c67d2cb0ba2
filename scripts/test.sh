#!/usr/bin/env bash
# Sets up, builds and runs every test of the repository. The last line is
# `N passed, N failed, N skipped`, also when the build fails (one failure).
# Arguments go to scripts/run_tests.py: `scripts/test.sh --only lit,unit`.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
counted=
trap '[ -n "$counted" ] || echo "0 passed, 1 failed, 0 skipped"' EXIT

bash "$ROOT/scripts/setup.sh" || exit 1
TILEWRIGHT_PTXAS=$(find_ptxas)
export TILEWRIGHT_PTXAS
build_tree all
step "running the tests"
counted=yes
python3 "$ROOT/scripts/run_tests.py" --build "$BUILD" "$@"
