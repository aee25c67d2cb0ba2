//===- Machine.h - what the cost model knows of a chip --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One struct a chip. Data of the hardware come from the vendor's documents;
// coefficients are fitted to measurements by bench/fit_cost_model.py, and
// compiler/lib/Tuning/Machine.cpp is the only place that holds them. What each
// one multiplies: docs/rationale/cost-model.md.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TUNING_MACHINE_H
#define TILEWRIGHT_TUNING_MACHINE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>
#include <utility>

namespace tilewright::tuning {

/// Fitted. Times in microseconds, cycles of the nominal clock, bytes a
/// nanosecond; the name of a member is that of its line in a fit.
struct Coefficients {
  double launch = 0;    ///< µs: an empty kernel, and the prologue.
  double firstLoad = 0; ///< µs: until the first slot is full.
  double tensor = 0;    ///< Tensor-core cycles really taken by one.
  double shared = 0;    ///< Likewise of shared memory, at 128 bytes a cycle.
  double fill = 0;      ///< Likewise, for bytes that arrive in shared memory.
  double reads = 0;     ///< Cycles of shared memory for a read scale.
  double lane = 0;      ///< Likewise of the CUDA cores, at 128 operations.
  double scale = 0;     ///< Cycles of the CUDA cores for a read scale.
  double select = 0;    ///< Cycles for each further scalar of a broadcast read.
  double slot = 0;      ///< Cycles a role takes to change to its next slot.
  double clusterSlot = 0; ///< Cycles more where a cluster shares its slots.
  double wave = 0;        ///< Cycles from the issue of a product to its result.
  double hidden = 0;      ///< What a resource that is not the narrowest costs.
  double memoryHidden = 0; ///< Likewise of the smaller of memory and the SMs.
  double hbm = 0;          ///< Bytes a nanosecond from memory.
  double copy = 0;         ///< ns that memory loses to a bulk copy.
  double l2 = 0;           ///< Bytes a nanosecond from the L2 cache, all SMs.
  double miss = 0;         ///< Bytes of that which one from memory takes more.
  double smLoad = 0;       ///< Bytes a nanosecond that arrive in one SM.
  double outside = 0;      ///< ns a byte of a box that lies out of bounds.
  double loadLatency = 0;  ///< ns from a bulk copy to its bytes, under load.
  double tile = 0;         ///< µs a tile, beside what follows.
  double store = 0;        ///< Cycles an element of a tile that is stored.
  double chunk = 0;        ///< Cycles a chunk waits for a staging buffer.
  double cluster = 0;      ///< µs a tile if CTAs are in clusters.
  double exchange = 0;     ///< µs a slot that is taken between main loops.
  double part = 0;         ///< Cycles an element of a tile that is exchanged.
  double cached = 0;       ///< Megabytes of operands that stay in the L2 cache.
};

/// Name and value of every coefficient, in the order of the struct.
llvm::SmallVector<std::pair<llvm::StringRef, double Coefficients::*>, 24>
coefficientFields();

struct Machine {
  std::string name; ///< "h200"
  int64_t sms = 132;
  double clock = 1.98;       ///< GHz, the highest of the SMs.
  int64_t sharedBytes = 128; ///< A cycle and SM.
  int64_t lanes = 128;       ///< Operations a cycle and SM.
  int64_t l2Bytes = 50 << 20;
  /// CTAs that fill an SM each, in clusters of this many, at the same time:
  /// a cluster lies within one graphics processing cluster, whose SMs need not
  /// be a multiple of it.
  int64_t residentClusters2 = 66, residentClusters4 = 30,
          residentClusters8 = 12;
  Coefficients fitted;

  /// CTAs that can be resident, one an SM, in clusters of `size`.
  int64_t residentCTAs(int64_t size) const;
};

/// The chips known: `h100` (SXM) and `h200`.
llvm::ArrayRef<Machine> machines();
/// By name, or by what the driver calls the device ("NVIDIA H200"); null for
/// an unknown one.
const Machine *findMachine(llvm::StringRef name);
/// What is assumed where there is no GPU to ask: `h200`, the one measured.
const Machine &defaultMachine();

} // namespace tilewright::tuning

#endif // TILEWRIGHT_TUNING_MACHINE_H
