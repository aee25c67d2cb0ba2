//===- Chip.h - chips, PTX versions and what toolkits support ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The few facts about chips and toolkits that decide which PTX version we
// emit. A PTX version is written as one number, major * 10 + minor (PTX 8.6 is
// 86), the form that LLVM's NVPTX features use.
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TARGET_CHIP_H
#define TILEWRIGHT_TARGET_CHIP_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace tilewright::target {

/// The newest PTX version that the linked LLVM can emit.
constexpr unsigned kMaxPTXVersion = 90;

/// The PTX version we emit unless the chip needs a newer one or the assembler
/// only knows an older one. It does not follow the assembler upwards, so that
/// the same source gives the same PTX on most machines.
constexpr unsigned kPreferredPTXVersion = 86;

/// The first PTX version with `.target chip` (PTX ISA, "PTX Module
/// Directives: .target", and its release notes); 0 for a chip we do not know.
unsigned minPTXVersion(llvm::StringRef chip);

/// All chips that minPTXVersion knows, for messages.
llvm::ArrayRef<llvm::StringLiteral> knownChips();

/// The newest PTX version that the toolkit `major.minor` reads (PTX ISA,
/// "Release Notes"); 0 for a toolkit that is too old for every known chip.
unsigned maxPTXVersionOfToolkit(unsigned major, unsigned minor);

/// The PTX version to emit for `chip`. `toolkitMajor` 0 means that the
/// toolkit's version is not known. Fails when the chip is not known or the
/// toolkit does not support it; the message names both.
llvm::Expected<unsigned> choosePTXVersion(llvm::StringRef chip,
                                          unsigned toolkitMajor = 0,
                                          unsigned toolkitMinor = 0);

} // namespace tilewright::target

#endif // TILEWRIGHT_TARGET_CHIP_H
