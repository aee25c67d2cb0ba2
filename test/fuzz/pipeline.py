#!/usr/bin/env python3
"""pipeline.py: mutates kernels and runs the whole compiler on them.

The front end alone is fuzzed with libFuzzer (FuzzDSL.cpp), in process and on
bytes. This script works on statements, axes, extents, types and roles, so that
many mutants pass the checker and reach the passes, and runs `tilewright
compile` as its users do. A mutant is accepted or refused with an error of its
own source; anything else is a finding:

  * a signal, an assertion, `PLEASE submit a bug report`, an exit status that is
    neither 0 nor 1, no end within the timeout
  * a failure without an `error:`
  * an error that speaks of the compiler's own IR ('scf.for' op …, failed to
    legalize …, run tile-plan-resources first) or of no place in the source

    pipeline.py build/bin/tilewright [--seconds 60] [--mutants 200] [--seed 1]
                [--findings FOLDER] [--emit ptx,cubin] [--minimise] [SEED.tw …]

The same seed gives the same mutants. Only the standard library is needed.
"""
import argparse
import glob
import hashlib
import os
import random
import re
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

AXES = ["m", "n", "k", "x", "q"]
TYPES = ["e4m3", "e5m2", "bf16", "f16", "f32", "i32", "u8", "i64", "i8", "tf32"]
NUMBERS = [0, 1, 2, 3, 4, 7, 8, 16, 24, 32, 48, 64, 96, 100, 128, 192, 256, 512, -1]
NAMES = ["i", "j", "kk", "m", "n", "k", "M", "N", "K", "BM", "BN", "BK"]

# Words of an error that only someone who knows the compiler's inside can read.
INTERNAL = [
    (r"PLEASE submit a bug", "crash report"),
    (r"Assertion `", "assertion"),
    (r"failed to legalize", "failed to legalise"),
    (r"unresolved materialization|unrealized_conversion_cast", "conversion left over"),
    (r"error: '[a-z_0-9]+\.[a-z_0-9.]+' op", "error of an operation of the IR"),
    (r"error: .*\brun [a-z0-9]+-[a-z0-9-]+", "error that names a pass"),
    (r"<unknown>:0: error|^error: loc\(", "error without a place"),
    (r"LLVM ERROR", "LLVM error"),
    (r"a bug of the compiler", "wrong barriers, or a false alarm about them"),
    (r"ptxas (fatal|error)|\.ptx, line", "error of the assembler"),
]


def instances(text):
    """The `# instantiate:` lines of a file, as lists of arguments."""
    names = re.search(r"kernel\s+\w+\s*<([^>]*)>", text)
    constants = set(re.findall(r"(\w+)\s*(?::|,|$|=)", names.group(1))) if names else set()
    result = []
    for line in re.findall(r"^# instantiate:(.*)$", text, re.M):
        flags = []
        for word in line.split():
            name, value = word.split("=", 1)
            if name == "target":
                flags.append(("--target", value))
            elif name in constants:
                flags.append(("-D", word))
            else:
                flags.append(("--bake", word))
        result.append(flags)
    return result or [[]]


def strip(text):
    return "\n".join(
        line for line in re.sub(r"#[^\n]*", "", text).split("\n") if line.strip()
    )


