//===- TileEffects.cpp - which memory the tile operations touch -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/Resources.h"
#include "tilewright/Dialect/Tile/TileDialect.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tile;

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

template <typename Resource> static void reads(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), Resource::get());
}
template <typename Resource> static void writes(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), Resource::get());
}

void ReadOp::getEffects(Effects &effects) { reads<GlobalMemory>(effects); }
void LoadElementOp::getEffects(Effects &effects) {
  reads<GlobalMemory>(effects);
}
void StoreOp::getEffects(Effects &effects) {
  if (getAccumulate())
    reads<GlobalMemory>(effects);
  writes<GlobalMemory>(effects);
}
void StoreElementOp::getEffects(Effects &effects) {
  writes<GlobalMemory>(effects);
}
/// The engine that copies is decided later; the write is asynchronous.
void CopyOp::getEffects(Effects &effects) {
  reads<GlobalMemory>(effects);
  writes<AsyncSharedMemory>(effects);
}
void LoadOp::getEffects(Effects &effects) { reads<SharedMemory>(effects); }
void LoadSharedOp::getEffects(Effects &effects) {
  reads<SharedMemory>(effects);
}
void LoadSumOp::getEffects(Effects &effects) { reads<SharedMemory>(effects); }
void PutPartsOp::getEffects(Effects &effects) { writes<SharedMemory>(effects); }
void PutOp::getEffects(Effects &effects) { writes<SharedMemory>(effects); }
void StoreFragmentOp::getEffects(Effects &effects) {
  writes<SharedMemory>(effects);
}
