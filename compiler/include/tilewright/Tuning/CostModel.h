//===- CostModel.h - how long a kernel takes ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A KernelProfile is what the model knows of one instance of a kernel: plain
// numbers and expressions over its dimensions, read off the planned IR
// (Profile.h), nothing of its name. `predict` turns it into microseconds for
// given dimensions: a pure function, without allocation, below a microsecond.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TUNING_COSTMODEL_H
#define TILEWRIGHT_TUNING_COSTMODEL_H

#include "tilewright/Tuning/CostExpr.h"
#include "tilewright/Tuning/Machine.h"
#include <string>
#include <vector>

namespace tilewright::tuning {

/// What one execution of a piece of code asks of one CTA.
struct Work {
  double tensorCycles = 0; ///< Of the SM's tensor cores, at their full rate.
  double sharedBytes = 0;  ///< Read and written in shared memory.
  double laneOps = 0;      ///< Operations on elements, by all threads.
  double sharedReads = 0;  ///< Elements that threads read from shared memory.
  /// Scalars of tensors that elements are computed with, beyond one a read: 128
  /// columns share a scale, and a tile may lie across such blocks.
  double scalars = 0;
  double loadBytes = 0; ///< Arriving in shared memory from outside.
  double l2Bytes = 0;   ///< Asked of L2: a multicast counts for its CTA.
  double copies = 0;    ///< Bulk loads: a multicast counts for its CTA.
  double storeElements = 0;
  double gets = 0;   ///< Slots taken by the role.
  double waves = 0;  ///< Tensor-core groups that each of its groups waits for.
  double chunks = 0; ///< Chunks that wait until a staging buffer is read.
  void add(const Work &other);
};

/// A piece of a role's code for one tile: `work`, times the product of `trips`.
struct Phase {
  unsigned role = 0;
  bool inLoop = false;   ///< In a loop of its own, or once a tile.
  bool overlaps = false; ///< The next product is issued before this one's sum.
  llvm::SmallVector<CostExpr, 1> trips;
  Work work;
};

/// Bytes of a tensor that a phase moves for one tile.
struct Traffic {
  unsigned tensor = 0;
  unsigned phase = 0;
  double bytes = 0;       ///< Each execution of the phase.
  unsigned coordMask = 0; ///< The coordinates that the place depends on.
  bool isStore = false;
  bool isBulk = false; ///< A box: what is out of bounds is filled with zeros.
};

struct TensorProfile {
  std::string name;
  llvm::SmallVector<CostExpr, 2> shape;
  double elementBytes = 0;
  bool isRead = false, isWritten = false;
};

struct RoleProfile {
  std::string name;
  int64_t groups = 0; ///< Warpgroups; 0 for roles of single warps.
};

struct KernelProfile {
  std::vector<std::string> dims;
  llvm::SmallVector<CostExpr, 3> extents; ///< Tiles along each coordinate.
  int64_t cluster = 1;
  unsigned clusterDim = 0;
  int64_t raster = 1; ///< Width of a band, 1 without.
  unsigned rasterDim = 0;
  bool persistent = false;
  double inFlightBytes = 0; ///< Slots of all rings that roles fill.
  int64_t threads = 0, sharedBytes = 0;
  std::vector<RoleProfile> roles;
  std::vector<TensorProfile> tensors;
  std::vector<Phase> phases;
  std::vector<Traffic> traffic;
  /// Conditions of a launch (`require`); those the model cannot express are
  /// left to the launcher.
  std::vector<CostExpr> requirements;

  /// Whether a launch with these dimensions meets the requirements.
  bool accepts(llvm::ArrayRef<int64_t> values) const;
};

/// Microseconds, and where they go. Parts of `total` are on the CTA that has
/// most to do.
struct Prediction {
  double total = 0;
  int64_t tiles = 0, ctas = 0, rounds = 0, trips = 0;
  double lastRound = 0; ///< The part of the CTAs with a tile in the last round.
  double start = 0;     ///< Launch and first load.
  double tensor = 0, shared = 0, lane = 0, chain = 0, load = 0; ///< Main loops.
  double l2 = 0, hbm = 0; ///< The whole chip's traffic.
  double loops = 0;       ///< What the main loops take, of the above.
  double epilogue = 0;    ///< Between main loops.
  double hbmBytes = 0, l2Bytes = 0;
  /// The resource that the main loops wait for.
  const char *bound = "";
};

/// `dims` in the order of `profile.dims`.
Prediction predict(const KernelProfile &profile, llvm::ArrayRef<int64_t> dims,
                   const Machine &machine);

} // namespace tilewright::tuning

#endif // TILEWRIGHT_TUNING_COSTMODEL_H