class Mutator:
    def __init__(self, rng):
        self.rng = rng

    def mutate(self, text, flags):
        for _ in range(self.rng.choice([1, 1, 1, 1, 2, 2, 4])):
            for _ in range(20):
                if self.rng.random() < 0.12:
                    new = (text, self.flags(flags))
                else:
                    new = (self.rng.choice(self.TEXT)(self, text), flags)
                if new[0] is not None and new != (text, flags):
                    text, flags = new
                    break
        return text, flags

    def flags(self, flags):
        flags = list(flags)
        kind = self.rng.random()
        constants = [i for i, (option, _) in enumerate(flags) if option == "-D"]
        if kind < 0.6 and constants:
            at = self.rng.choice(constants)
            name = flags[at][1].split("=")[0]
            flags[at] = ("-D", "%s=%s" % (name, self.rng.choice(NUMBERS + TYPES[:3])))
        elif kind < 0.9:
            name = self.rng.choice(["M", "N", "K", "M", "N", "K", "S", "T"])
            flags.append(("--bake", "%s=%d" % (name, self.rng.choice(NUMBERS + [4096, 7168, 1 << 20]))))
        elif flags:
            flags.pop(self.rng.randrange(len(flags)))
        return flags

    def replace(self, text, pattern, make, count=1):
        found = list(re.finditer(pattern, text))
        if not found:
            return None
        for match in self.rng.sample(found, min(count, len(found))):
            new = make(match)
            if new is not None:
                return text[: match.start()] + new + text[match.end() :]
        return None

    # Statements are lines, or the parts of a line between braces and commas.

    def lines(self, text):
        lines = text.split("\n")
        first = next((i for i, l in enumerate(lines) if l.startswith("{")), 0)
        return lines, list(range(first + 1, len(lines) - 1))

    def drop_line(self, text):
        lines, body = self.lines(text)
        simple = [i for i in body if lines[i].count("{") == lines[i].count("}")]
        if not simple:
            return None
        del lines[self.rng.choice(simple)]
        return "\n".join(lines)

    def duplicate_line(self, text):
        lines, body = self.lines(text)
        simple = [i for i in body if lines[i].count("{") == lines[i].count("}")]
        if not simple:
            return None
        at = self.rng.choice(simple)
        to = at if self.rng.random() < 0.6 else self.rng.choice(body)
        lines.insert(to, lines[at])
        return "\n".join(lines)

    def swap_lines(self, text):
        lines, body = self.lines(text)
        simple = [i for i in body if lines[i].count("{") == lines[i].count("}")]
        if len(simple) < 2:
            return None
        a, b = self.rng.sample(simple, 2)
        lines[a], lines[b] = lines[b], lines[a]
        return "\n".join(lines)

    def block(self, text):
        """A block from its header's first character to its closing brace."""
        starts = [m for m in re.finditer(r"(?:\bfor\b|\bput\b|\brole\b|\bpipe\b|\bif\b)[^{}\n]*\{", text)]
        if not starts:
            return None
        match = self.rng.choice(starts)
        depth, at = 1, match.end()
        while at < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        return match.start(), match.end(), at

    def drop_block(self, text):
        found = self.block(text)
        return found and text[: found[0]] + text[found[2] :]

    def unwrap_block(self, text):
        found = self.block(text)
        return found and text[: found[0]] + text[found[1] : found[2] - 1] + text[found[2] :]

    def duplicate_block(self, text):
        found = self.block(text)
        if not found:
            return None
        copy = text[found[0] : found[2]]
        if copy.startswith(("role", "pipe")):
            copy = re.sub(r"^(role|pipe) (\w+)", lambda m: m.group(0) + self.rng.choice(["2", "x", ""]), copy)
        return text[: found[2]] + "\n" + copy + text[found[2] :]

    def wrap(self, text):
        """A statement inside a loop, a branch or a block."""
        lines, body = self.lines(text)
        simple = [i for i in body if lines[i].count("{") == lines[i].count("}")
                  and not re.match(r"\s*(pipe|tiles|role|const|fn|tune)", lines[i])]
        if not simple:
            return None
        at = self.rng.choice(simple)
        head = self.rng.choice([
            "if i > 0 {", "if kk == 0 {", "if i % 2 == 0 {", "for zz in 0..0 {", "for zz in 0..1 {",
            "for zz in 0..3 {", "for zz in 0..M {", "for zz in 0..N step 2 {", "for (i2, j2) in t {",
            "if M > 128 {", "for zz in i..j {", "if true {", "if false {",
        ])
        tail = "}" if self.rng.random() < 0.8 else "} else { %s }" % lines[at].strip()
        lines[at] = "%s\n%s\n%s" % (head, lines[at], tail if head.startswith("if") else "}")
        return "\n".join(lines)

    def drop_item(self, text):
        return self.replace(text, r",[^,(){}\[\]\n]*(?:\[[^\]\n]*\])?(?=[,}\n])", lambda m: "")

    def swap_items(self, text):
        def make(m):
            return "%s, %s" % (m.group(2), m.group(1))
        return self.replace(text, r"(\w+: ?\w+\[[^\]]*\]), *(\w+: ?\w+\[[^\]]*\])", make)

    def number(self, text):
        return self.replace(text, r"(?<![\w.])\d+(?![\w])", lambda m: str(self.rng.choice(NUMBERS)))

    def axis(self, text):
        return self.replace(text, r"\b[mnk]\b", lambda m: self.rng.choice(AXES), 1)

    def element(self, text):
        return self.replace(text, r"\b(e4m3|e5m2|bf16|f16|f32|i32|u8)\b", lambda m: self.rng.choice(TYPES))

    def name(self, text):
        return self.replace(text, r"\b(i|j|kk|M|N|K|BM|BN|BK)\b", lambda m: self.rng.choice(NAMES))

    def depth(self, text):
        return self.replace(text, r"(pipe \w+)\[\w+\]",
                            lambda m: "%s[%s]" % (m.group(1), self.rng.choice(["max", 0, 1, 2, 3, 5, 64])))

    def placement(self, text):
        return self.replace(text, r"(role \w+)\(([^)]*)\)", lambda m: "%s(%s)" % (
            m.group(1),
            self.rng.choice([
                "warps 1", "warps 2", "warps 3", "warps 4", "warps 5", "groups 1", "groups 2", "groups 3", "groups 4",
                "groups 2 split m", "groups 2 split n", "groups 4 split m", "groups 3 split m", "groups 2 split k",
                "groups 2 split t", "warps 1, regs 40", "warps 2, regs 24", "groups 1, regs 232", "groups 2 split m, regs 240",
            ])))

    def subscript(self, text):
        def make(m):
            parts = [p.strip() for p in m.group(2).split(",")]
            at = self.rng.randrange(len(parts))
            old = parts[at]
            parts[at] = self.rng.choice([
                old + " + 1", old + " - 128", "2*(%s)" % old, "(%s) // 2" % old, "(%s) %% 64" % old, "0", "m", "n",
                "k", "kk", old + " + m", "m // 8 + n", "127 - m", "j*BN + n // 2", parts[0], parts[-1], "-(%s)" % old,
            ])
            if self.rng.random() < 0.15:
                self.rng.shuffle(parts)
            return "%s[%s]" % (m.group(1), ", ".join(parts))
        return self.replace(text, r"\b([A-Z]\w*)\[([^\[\]]*)\]", make)

    def statement(self, text):
        """A new statement somewhere."""
        lines, body = self.lines(text)
        if not body:
            return None
        new = self.rng.choice([
            "s2 = get ab", "s = get ab", "free s", "acc = acc", "acc += acc", "acc: f32[m: BM, n: BN] = 0",
            "acc += mma(s.a, s.b)", "acc += mma(s.b, s.a)", "acc += mma(s.a, s.a)", "acc = acc * 2.0",
            "D[i*BM + m, j*BN + n] <- bf16(acc)", "D[i*BM + m, j*BN + n] += bf16(acc)", "D[m, n] <- bf16(acc)",
            "D[i*BM + m, j*BN + n] <- acc", "x: f32[m: BM] = 0", "x = sum<n>(acc)", "x = max<m>(acc)", "y = i * 2 + j",
            "x = reg s.sa", "x = s.sa", "x = s.sa * s.sa", "put ab { a <- A[i*BM + m, kk*BK + k] }",
            "pipe p2[2] { a: e4m3[m: BM, k: BK] }", "put p2 { a <- A[i*BM + m, kk*BK + k] }", "z = get p2",
            "acc = relu(acc)", "acc += mma(s.a, s.b) * s.sa", "acc += mma(s.a, s.b) * 2.0", "cnt: i32 = 0", "cnt += 1",
            "SA[kk, i*BM + m] <- s.sa", "acc = bf16(acc)", "v = f32(s.a)", "acc = f32(bf16(acc))",
            "v = SB[0, 0]", "acc = acc * SB[0, kk]", "D[i*BM + m, j*BN + n] <- bf16(acc) where m > 3",
        ])
        lines.insert(self.rng.choice(body), new)
        return "\n".join(lines)

    def expression(self, text):
        return self.replace(text, r"\b(acc|s\.sa|s\.a|s\.b|SB\[[^\]]*\])(?![\w:\[])", lambda m: self.rng.choice([
            "(%s * 2.0)", "(%s + %s)", "relu(%s)", "sum<n>(%s)", "max<m>(%s)", "reg %s", "f32(%s)", "bf16(%s)",
            "abs(%s)", "-%s", "exp(%s)", "(%s / 2.0)", "min(%s, 1.0)", "(%s where m > 3)", "e4m3(%s)", "i32(%s)",
            "(%s * s.sa)", "acc", "s.sa", "s.a", "1.0",
        ]).replace("%s", m.group(0)))

    def clause(self, text):
        return self.replace(text, r"(tiles \w+\([^{}\n]*?\))[^\n]*(?=\n)", lambda m: m.group(1) + self.rng.choice([
            "", " persistent", " persistent, raster 8 over j", " raster 2 over i", " persistent, cluster 2 over j",
            " persistent, raster 3 over i", " where i > 0", " persistent, cluster 2 over i pair", " raster 0 over j",
        ]))

    def loop(self, text):
        return self.replace(text, r"0\.\.cdiv\(K, \w+\)", lambda m: self.rng.choice([
            "0..0", "0..1", "1..0", "0..2", "0..K", "0..K step BK", "0..cdiv(K, BK) step 2", "i..j", "0..i", "-1..1",
            "0..cdiv(K, BK) step 0", "0..cdiv(K, BK) step i", "0..SB[0, 0]", "0..9223372036854775807",
        ]))

    def char(self, text):
        at = self.rng.randrange(len(text))
        return text[:at] + self.rng.choice("{}()[]<>+-*/,.:=0x ") + text[at + 1 :]

    TEXT = [drop_line, duplicate_line, swap_lines, drop_block, unwrap_block, duplicate_block, wrap, wrap, drop_item,
            swap_items, number, number, axis, element, element, name, depth, placement, placement, subscript,
            subscript, statement, statement, expression, expression, clause, loop, char]


