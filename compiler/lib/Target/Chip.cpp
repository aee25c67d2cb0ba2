//===- Chip.cpp - chips, PTX versions and what toolkits support -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/Chip.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

#include <algorithm>

using namespace llvm;

namespace tilewright::target {

namespace {
struct ChipVersion {
  StringLiteral chip;
  unsigned ptx;
};
struct ToolkitVersion {
  unsigned toolkit; // major * 10 + minor
  unsigned ptx;
};
} // namespace

// PTX ISA, ".target" and "Release Notes"; the suffix `a` is one architecture,
// `f` a family of them. Hopper and later: nothing older has wgmma or TMA.
static constexpr ChipVersion kChips[] = {
    {"sm_90", 78},   {"sm_90a", 80},  {"sm_100", 86},  {"sm_100a", 86},
    {"sm_100f", 88}, {"sm_103", 88},  {"sm_103a", 88}, {"sm_103f", 88},
    {"sm_110", 90},  {"sm_110a", 90}, {"sm_110f", 90}, {"sm_120", 87},
    {"sm_120a", 87}, {"sm_120f", 88}, {"sm_121", 88},  {"sm_121a", 88},
    {"sm_121f", 88},
};

static constexpr ToolkitVersion kToolkits[] = {
    {118, 78}, {120, 80}, {121, 81}, {122, 82}, {123, 83}, {124, 84},
    {125, 85}, {126, 85}, {127, 86}, {128, 87}, {129, 88}, {130, 90},
};

unsigned minPTXVersion(StringRef chip) {
  for (const ChipVersion &entry : kChips)
    if (chip == entry.chip)
      return entry.ptx;
  return 0;
}

ArrayRef<StringLiteral> knownChips() {
  static const SmallVector<StringLiteral> chips = [] {
    SmallVector<StringLiteral> result;
    for (const ChipVersion &entry : kChips)
      result.push_back(entry.chip);
    return result;
  }();
  return chips;
}

unsigned maxPTXVersionOfToolkit(unsigned major, unsigned minor) {
  unsigned version = major * 10 + std::min(minor, 9u), ptx = 0;
  for (const ToolkitVersion &entry : kToolkits)
    if (entry.toolkit <= version)
      ptx = entry.ptx;
  return ptx;
}

Expected<unsigned> choosePTXVersion(StringRef chip, unsigned toolkitMajor,
                                    unsigned toolkitMinor) {
  unsigned lowest = minPTXVersion(chip);
  if (!lowest)
    return createStringError("unknown chip '" + chip + "'; known are " +
                             join(knownChips(), ", "));
  unsigned wanted = std::max(lowest, kPreferredPTXVersion);
  if (!toolkitMajor)
    return wanted;
  unsigned highest = maxPTXVersionOfToolkit(toolkitMajor, toolkitMinor);
  if (highest < lowest)
    return createStringError("chip '" + chip + "' needs PTX " +
                             Twine(lowest / 10) + "." + Twine(lowest % 10) +
                             ", which the assembler of CUDA " +
                             Twine(toolkitMajor) + "." + Twine(toolkitMinor) +
                             " does not know; use a newer one (--ptxas)");
  return std::min(wanted, highest);
}

} // namespace tilewright::target
