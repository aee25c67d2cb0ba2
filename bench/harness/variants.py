# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Configurations of our kernels: what to compile, and how to launch it."""
import hashlib
import json
import os
import re
from dataclasses import dataclass, field

from .peers import PEERS
from .shapes import KINDS, parse_shapes

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KERNELS = [os.path.join(ROOT, "kernels", folder) for folder in ("gemm", "sketches")]


class VariantError(ValueError):
    """A configuration that cannot be read; the message quotes it."""


@dataclass
class Variant:
    """One kernel with its constants, and what is baked into it.

    `bake` maps a dimension to its value, or to None for that of the shape at
    hand; `facts` are divisors that a launch must keep; `options` go to the
    compiler; `sms` and `pdl` to the launch.
    """

    name: str
    kernel: str
    constants: dict = field(default_factory=dict)
    bake: dict = field(default_factory=dict)
    facts: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    sms: int = 0
    pdl: bool = False
    kind: str = "fp8"

    def source(self):
        """The path of the kernel: as given, or by name in kernels/."""
        candidates = [self.kernel, os.path.join(ROOT, self.kernel)]
        base = self.kernel if self.kernel.endswith(".tw") else self.kernel + ".tw"
        candidates += [os.path.join(folder, base) for folder in KERNELS]
        for path in candidates:
            if os.path.isfile(path):
                return path
        raise VariantError(f"{self.name}: no kernel '{self.kernel}'")

    def baked(self, shape):
        """The baked dimensions of this variant for a shape."""
        extents = {"M": shape.m, "N": shape.n, "K": shape.k}
        result = {}
        for letter, value in self.bake.items():
            if value is None and letter not in extents:
                raise VariantError(f"{self.name}: bake={letter} needs a value")
            result[letter] = extents[letter] if value is None else value
        return result

    def suits(self, shape):
        """Whether the shape has what is baked in with a value."""
        extents = {"M": shape.m, "N": shape.n, "K": shape.k}
        return self.kind == shape.kind and all(
            value is None or extents.get(letter, value) == value
            for letter, value in self.bake.items()
        )

    def stem(self, shape):
        """The name of the compiled files in a folder of artefacts. Everything
        that goes into the compilation is part of it, the source too."""
        with open(self.source(), "rb") as file:
            source = file.read()
        parts = (self.constants, self.baked(shape), self.facts, self.options)
        text = json.dumps([sorted((k, str(v)) for k, v in p.items()) for p in parts])
        digest = hashlib.blake2b(source + b"\0" + text.encode(), digest_size=8)
        base = os.path.splitext(os.path.basename(self.source()))[0]
        return f"{base}-{digest.hexdigest()}"

    def arguments(self):
        """Constants and hints as words of `tilewright`'s command line."""
        words = [f"-D{name}={_show(value)}" for name, value in self.constants.items()]
        hints = [
            f"{name[5:]}={value}"
            for name, value in self.options.items()
            if name.startswith("hint.")
        ]
        return words + (["--hint", ",".join(hints)] if hints else [])

    def describe(self):
        """One line: constants, baked dimensions, hints."""
        words = [f"{k}={_show(v)}" for k, v in self.constants.items()]
        words += [f"{k}={_show(v)}" for k, v in self.options.items()]
        if self.bake:
            baked = (k if v is None else f"{k}={v}" for k, v in self.bake.items())
            words.append("bake " + ",".join(baked))
        words += [f"{k}%{v}" for k, v in self.facts.items()]
        if self.sms:
            words.append(f"{self.sms} SMs")
        if self.pdl:
            words.append("pdl")
        return " ".join(words)


def _show(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _value(text):
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text)


def _pairs(text, what, spec):
    result = {}
    for item in filter(None, text.split(",")):
        name, equals, value = item.partition("=")
        if not equals:
            raise VariantError(f"'{spec}': {what} '{item}' has no value")
        result[name.strip()] = _value(value.strip())
    return result


def _bake(text):
    result = {}
    for item in filter(None, text.split(",")):
        name, equals, value = item.partition("=")
        result[name.strip()] = int(value) if equals else None
    return result


def parse_variant(spec, kind=None):
    """NAME:KERNEL[:CONSTANTS][:bake=N,K][:facts=M=64][:options=A=1,B=2][:sms=N]
    [:pdl][:kind=KIND]; CONSTANTS is BM=128,BN=128,…"""
    fields = spec.split(":")
    if len(fields) < 2 or not fields[0] or not fields[1]:
        raise VariantError(f"'{spec}' is not NAME:KERNEL[:CONSTANTS][:bake=N,K]…")
    variant = Variant(fields[0], fields[1], kind=kind or "fp8")
    for index, text in enumerate(fields[2:]):
        key, _, rest = text.partition("=")
        if key == "bake":
            variant.bake = _bake(rest)
        elif key == "facts":
            variant.facts = _pairs(rest, "fact", spec)
        elif key == "options":
            variant.options = _pairs(rest, "option", spec)
        elif key == "sms":
            variant.sms = int(rest)
        elif key == "pdl":
            variant.pdl = rest not in ("0", "false")
        elif key == "kind":
            variant.kind = rest
        elif index == 0:
            variant.constants = _pairs(text, "constant", spec)
        else:
            raise VariantError(f"'{spec}': what is '{text}'?")
    return _checked(variant, spec)


def from_object(entry, kind=None):
    """A variant of a JSON object with the fields of `Variant`, or of a string
    for `parse_variant`. `bake` may be a list of dimensions."""
    if isinstance(entry, str):
        return parse_variant(entry, kind)
    unknown = set(entry) - set(Variant.__dataclass_fields__)
    if unknown or "kernel" not in entry:
        wrong = f"unknown {', '.join(sorted(unknown))}" if unknown else "no 'kernel'"
        raise VariantError(f"{json.dumps(entry)}: {wrong}")
    values = dict(entry)
    if isinstance(values.get("bake"), list):
        values["bake"] = {letter: None for letter in values["bake"]}
    values.setdefault("kind", kind or "fp8")
    variant = Variant(values.pop("name", None) or "", values.pop("kernel"), **values)
    variant.name = variant.name or variant.describe()
    return _checked(variant, json.dumps(entry))


def _checked(variant, spec):
    if variant.kind not in KINDS:
        raise VariantError(f"'{spec}': kinds are {', '.join(KINDS)}")
    variant.source()
    return variant


def read_variants(path, shapes):
    """{shape: [Variant]} of a JSON file: a list of configurations for all
    shapes of their kind, or an object from a list's name, a shape or "*" to
    such a list."""
    with open(path) as file:
        content = json.load(file)
    if isinstance(content, list):
        content = {"*": content}
    found = {shape: [] for shape in shapes}
    for key, entries in content.items():
        wanted = None if key == "*" else set(parse_shapes(key))
        for entry in entries:
            for shape in shapes:
                if wanted is not None and shape not in wanted:
                    continue
                variant = from_object(entry, None if wanted is None else shape.kind)
                if variant.suits(shape):
                    found[shape].append(variant)
    return found


def check_names(entries, shape):
    """Raises VariantError if two of a shape's variants have one name."""
    names = [variant.name for variant in entries]
    for name in names:
        if names.count(name) > 1:
            raise VariantError(f"{shape.name}: two variants are named '{name}'")
        if name in PEERS:
            raise VariantError(f"'{name}' is the name of a peer")
