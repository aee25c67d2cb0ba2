//===- CostModel.cpp - how long a kernel takes ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The formulas, with what each one stands for: docs/rationale/cost-model.md.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Tuning/CostModel.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>

using namespace llvm;
using namespace tilewright::tuning;

void Work::add(const Work &other) {
  tensorCycles += other.tensorCycles;
  sharedBytes += other.sharedBytes;
  laneOps += other.laneOps;
  sharedReads += other.sharedReads;
  scalars += other.scalars;
  loadBytes += other.loadBytes;
  l2Bytes += other.l2Bytes;
  copies += other.copies;
  storeElements += other.storeElements;
  gets += other.gets;
  waves += other.waves;
  chunks += other.chunks;
}

bool KernelProfile::accepts(ArrayRef<int64_t> values) const {
  return all_of(requirements, [&](const CostExpr &condition) {
    return condition.evaluate(values, {}) != 0;
  });
}

namespace {

constexpr unsigned maxDims = 4;
constexpr unsigned maxRoles = 8;
constexpr unsigned maxTensors = 16;
constexpr unsigned maxPhases = 16; ///< Of those, trips are kept.

/// One prediction: the kernel, the dimensions and the chip at hand.
class Model {
public:
  Model(const KernelProfile &profile, ArrayRef<int64_t> dims,
        const Machine &machine)
      : profile(profile), dims(dims), machine(machine), c(machine.fitted),
        rank(std::min<size_t>(profile.extents.size(), maxDims)) {}

  Prediction run() {
    countTiles();
    sumWork();
    sumTraffic();
    combine();
    return result;
  }

private:
  /// µs of cycles.
  double us(double cycles) const { return cycles / (machine.clock * 1e3); }

  /// Cycles of all CUDA cores of an SM.
  double laneCycles(const Work &w) const {
    return (c.lane * w.laneOps + c.scale * w.sharedReads) /
           static_cast<double>(machine.lanes);
  }

  void countTiles() {
    result.tiles = 1;
    for (unsigned d = 0; d < rank; ++d) {
      extents[d] = std::max<int64_t>(profile.extents[d].evaluate(dims, {}), 0);
      if (d == profile.clusterDim)
        extents[d] = divideCeil(extents[d], profile.cluster) * profile.cluster;
      result.tiles *= extents[d];
    }
    int64_t whole = machine.sms / profile.cluster * profile.cluster;
    int64_t resident = machine.residentCTAs(profile.cluster);
    int64_t grid =
        profile.persistent ? std::min(result.tiles, whole) : result.tiles;
    result.ctas = std::max<int64_t>(std::min(grid, resident), 1);
    int64_t each = divideCeil(std::max<int64_t>(result.tiles, 1),
                              std::max<int64_t>(grid, 1));
    result.rounds = result.tiles ? each : 0;
    if (!profile.persistent) {
      result.rounds = divideCeil(result.tiles, result.ctas);
    } else if (grid > result.ctas) {
      // CTAs beyond those that are resident begin when the first of these
      // have ended; both have the fewest tiles, being last in the grid.
      int64_t late = divideCeil(result.tiles - result.ctas, grid);
      int64_t early =
          divideCeil(result.tiles - (result.ctas - profile.cluster), grid);
      result.rounds = std::max(each, early + late);
    }
    int64_t left = result.tiles - (each - 1) * grid;
    result.lastRound =
        result.tiles ? double(left) / std::max<int64_t>(grid, 1) : 0;
  }

  /// The trips of a phase for the tile that has most of them: coordinates
  /// that matter are few (the parts of a split K), so the first 16 are tried.
  double tripsOf(const Phase &phase) const {
    int64_t coords[maxDims] = {};
    unsigned mask = 0;
    for (const CostExpr &trips : phase.trips)
      mask |= trips.coordinates();
    double most = 0;
    auto evaluate = [&] {
      double product = 1;
      for (const CostExpr &trips : phase.trips)
        product *= std::max<int64_t>(trips.evaluate(dims, coords), 0);
      most = std::max(most, product);
    };
    if (mask == 0) {
      evaluate();
      return most;
    }
    for (unsigned d = 0; d < rank; ++d) {
      if (!(mask & (1u << d)))
        continue;
      for (int64_t x = 0, n = std::min<int64_t>(extents[d], 16); x < n; ++x) {
        coords[d] = x;
        evaluate();
      }
      coords[d] = 0;
    }
    return most;
  }