class Runner:
    def __init__(self, tool, emit, timeout, folder):
        self.tool, self.emit, self.timeout, self.folder = tool, emit, timeout, folder

    def run(self, text, flags, emit):
        """None, or what is wrong and the output."""
        path = os.path.join(self.folder, "mutant.tw")
        with open(path, "w") as file:
            file.write(text)
        command = [self.tool, "compile", path, "--emit=" + emit, "-o", os.path.join(self.folder, "mutant.out")]
        for option, value in flags:
            command += ["%s=%s" % (option, value)] if option != "-D" else ["-D", value]
        try:
            run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL, timeout=self.timeout)
        except subprocess.TimeoutExpired:
            return "hang", "no end within %d s" % self.timeout
        output = run.stdout.decode("utf-8", "replace")
        self.accepted = run.returncode == 0
        if run.returncode not in (0, 1):
            return "exit status %d" % run.returncode, output
        for pattern, why in INTERNAL:
            if re.search(pattern, output, re.M):
                return why, output
        if run.returncode == 1 and "error: " not in output:
            return "failure without an error", output
        return None

    @staticmethod
    def key(finding):
        """Findings with the same key have, most likely, the same cause."""
        why, output = finding
        for pattern in (r"Assertion `.*?' failed", r"error: .*", r"LLVM ERROR.*", r" #\d+ .*tilewright::\S+"):
            lines = [l for l in re.findall(pattern, output) if why != "error of an operation of the IR" or "' op" in l]
            if lines:
                return why + ": " + re.sub(r"\d+|'[^'.]*'|<[^>]*>|0x\w+", "_", lines[0])[:160]
        return why

    def minimise(self, text, flags, emit, key):
        """Drops lines, then items, as long as the finding stays the same."""
        deadline = time.time() + 40

        def same(candidate):
            finding = self.run(candidate, flags, emit)
            return finding is not None and self.key(finding) == key

        changed = True
        while changed and time.time() < deadline:
            changed = False
            for size in (4, 2, 1):
                at = 0
                while at < text.count("\n") and time.time() < deadline:
                    lines = text.split("\n")
                    candidate = "\n".join(lines[:at] + lines[at + size :])
                    if same(candidate):
                        text, changed = candidate, True
                    else:
                        at += 1
        return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tool")
    parser.add_argument("kernels", nargs="*")
    parser.add_argument("--seconds", type=float, default=60, help="stop after this long")
    parser.add_argument("--mutants", type=int, default=1 << 30, help="stop after so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=20, help="of one compilation")
    parser.add_argument("--emit", default="ptx", help="stages, one of which is drawn for each mutant")
    parser.add_argument("--findings", help="folder to keep findings in")
    parser.add_argument("--minimise", action="store_true")
    args = parser.parse_intermixed_args()

    paths = args.kernels or sorted(
        glob.glob(os.path.join(ROOT, "kernels", "**", "*.tw"), recursive=True)
        + glob.glob(os.path.join(HERE, "seeds", "*.tw")))
    seeds = []
    for path in paths:
        with open(path) as file:
            text = file.read()
        for flags in instances(text):
            seeds.append((strip(text), flags))

    rng, start, found = random.Random(args.seed), time.time(), {}
    mutator, count, accepted = Mutator(rng), 0, 0
    scores = [(0, 0)] * len(seeds)
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(args.tool, args.emit, args.timeout, folder)
        while count < args.mutants and time.time() - start < args.seconds:
            # Seeds of which mutants are accepted reach furthest.
            weights = [0.05 + (good + 1) / (tried + 1) for good, tried in scores]
            at = rng.choices(range(len(seeds)), weights)[0]
            text, flags = mutator.mutate(*seeds[at])
            emit = rng.choice(args.emit.split(","))
            finding = runner.run(text, flags, emit)
            count += 1
            good = finding is None and runner.accepted
            accepted += good
            scores[at] = (scores[at][0] + good, scores[at][1] + 1)
            if finding is None:
                continue
            key = runner.key(finding)
            found.setdefault(key, 0)
            found[key] += 1
            if found[key] > 1:
                continue
            if args.minimise:
                text = runner.minimise(text, flags, emit, key)
                finding = runner.run(text, flags, emit) or finding
            print("FOUND %s\n  flags: %s --emit=%s" % (key, " ".join("%s %s" % f for f in flags), emit), flush=True)
            if args.findings:
                os.makedirs(args.findings, exist_ok=True)
                stem = os.path.join(args.findings, hashlib.sha1(key.encode()).hexdigest()[:8])
                with open(stem + ".tw", "w") as file:
                    file.write(text)
                with open(stem + ".log", "w") as file:
                    file.write("%s\n%s --emit=%s\n%s" % (key, flags, emit, finding[1]))
            else:
                print(text + "\n" + finding[1][-2000:], flush=True)
    for key, times in sorted(found.items(), key=lambda x: -x[1]):
        print("%5d × %s" % (times, key))
    print("%d mutants, %d compiled, %d findings" % (count, accepted, len(found)))
    return 1 if found or not count else 0


if __name__ == "__main__":
    sys.exit(main())
