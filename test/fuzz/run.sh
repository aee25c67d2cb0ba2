#!/bin/sh
# Fuzzes the language front end, or the whole compiler, for a bounded time.
#
#   test/fuzz/run.sh SECONDS [BUILD [dsl|passes]]     BUILD defaults to build/dev
#
# Builds the target (dsl: tilewright-fuzz-dsl), replays test/fuzz/regressions,
# then mutates a corpus made from the kernels, the reference's examples and what
# earlier runs found (kept in BUILD/fuzz). A finding is left in
# BUILD/fuzz/findings and fails the run: fix it, then keep the input in
# test/fuzz/regressions. A run without a corpus begins with corpus.tar.gz, what
# long runs have found.
#
# `passes` finds new inputs in a build of the preset `fuzz`, whose libraries are
# instrumented; in others it goes through those of the corpus:
#
#   cmake --preset fuzz "-DTILEWRIGHT_PARTS=dsl;compiler;test"
#   test/fuzz/run.sh 600 build/fuzz-passes passes
set -eu
seconds=${1:?usage: run.sh SECONDS [BUILD [dsl|passes]]}
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${2:-$root/build/dev}
target=tilewright-fuzz-${3:-dsl}
mkdir -p "$build"
build=$(cd "$build" && pwd)

[ -f "$build/build.ninja" ] || {
  echo "run.sh: $build is not a configured build" >&2
  exit 2
}
if ! ninja -C "$build" -t query "$target" >/dev/null 2>&1; then
  echo "fuzz: skipped, this build has no $target"
  exit 0
fi
ninja -C "$build" -j2 "$target" >"$build/fuzz-build.log" 2>&1 || {
  cat "$build/fuzz-build.log" >&2
  exit 1
}

work=$build/fuzz
mkdir -p "$work/seeds" "$work/findings"
[ -d "$work/corpus" ] || tar xzf "$here/corpus.tar.gz" -C "$work"
find "$root/kernels" "$here/seeds" -name '*.tw' -exec cp {} "$work/seeds/" \;
python3 "$root/test/lit/language/extract.py" --keep "$work/seeds" \
  docs "$root/docs/language.md" >/dev/null
fuzz=$build/bin/$target

# One process for each input: a crash names its file.
for input in "$here"/regressions/*; do
  [ -f "$input" ] || continue
  "$fuzz" -timeout=10 "$input" >"$work/regression.log" 2>&1 || {
    tail -n 40 "$work/regression.log" >&2
    echo "fuzz: failed on $input" >&2
    exit 1
  }
done

"$fuzz" -max_total_time="$seconds" -dict="$here/tw.dict" -max_len=16384 \
  -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
  -artifact_prefix="$work/findings/" \
  "$work/corpus" "$work/seeds" >"$work/run.log" 2>&1 || {
  tail -n 60 "$work/run.log" >&2
  echo "fuzz: failed, see $work/findings and $work/run.log" >&2
  exit 1
}
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/run.log")
echo "fuzz: ok, $runs inputs in $seconds s"