  void sumWork() {
    for (size_t i = 0; i < profile.phases.size(); ++i) {
      const Phase &phase = profile.phases[i];
      double trips = tripsOf(phase);
      if (i < maxPhases)
        phaseTrips[i] = trips;
      const Work &w = phase.work;
      if (w.gets > 0 && phase.inLoop)
        result.trips = std::max<int64_t>(result.trips, trips);
      auto groups = static_cast<double>(
          std::max<int64_t>(profile.roles[phase.role].groups, 1));
      Work &sum = phase.inLoop ? loops : rest;
      sum.tensorCycles += trips * w.tensorCycles;
      sum.sharedBytes += trips * w.sharedBytes;
      sum.laneOps += trips * w.laneOps;
      sum.sharedReads += trips * w.sharedReads;
      sum.scalars += trips * w.scalars;
      sum.loadBytes += trips * w.loadBytes;
      sum.l2Bytes += trips * w.l2Bytes;
      sum.copies += trips * w.copies;
      sum.storeElements += trips * w.storeElements;
      sum.chunks += trips * w.chunks / groups;
      sum.gets += trips * w.gets;
      if (!phase.inLoop)
        continue;
      // One group's own way through its slots: products take the tensor core
      // alone, a warp issues one instruction a cycle.
      double product =
          w.waves / groups * c.wave + c.tensor * w.tensorCycles / groups;
      double sums = laneCycles(w) / groups;
      double serial = phase.overlaps ? std::max(product, sums) : product + sums;
      unsigned role = std::min(phase.role, maxRoles - 1);
      double change = c.slot + (profile.cluster > 1 ? c.clusterSlot : 0);
      chain[role] += trips * (w.gets * change + serial);
    }
  }

  void sumTraffic() {
    double unique = 0, stored = 0, footprint = 0;
    double sizes[maxTensors] = {};
    for (size_t i = 0; i < profile.tensors.size(); ++i) {
      const TensorProfile &tensor = profile.tensors[i];
      double bytes = tensor.elementBytes;
      for (const CostExpr &extent : tensor.shape)
        bytes *= std::max<int64_t>(extent.evaluate(dims, {}), 0);
      if (i < maxTensors)
        sizes[i] = bytes;
      if (tensor.isRead)
        unique += bytes;
      if (tensor.isWritten)
        stored += bytes;
    }
    // Tiles that run at the same time make a rectangle of the raster; what
    // they read, each byte once, is read again in the next round unless the
    // cache still has it.
    double side[maxDims];
    concurrentSides(side);
    double rounds = double(result.tiles) / std::max<int64_t>(result.ctas, 1);
    for (const Traffic &traffic : profile.traffic) {
      if (traffic.isStore)
        continue;
      double places = 1, all = 1;
      for (unsigned d = 0; d < rank; ++d)
        if (traffic.coordMask & (1u << d)) {
          places *= side[d];
          all *= static_cast<double>(extents[d]);
        }
      double bytes =
          traffic.bytes * (traffic.phase < maxPhases
                               ? phaseTrips[traffic.phase]
                               : tripsOf(profile.phases[traffic.phase]));
      footprint += places * bytes * std::max(rounds, 1.0);
      // Boxes cover the tensor, and what lies around it.
      if (traffic.isBulk && traffic.tensor < maxTensors && all * bytes > 0)
        outside +=
            bytes * std::max(1 - sizes[traffic.tensor] / (all * bytes), 0.0);
    }
    double kept = c.cached * 1e6;
    double missed = unique > kept ? 1 - kept / unique : 0;
    result.hbmBytes =
        unique + stored + missed * std::max(0.0, footprint - unique);
    result.l2Bytes =
        (loops.l2Bytes + rest.l2Bytes) * static_cast<double>(result.tiles);
  }

