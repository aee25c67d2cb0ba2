//===- ConvertForms.cpp - cvt ---------------------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Forms.h"
#include <algorithm>
#include <optional>

using namespace tilewright::sim;

namespace {

// wide: {bits of the source, bits of the result, flags, rounding}.
enum Flag : uint32_t {
  SignedSource = 1,
  SignedResult = 2,
  Saturate = 4,
  Relu = 8,
  UnitInterval = 16, ///< .sat of a float: clamped to [0, 1], NaN is +0.
};

int64_t signExtend(uint64_t value, unsigned bits) {
  return int64_t(value << (64 - bits)) >> (64 - bits);
}

uint64_t truncate(uint64_t value, unsigned bits) {
  return bits == 64 ? value : value & ((uint64_t(1) << bits) - 1);
}

Step intToInt(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  auto [from, to, flags, rounding] = inst.wide;
  forLanes(mask, [&, from = from, to = to, flags = flags](unsigned l) {
    uint64_t value = truncate(a[l], from);
    if (flags & SignedSource)
      value = signExtend(value, from);
    if (flags & Saturate) {
      __int128 v =
          flags & SignedSource ? __int128(int64_t(value)) : __int128(value);
      __int128 one = 1;
      __int128 low = flags & SignedResult ? -(one << (to - 1)) : 0;
      __int128 high = (one << (to - (flags & SignedResult ? 1 : 0))) - 1;
      value = uint64_t(std::clamp(v, low, high));
    }
    // A register wider than the result gets it extended by its type.
    if (flags & SignedResult && to < 32)
      value = truncate(signExtend(truncate(value, to), to), 32);
    else
      value = truncate(value, to);
    d[l] = value;
  });
  return Step::Next;
}

template <typename F>
Step intToFloat(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  unsigned from = inst.wide[0];
  bool isSigned = inst.wide[2] & SignedSource;
  forLanes(mask, [&](unsigned l) {
    uint64_t value = truncate(a[l], from);
    d[l] = pack<F>(isSigned ? F(signExtend(value, from)) : F(value));
  });
  return Step::Next;
}

double roundInteger(double value, uint32_t rounding) {
  switch (Rounding(rounding)) {
  case Rounding::TowardZero:
    return std::trunc(value);
  case Rounding::Down:
    return std::floor(value);
  case Rounding::Up:
    return std::ceil(value);
  default:
    return std::nearbyint(value);
  }
}

/// Saturates always. NaN gives 0, or, from f64 and to 64 bits, the integer of
/// the top bit alone (PTX ISA, cvt, of NaN to integers).
template <typename F>
Step floatToInt(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  unsigned to = inst.wide[1];
  bool isSigned = inst.wide[2] & SignedResult;
  forLanes(mask, [&](unsigned l) {
    double value = roundInteger(unpack<F>(a[l]), inst.wide[3]);
    double high = std::ldexp(1.0, isSigned ? to - 1 : to);
    double low = isSigned ? -high : 0;
    uint64_t result;
    if (std::isnan(value))
      result = to == 64 || sizeof(F) == 8 ? uint64_t(1) << (to - 1) : 0;
    else if (value >= high)
      result = isSigned ? (uint64_t(1) << (to - 1)) - 1 : ~uint64_t(0);
    else if (value <= low)
      result = isSigned ? uint64_t(1) << (to - 1) : 0;
    else
      result = isSigned ? uint64_t(int64_t(value)) : uint64_t(value);
    d[l] = truncate(result, to);
  });
  return Step::Next;
}

float clampToUnit(float value, uint32_t flags) {
  if (flags & UnitInterval)
    return value > 0 ? std::min(value, 1.0f) : 0.0f;
  return value;
}

/// A NaN that is not made canonical: bf16 widens by its bits, f64 takes f32's
/// payload and makes it quiet, .rna.tf32 cuts the payload off (an H200 does
/// so: test/sim/oracle, cvt_bf16_f16, f64_arith, cvt_tf32).
std::optional<uint64_t> convertNaN(Format from, Format to, Rounding rounding,
                                   uint64_t bits) {
  if (from == Format::BF16 && to == Format::F32)
    return (bits & 0xFFFF) << 16;
  if (from != Format::F32)
    return std::nullopt;
  if (to == Format::F64)
    return (bits & 0x80000000) << 32 | uint64_t(0x7FF8) << 48 |
           (bits & 0x3FFFFF) << 29;
  if (to == Format::TF32)
    return rounding == Rounding::NearestAway ? bits & 0xFFFFE000 : 0x7FFFE000;
  return std::nullopt;
}

/// cvt.rni.f32.f32 and its like: round to an integral value.
Step roundFloat(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask, [&](unsigned l) {
    float value = float(roundInteger(unpack<float>(a[l]), inst.wide[3]));
    d[l] = pack<float>(clampToUnit(value, inst.wide[2]));
  });
  return Step::Next;
}

/// Formats in wide[0] and wide[1].
Step floatToFloat(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  Format from = Format(inst.wide[0]), to = Format(inst.wide[1]);
  bool saturate = inst.wide[2] & Saturate, relu = inst.wide[2] & Relu;
  Rounding rounding = Rounding(inst.wide[3]);
  forLanes(mask, [&](unsigned l) {
    if (std::isnan(decode(from, a[l])))
      if (auto bits = convertNaN(from, to, rounding, a[l])) {
        d[l] = *bits;
        return;
      }
    if (inst.wide[2] & UnitInterval)
      d[l] = asBits(clampToUnit(float(decode(from, a[l])), inst.wide[2]));
    else if (from == Format::F32)
      d[l] = convertFromF32(to, unpack<float>(a[l]), rounding, saturate, relu);
    else
      d[l] = encode(to, decode(from, a[l]), rounding, saturate);
  });
  return Step::Next;
}

