#!/usr/bin/env python3
# ===- ptxkit.py - assembling the oracle's micro-kernels ------------------===//
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Helpers that gen.py's families use to write kernel.ptx and spec.json.

A body is PTX with named registers: %p_x (predicate), %h_x (b16), %r_x (b32),
%d_x (b64). They are renumbered to the names that LLVM's NVPTX backend prints
(%p1, %rs1, %r1, %rd1), so that a parser meets the same shape of text as in
what the compiler emits. `$P0`, `$P1`, … name the parameters.
"""

import json
import os
import re

KERNELS = {}

BANKS = {"p": ("%p", ".pred"), "h": ("%rs", ".b16"), "r": ("%r", ".b32"),
         "d": ("%rd", ".b64")}


class Kernel:
    """One micro-kernel: its text, its buffers and how it is launched."""

    def __init__(self, name, about, body, params, buffers, block=128, grid=1,
                 cluster=1, smem=0, extra="", launches=None, attrs=""):
        assert name not in KERNELS, name
        three = lambda v: list(v) if isinstance(v, (list, tuple)) else [v, 1, 1]
        self.name, self.about = name, about
        self.params, self.buffers = params, buffers
        self.block, self.grid = three(block), three(grid)
        self.cluster, self.smem = three(cluster), smem
        self.launches = launches
        bodies = body if isinstance(body, dict) else {"k": body}
        self.text = header(smem) + extra + "".join(
            entry(n, b, params, self.block, attrs) for n, b in bodies.items())
        KERNELS[name] = self

    def spec(self):
        out = {"name": self.name, "about": self.about, "block": self.block,
               "grid": self.grid, "cluster": self.cluster, "smem": self.smem,
               "launches": self.launches or [{"entry": "k"}],
               "params": self.params, "buffers": self.buffers,
               "forms": forms(self.text)}
        return out

    def write(self, root):
        folder = os.path.join(root, self.name)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, "kernel.ptx"), "w") as f:
            f.write(self.text)
        with open(os.path.join(folder, "spec.json"), "w") as f:
            f.write(dump(self.spec()))


def dump(spec):
    """JSON with one line for each parameter and each buffer."""
    lines = []
    for key, value in spec.items():
        if key == "buffers":
            rows = ",\n".join("    %s: %s" % (json.dumps(k), json.dumps(v))
                              for k, v in value.items())
            lines.append('  "buffers": {\n%s\n  }' % rows)
        elif key == "params":
            rows = ",\n".join("    " + json.dumps(v) for v in value)
            lines.append('  "params": [\n%s\n  ]' % rows)
        else:
            lines.append("  %s: %s" % (json.dumps(key), json.dumps(value)))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def header(smem):
    text = ".version 8.6\n.target sm_90a\n.address_size 64\n\n"
    if smem:
        text += ".extern .shared .align 1024 .b8 smem[];\n\n"
    return text


def entry(name, body, params, block, attrs):
    decls = []
    for i, p in enumerate(params):
        if "tensormap" in p:
            decls.append("\t.param .align 64 .b8 %s_param_%d[128]" % (name, i))
        elif "buffer" in p:
            decls.append("\t.param .u64 .ptr .global .align 1 %s_param_%d"
                         % (name, i))
        elif "bytes" in p:
            decls.append("\t.param .align 8 .b8 %s_param_%d[%d]"
                         % (name, i, len(p["bytes"])))
        else:
            decls.append("\t.param .%s %s_param_%d"
                         % (next(iter(p)), name, i))
    body = re.sub(r"\$P(\d+)", name + r"_param_\1", body)
    body, regs = renumber(body)
    return (".visible .entry %s(\n%s\n)\n.reqntid %d, %d, %d\n%s{\n%s%s\n}\n\n"
            % (name, ",\n".join(decls), *block, attrs, regs, layout(body)))


def renumber(body):
    """Named registers to numbered ones, and their declarations."""
    numbers = {bank: {} for bank in BANKS}

    def number(match):
        bank, name = match.group(1), match.group(2)
        seen = numbers[bank]
        return "%s%d" % (BANKS[bank][0], seen.setdefault(name, len(seen) + 1))

    body = re.sub(r"%([phrd])_(\w+)", number, body)
    regs = "".join("\t.reg %s \t%s<%d>;\n" % (t, n, len(numbers[b]) + 1)
                   for b, (n, t) in BANKS.items() if numbers[b])
    return body, regs


def layout(body):
    """One statement a line; labels at the margin."""
    out = []
    for line in body.split("\n"):
        line = line.strip()
        if line:
            out.append(line if line.endswith(":") else "\t" + line)
    return "\n".join(out)


def forms(text):
    """The distinct opcodes (with their suffixes) of a PTX text."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    found = set()
    for line in text.split("\n"):
        line = re.sub(r"^\s*(\$?\w+:|[{}])*\s*", "", line)
        line = re.sub(r"^@!?%?\w+\s+", "", line)
        m = re.match(r"([a-z][\w.:]*)(\s[^:]*)?;", line)
        if m:
            found.add(m.group(1))
    return sorted(found)


