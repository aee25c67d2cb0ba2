# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tables of results."""
from . import results
from .peers import PEERS, SHORT


def peers_of(rows):
    """Names of the peers that have a time or an error in some row, in order."""
    present = {name for row in rows for ours, name in row.series if not ours}
    known = [name for name in PEERS if name in present]
    return known + sorted(present - set(known))


def tflops(shape, microseconds):
    return shape.work / microseconds / 1e6


def _time(series):
    least, greatest = series.spread
    return f"{series.median:.1f} ({least:.1f}–{greatest:.1f})"


def means(rows):
    """{(kind, peer): (geometric mean of speedups, number of shapes)}"""
    found = {}
    for kind in dict.fromkeys(row.shape.kind for row in rows):
        for peer in peers_of(rows):
            ratios = [
                row.best().speedup(row.series[False, peer])
                for row in rows
                if row.shape.kind == kind and row.best()
                and (False, peer) in row.series and row.series[False, peer].valid
            ]
            mean = results.geometric_mean(ratios)
            if mean:
                found[kind, peer] = mean, len(ratios)
    return found


def markdown(rows, runs):
    """The whole report: the machine, the table, means, errors."""
    peers = peers_of(rows)
    lines = preamble(runs)
    bandwidth = runs[0]["machine"].get("copy_tbs")
    header = ["shape (M N K)", "our variant", "µs (least–greatest)", "TFLOPS", "of roof"]
    for peer in peers:
        header += [f"{PEERS.get(peer, peer)} µs", "÷ ours"]
    lines += ["", "| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    for row in rows:
        best = row.best()
        cells = [row.shape.name.replace("x", " ")]
        if best:
            cells += [best.name, _time(best)]
            cells.append(f"{tflops(row.shape, best.median):.0f}")
            cells.append(f"{row.roof(bandwidth) / best.median:.0%}")
        else:
            failed = any(s.ours for s in row.errors())
            cells += ["failed" if failed else "—", "", "", ""]
        for peer in peers:
            series = row.series.get((False, peer))
            if series is None or not series.valid:
                cells += ["—", ""]
                continue
            ratio = best.speedup(series) if best else None
            cells += [f"{series.median:.1f}", f"{ratio:.3f}" if ratio else ""]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "A ratio is the median, over the rounds, of the other's time over ours in "
        "the same round: above 1, ours is faster. The roof is every tensor moved "
        "once at the copy's bandwidth, or all operations at "
        f"{results.RATES['fp8']} TFLOPS (BF16: {results.RATES['bf16']}), whichever "
        "takes longer.",
    ]
    for (kind, peer), (mean, count) in means(rows).items():
        lines.append(
            f"* {kind}, against {PEERS.get(peer, peer)}: geometric mean "
            f"{mean:.3f} of {count} shape{'s' if count != 1 else ''}"
        )
    lines += variants(rows)
    wrong = errors(rows)
    if wrong:
        lines += ["", "Not timed:", ""] + [f"* {line}" for line in wrong]
    return "\n".join(lines) + "\n"


def preamble(runs):
    """What was measured, on what, and how."""
    machine, options = runs[0]["machine"], runs[0]["options"]
    smi = machine.get("nvidia-smi", {})
    methods = {
        contender["method"]
        for run in runs for row in run["rows"] for contender in row["contenders"]
        if "method" in contender
    }
    how = {
        "cupti": "kernel times from CUPTI",
        "events": "CUDA events around each call (they hold some launch time)",
    }
    rounds = sorted({run["options"]["rounds"] for run in runs})
    lines = [
        f"{machine.get('gpu')}, power limit {smi.get('power.limit', '?')}, driver "
        f"{smi.get('driver_version', '?')}, SM clock {smi.get('clocks.sm', '?')} of "
        f"{smi.get('clocks.max.sm', '?')} (at start), copy "
        f"{machine.get('copy_tbs') or 0:.2f} TB/s; PyTorch {machine.get('torch')}, "
        f"CUDA {machine.get('cuda')}, DeepGEMM {machine.get('deep_gemm') or 'absent'}; "
        f"{machine.get('date', '')[:10]}; revision {machine.get('revision')}.",
        "",
        f"{len(runs)} process{'es' if len(runs) != 1 else ''} of "
        f"{' or '.join(map(str, rounds))} interleaved rounds, "
        f"{options['calls']} calls each; "
        f"{' and '.join(how.get(m, m) for m in sorted(methods)) or 'nothing timed'}; "
        f"{options['flush_bytes'] / 1e9:.1f} GB written before every call; medians.",
    ]
    lines += [f"`{run['options']['command']}`" for run in runs[:1]]
    if len(runs) < results.PROCESSES or min(rounds) < results.ROUNDS:
        lines += ["", f"**Preliminary**: a published number is a median over at least "
                  f"{results.ROUNDS} rounds in each of {results.PROCESSES} processes."]
    return lines


def variants(rows):
    """All our variants of each shape, where there are several."""
    lines = []
    for row in rows:
        found = row.ours()
        if len(found) > 1:
            lines.append(f"* {row.shape.name}: " + "; ".join(
                f"{s.name} {s.median:.1f}" for s in found))
    notes = dict.fromkeys((s.name, s.note) for row in rows for s in row.ours() if s.note)
    if lines:
        lines = ["", "Our variants, µs:", ""] + lines
    if notes:
        lines += ["", "Configurations:", ""]
        lines += [f"* {name}: {note}" for name, note in notes]
    return lines


def errors(rows):
    """A line for each thing that went wrong, with the shapes it befell."""
    lines = []
    for name, message, shapes in results.errors(rows):
        where = ", ".join(shapes[:3])
        if len(shapes) > 3:
            where += f" and {len(shapes) - 3} more"
        lines.append(f"{name}: {message} ({where})")
    return lines


def compact(rows):
    """A narrow table for a terminal: our time, and peers' times over it."""
    peers = peers_of(rows)
    width = max([len(row.shape.name) for row in rows] + [5])
    bests = [row.best() for row in rows]
    names = max([len(best.name) for best in bests if best] + [4])
    names = min(names, 24)
    lines = [
        f"{'shape':<{width}} {'ours':<{names}} {'µs':>7} {'±%':>4} {'TF':>5}"
        + "".join(f" {SHORT.get(peer, peer)[:9]:>9}" for peer in peers)
    ]
    for row, best in zip(rows, bests):
        if best:
            least, greatest = best.spread
            half = (greatest - least) / 2 / best.median * 100
            text = (
                f"{row.shape.name:<{width}} {best.name[:names]:<{names}} "
                f"{best.median:7.1f} {half:4.1f} {tflops(row.shape, best.median):5.0f}"
            )
        else:
            failed = any(s.ours for s in row.errors())
            word = "FAILED" if failed else "-"
            text = f"{row.shape.name:<{width}} {word:<{names}} {'':18}"
        for peer in peers:
            series = row.series.get((False, peer))
            if series is None or not series.valid:
                text += f" {'-':>9}"
            elif best:
                text += f" {best.speedup(series) or 0:9.3f}"
            else:
                text += f" {series.median:7.1f}us"
        lines.append(text)
        others = row.ours()[:6]
        if len(others) > 1:
            lines.append("  " + "; ".join(f"{s.name} {s.median:.1f}" for s in others))
    for (kind, peer), (mean, count) in means(rows).items():
        lines.append(f"mean {kind} {SHORT.get(peer, peer)}: {mean:.3f} of {count}")
    return "\n".join(lines)