  /// How many values of each coordinate the tiles of one round have.
  void concurrentSides(double (&side)[maxDims]) const {
    double left = static_cast<double>(result.ctas);
    for (double &each : side)
      each = 1;
    auto take = [&](unsigned d, double most) {
      side[d] =
          std::min({left, most, double(std::max<int64_t>(extents[d], 1))});
      left = std::max(left / side[d], 1.0);
    };
    // Innermost first: axes after the raster's plane, the band, its partner.
    unsigned plane = profile.rasterDim;
    bool banded = profile.raster > 1 && rank > 1;
    unsigned partner = plane == 0 ? 1 : plane - 1;
    for (unsigned d = rank; d-- > 0;) {
      if (banded && d == partner)
        continue;
      if (!banded || d != plane) {
        take(d, double(extents[d]));
        continue;
      }
      take(plane, double(profile.raster));
      take(partner, double(extents[partner]));
      // A round that is wider than a band begins the next one.
      double more = std::min(left, double(extents[plane]) / side[plane]);
      side[plane] *= std::max(more, 1.0);
      left = std::max(left / std::max(more, 1.0), 1.0);
    }
  }

  void combine() {
    auto rounds = static_cast<double>(result.rounds);
    result.tensor = rounds * us(c.tensor * loops.tensorCycles);
    result.shared =
        rounds * us((c.shared * loops.sharedBytes + c.fill * loops.loadBytes) /
                        machine.sharedBytes +
                    c.reads * loops.sharedReads / machine.lanes);
    result.lane = rounds * us(laneCycles(loops));
    double longest = 0;
    for (double each : chain)
      longest = std::max(longest, each);
    result.chain = rounds * us(longest);
    // An SM has its slots' bytes in flight, no more.
    double rate = std::min(c.smLoad, profile.inFlightBytes /
                                         std::max(c.loadLatency, 1.0));
    result.load =
        rounds *
        (loops.loadBytes / std::max(rate, 1e-3) + c.outside * outside) * 1e-3;
    result.l2 = (result.l2Bytes + c.miss * result.hbmBytes) / c.l2 * 1e-3;
    double chipRate = std::min(c.hbm, rate * static_cast<double>(result.ctas));
    result.hbm = (result.hbmBytes / std::max(chipRate, 1e-3) +
                  c.copy * loops.copies * static_cast<double>(result.tiles)) *
                 1e-3;

    struct Part {
      double time;
      const char *name;
    };
    const Part parts[] = {
        {result.tensor, "tensor cores"}, {result.shared, "shared memory"},
        {result.lane, "CUDA cores"},     {result.chain, "latency of a slot"},
        {result.load, "loads of an SM"}, {result.l2, "L2 cache"},
    };
    double most = 0, sum = 0;
    for (const Part &part : parts) {
      sum += part.time;
      if (part.time > most) {
        most = part.time;
        result.bound = part.name;
      }
    }
    double sms =
        most + c.hidden * (sum - most) + rounds * us(c.select * loops.scalars);
    if (result.hbm > sms)
      result.bound = "memory";
    result.loops =
        std::max(sms, result.hbm) + c.memoryHidden * std::min(sms, result.hbm);
    result.epilogue =
        rounds *
        (c.tile +
         us(c.store * rest.storeElements + c.chunk * rest.chunks +
            laneCycles(rest)) +
         (profile.cluster > 1 ? c.cluster : 0) + c.exchange * rest.gets +
         (rest.gets > 0 ? us(c.part * rest.storeElements) : 0));
    result.start = c.launch + (result.tiles ? c.firstLoad : 0);
    result.total = result.start + result.loops + result.epilogue;
  }

  const KernelProfile &profile;
  ArrayRef<int64_t> dims;
  const Machine &machine;
  const Coefficients &c;
  unsigned rank;
  int64_t extents[maxDims] = {};
  Work loops, rest;
  double chain[maxRoles] = {};
  double phaseTrips[maxPhases] = {};
  double outside = 0; ///< Bytes of a tile's boxes out of bounds.
  Prediction result;
};

} // namespace

Prediction tilewright::tuning::predict(const KernelProfile &profile,
                                       ArrayRef<int64_t> dims,
                                       const Machine &machine) {
  return Model(profile, dims, machine).run();
}