# --- buffers --------------------------------------------------------------

def zero(size, out=False):
    return {"bytes": size, "init": {}, "out": out}


def out(size, word=0):
    """An output; every word starts as `word`."""
    return {"bytes": size, "init": {"fill": word}, "out": True}


def rand(size, seed, mask=0xFFFFFFFF, bits=0, words=None, out=False):
    """Words (splitmix64(seed, i) & mask) | bits; `words` replace the first."""
    init = {"random": seed, "and": mask, "or": bits}
    if words:
        init["words"] = list(words)
    return {"bytes": size, "init": init, "out": out}


# Masks that make random words finite numbers of moderate size.
E4M3 = dict(mask=0xBFBFBFBF)
E5M2 = dict(mask=0xBFBFBFBF)
BF16 = dict(mask=0xBFFFBFFF, bits=0x3C003C00)
F16 = dict(mask=0xBFFFBFFF, bits=0x20002000)
F32 = dict(mask=0xBFFFFFFF, bits=0x3C000000)

SPECIAL_F32 = [0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x7F800000,
               0xFF800000, 0x7FC00000, 0xFFC12345, 0x7F800001, 0x00000001,
               0x80000001, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0xFF7FFFFF,
               0x3F7FFFFF, 0x4B000000, 0x4B800001, 0x4F000000, 0xCF000000,
               0x4F800000, 0x33800000, 0x33000000, 0x477FE000, 0x477FF000,
               0x43E00000, 0x43E80000, 0x47600000, 0x3F808000, 0x3F818000,
               0x40490FDB, 0xC2F6E979]


def smem_addr(reg, offset=0):
    return "mov.b64 %%d_sm, smem;\ncvt.u32.u64 %s, %%d_sm;\n" % reg + (
        "add.s32 %s, %s, %d;\n" % (reg, reg, offset) if offset else "")


COUNT = [0]


def label(stem):
    COUNT[0] += 1
    return "$L__%s_%d" % (stem, COUNT[0])


def wait(barrier, parity):
    """Spin on mbarrier.try_wait.parity, in the compiler's form."""
    l = label("wait")
    return ("%s:\nmbarrier.try_wait.parity.shared.b64 %%p_w, [%s], %s;\n"
            "not.pred %%p_nw, %%p_w;\n@%%p_nw bra %s;\n"
            % (l, barrier, parity, l))


def copy_loop(stem, src, dst, words, threads, space_src, space_dst):
    """Threads copy `words` 32-bit words; src and dst are 64-bit registers."""
    l, e = label(stem), label(stem)
    return (f"mov.b32 %r_ti, %r_tid;\n{l}:\n"
            f"setp.ge.u32 %p_te, %r_ti, {words};\n@%p_te bra {e};\n"
            "mul.wide.u32 %d_toff, %r_ti, 4;\n"
            f"add.s64 %d_ta, {src}, %d_toff;\nadd.s64 %d_tb, {dst}, %d_toff;\n"
            f"ld.{space_src}.b32 %r_tv, [%d_ta];\n"
            f"st.{space_dst}.b32 [%d_tb], %r_tv;\n"
            f"add.s32 %r_ti, %r_ti, {threads};\nbra.uni {l};\n{e}:\n")


def fill_shared(word, words, threads):
    l, e = label("fill"), label("fill")
    return (f"mov.b32 %r_ti, %r_tid;\nmov.b32 %r_tv, {word};\n"
            f"mov.b64 %d_sm, smem;\n{l}:\n"
            f"setp.ge.u32 %p_te, %r_ti, {words};\n@%p_te bra {e};\n"
            "mul.wide.u32 %d_toff, %r_ti, 4;\nadd.s64 %d_ta, %d_sm, %d_toff;\n"
            f"st.shared.b32 [%d_ta], %r_tv;\nadd.s32 %r_ti, %r_ti, {threads};\n"
            f"bra.uni {l};\n{e}:\n")


TID = "mov.u32 %r_tid, %tid.x;\n"


def load_ptr(reg, index):
    return f"ld.param.b64 {reg}, [$P{index}];\ncvta.to.global.u64 {reg}, {reg};\n"
