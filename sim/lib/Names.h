//===- Names.h - Warps and shared memory in words -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_NAMES_H
#define TILEWRIGHT_SIM_NAMES_H

#include "tilewright/Sim/Symbols.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace tilewright::sim {

/// Looks up what a launch's symbols say of warps and of addresses in
/// .shared::cta, and puts it into words. Nothing known gives numbers or "".
class Names {
public:
  /// `base`: the address of dynamic shared memory.
  Names(const Symbols &symbols, uint32_t base) : symbols(symbols), base(base) {}

  const Symbols::Role *role(unsigned warp) const;
  const Symbols::Barrier *barrier(uint32_t address) const;
  const Symbols::Range *range(uint32_t address) const;

  /// "role load (warp 4)", "role math (warps 0-3, 5)", "warps 0, 2-3". The
  /// warps are of one role or of none, ascending.
  std::string warps(llvm::ArrayRef<unsigned> warps) const;
  /// "slot 0 of pipe ab".
  static std::string slot(llvm::StringRef owner, unsigned slot);
  /// "field a of slot 0 of pipe ab", "the full barrier of slot 0 of pipe ab",
  /// or "".
  std::string address(uint32_t address) const;
  /// " (" + address() + ")", or "".
  std::string inBrackets(uint32_t address) const;

private:
  const Symbols &symbols;
  uint32_t base;
};

/// "1 arrival", "2 arrivals".
std::string plural(uint64_t count, llvm::StringRef what);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_NAMES_H