Step packTwo(Warp &warp, const Inst &inst, uint32_t mask) {
  Source high(warp, inst.ops[1]), low(warp, inst.ops[2]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask, [&](unsigned l) {
    d[l] = convertPacked2(Format(inst.wide[1]), unpack<float>(high[l]),
                          unpack<float>(low[l]), Rounding(inst.wide[3]),
                          inst.wide[2] & Saturate, inst.wide[2] & Relu);
  });
  return Step::Next;
}

/// cvt.rn.satfinite.e4m3x2.f16x2 and its like.
Step narrowTwo(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask, [&](unsigned l) {
    auto element = [&](unsigned shift) {
      return convertFromF32(
          Format(inst.wide[1]), float(decode(Format::F16, a[l] >> shift)),
          Rounding(inst.wide[3]), inst.wide[2] & Saturate, inst.wide[2] & Relu);
    };
    d[l] = element(16) << bitWidth(Format(inst.wide[1])) | element(0);
  });
  return Step::Next;
}

Step widenTwo(Warp &warp, const Inst &inst, uint32_t mask) {
  Source a(warp, inst.ops[1]);
  uint64_t *d = warp.reg(inst.ops[0].reg);
  forLanes(mask, [&](unsigned l) {
    d[l] = widenPacked2ToF16(Format(inst.wide[0]), uint16_t(a[l]));
  });
  return Step::Next;
}

bool isPackedPair(llvm::StringRef name, Format &format) {
  if (!name.consume_back("x2"))
    return false;
  auto parsed = parseFormat(name);
  if (!parsed)
    return false;
  format = *parsed;
  return true;
}

bool isInteger(llvm::StringRef name, Scalar &type) {
  Form form;
  form.mods = {name};
  return form.takeType(type) && type.isInt();
}

} // namespace

bool tilewright::sim::decodeCvt(Form &form, Inst &inst) {
  if (form.mods.size() < 2)
    return false;
  llvm::StringRef source = form.mods.pop_back_val();
  llvm::StringRef result = form.mods.pop_back_val();
  int rounding = form.takeOneOf({"rn", "rz", "rm", "rp", "rna"});
  int integral = form.takeOneOf({"rni", "rzi", "rmi", "rpi"});
  bool saturate = form.take("sat"), satfinite = form.take("satfinite");
  bool relu = form.take("relu");
  inst.wide[2] = (saturate || satfinite ? Saturate : 0) | (relu ? Relu : 0);
  inst.wide[3] = rounding >= 0 ? rounding : std::max(integral, 0);

  Format to, from;
  if (isPackedPair(result, to)) {
    inst.wide[1] = uint32_t(to);
    if (source == "f32") {
      inst.handler = packTwo;
      return rounding >= 0 && integral < 0 && isPlain(inst, 2);
    }
    if (source == "f16x2" && (to == Format::E4M3 || to == Format::E5M2)) {
      inst.handler = narrowTwo;
      return rounding == 0 && integral < 0 && satfinite && isPlain(inst, 1);
    }
    inst.handler = widenTwo;
    if (!isPackedPair(source, from) || to != Format::F16 ||
        (from != Format::E4M3 && from != Format::E5M2))
      return false;
    inst.wide[0] = uint32_t(from);
    return rounding == 0 && !relu && isPlain(inst, 1);
  }

  Scalar fromInt, toInt;
  bool sourceIsInt = isInteger(source, fromInt);
  bool resultIsInt = isInteger(result, toInt);
  if (!isPlain(inst, 1) || relu)
    return false;
  if (sourceIsInt)
    inst.wide[2] |= fromInt.isSigned() ? SignedSource : 0;
  if (resultIsInt)
    inst.wide[2] |= toInt.isSigned() ? SignedResult : 0;
  if (sourceIsInt && resultIsInt) {
    inst.wide[0] = fromInt.bits;
    inst.wide[1] = toInt.bits;
    inst.handler = intToInt;
    return rounding < 0 && integral < 0 && !satfinite;
  }
  if (sourceIsInt) {
    inst.wide[0] = fromInt.bits;
    inst.handler = result == "f32"   ? intToFloat<float>
                   : result == "f64" ? intToFloat<double>
                                     : nullptr;
    return inst.handler && rounding == 0 && !saturate && !satfinite;
  }
  if (resultIsInt) {
    inst.wide[1] = toInt.bits;
    inst.handler = source == "f32"   ? floatToInt<float>
                   : source == "f64" ? floatToInt<double>
                                     : nullptr;
    return inst.handler && integral >= 0 && rounding < 0 && !satfinite;
  }
  auto fromFormat = parseFormat(source), toFormat = parseFormat(result);
  if (!fromFormat || !toFormat || !isFloat(*fromFormat) || !isFloat(*toFormat))
    return false;
  inst.wide[0] = uint32_t(*fromFormat);
  inst.wide[1] = uint32_t(*toFormat);
  if (integral >= 0) {
    inst.wide[2] = saturate ? UnitInterval : 0;
    inst.handler = roundFloat;
    return source == "f32" && result == "f32" && !satfinite;
  }
  if (saturate)
    inst.wide[2] = UnitInterval;
  inst.handler = floatToFloat;
  return !saturate || (result == "f32" && !satfinite);
}
