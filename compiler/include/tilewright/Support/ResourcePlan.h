//===- ResourcePlan.h - warps, registers, shared memory of a kernel -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The resource planner: from what roles, pipes and buffers ask for, and the
// limits of the target, to warp ranges, register counts, pipe depths and
// shared-memory offsets; or to a failure that names the limit with the numbers.
//
// It is a pure function, deterministic, and takes microseconds: the cost model
// that chooses a kernel's constants calls it thousands of times.
//
// The rules:
//
// * Warps. Roles of whole groups come first, in the order of the request, then
//   roles of 4 or more warps, then the roles of fewer than 4 warps, packed
//   into shared warpgroups first-fit. setmaxnreg acts on a warpgroup (PTX ISA,
//   "setmaxnreg": all warps of the warpgroup must execute the same one), so
//   packed roles share a register count, roles that ask for different counts
//   are not packed together, and when counts differ at all the last warpgroup
//   is filled up with idle warps.
// * Registers. Every thread enters with floor(65536 / threads) rounded down to
//   the allocation granularity (8) and capped at 255, which is what ptxas
//   compiles to under .maxntid and .minnctapersm 1 (168 for 384 threads). The
//   pool of the CTA is that count times its threads. setmaxnreg moves
//   registers between warpgroups: counts are multiples of 8 in 24..256 and
//   their sum over threads must not exceed the pool. Roles without groups get
//   40 by default, lowered to 32 or 24 when the groups need it; groups share
//   what is left evenly, at most 240.
// * Shared memory. Buffers and fields are placed in the order of falling
//   alignment, the stages of a field side by side, barriers last. Pipes of
//   depth `max` share what fixed demands leave: as many equal shares as there
//   are such pipes, then single stages to the shallowest pipe that fits.
//   Buffers that can use more copies get what then remains, the one with the
//   fewest steps first: a stage of a pipe is worth more than a staged chunk.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SUPPORT_RESOURCEPLAN_H
#define TILEWRIGHT_SUPPORT_RESOURCEPLAN_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace tilewright {

//===----------------------------------------------------------------------===//
// Limits of a target
//===----------------------------------------------------------------------===//

struct TargetLimits {
  /// Dynamic shared memory that one CTA may use, bytes (227 KB).
  int64_t sharedBytes = 232448;
  /// 32-bit registers of an SM.
  int64_t registers = 65536;
  int64_t maxThreads = 1024;
  /// The most that one thread can address.
  int64_t maxRegistersPerThread = 255;
  /// Per-thread counts are rounded to this when warps are allocated.
  int64_t registerGranularity = 8;
  /// Range of setmaxnreg (multiples of 8); 0, 0 where it does not exist.
  int64_t setmaxMin = 24;
  int64_t setmaxMax = 256;
  /// What automatic counts for groups are capped at.
  int64_t groupRegistersCap = 240;
  /// Automatic count for roles without groups.
  int64_t warpRoleRegisters = 40;
  /// The wgmma / tcgen05 granularity on the M side, elements.
  int64_t mSideGranularity = 64;
  /// Barriers are 8 bytes (PTX ISA, "mbarrier object": size and alignment 8).
  int64_t barrierBytes = 8;

  static TargetLimits sm90() { return TargetLimits(); }
  static TargetLimits sm100() { return TargetLimits(); }
};

//===----------------------------------------------------------------------===//
// Request
//===----------------------------------------------------------------------===//

struct RoleRequest {
  enum Kind { Warps, Groups };
  std::string name;
  Kind kind = Warps;
  /// Warps, or groups (one group is one warpgroup: 4 warps).
  int64_t count = 1;
  /// `regs r`, or automatic.
  std::optional<int64_t> registers;
  /// Estimated 32-bit registers a thread that accumulators and fragments hold
  /// at the same time.
  int64_t fragmentRegisters = 0;
  /// What else a thread needs (addresses, counters, scales in flight).
  int64_t overheadRegisters = 24;
  /// Extent of the M side of the role's matrix products per group, if it has
  /// one: must be a multiple of 64.
  std::optional<int64_t> mSideExtent;
};

struct FieldRequest {
  std::string name;
  int64_t bytes = 0;
  /// Power of two: 1024, 512, 256 for swizzled fields, 128 for others.
  int64_t alignment = 128;
};

struct PipeRequest {
  std::string name;
  llvm::SmallVector<FieldRequest, 4> fields;
  /// Depth, or nothing for `max`.
  std::optional<int64_t> depth;
  /// For `max`: bounds on the chosen depth (maxDepth 0: none).
  int64_t minDepth = 1;
  int64_t maxDepth = 0;
  /// Barriers of each slot (full and empty).
  int64_t barriersPerSlot = 2;
};

/// Memory that is not a pipe: staging of stores, scratch of reductions.
struct BufferRequest {
  std::string name;
  int64_t bytes = 0;
  int64_t alignment = 128;
  /// Copies side by side.
  int64_t count = 1;
  /// Grows in steps of `count` up to this many copies from what is left when
  /// the pipes have their depths (0: never).
  int64_t maxCount = 0;
};

struct ResourceRequest {
  llvm::SmallVector<RoleRequest, 4> roles;
  llvm::SmallVector<PipeRequest, 4> pipes;
  llvm::SmallVector<BufferRequest, 4> buffers;
  /// Barriers that belong to no pipe.
  int64_t extraBarriers = 0;
};

//===----------------------------------------------------------------------===//
// Plan
//===----------------------------------------------------------------------===//

struct RolePlan {
  std::string name;
  RoleRequest::Kind kind = RoleRequest::Warps;
  int64_t firstWarp = 0;
  int64_t warps = 0;
  /// 32-bit registers a thread while the role runs.
  int64_t registers = 0;
  int64_t firstThread() const { return firstWarp * 32; }
  int64_t threads() const { return warps * 32; }
};

/// Four consecutive warps (fewer in a last, unfilled one). The warps after the
/// last role's are idle.
struct WarpgroupPlan {
  int64_t firstWarp = 0;
  int64_t warps = 4;
  int64_t registers = 0;
  /// Roles that run here, as indices into the request.
  llvm::SmallVector<unsigned, 4> roles;
};

/// An array of equal blocks in shared memory: block i is at
/// offset + i * stride.
struct BlockPlan {
  std::string name;
  int64_t offset = 0;
  int64_t stride = 0;
  int64_t count = 0;
  int64_t bytes = 0;
  int64_t at(int64_t i) const { return offset + i * stride; }
};

struct PipePlan {
  std::string name;
  int64_t depth = 0;
  /// One block array for each field, in the order of the request; block i
  /// belongs to slot i.
  llvm::SmallVector<BlockPlan, 4> fields;
  /// barriersPerSlot arrays of `depth` barriers, one after the other: barrier
  /// k of slot i is at barrierOffset + (k * depth + i) * 8.
  int64_t barrierOffset = 0;
  int64_t barriersPerSlot = 0;
  int64_t barrier(int64_t k, int64_t slot) const {
    return barrierOffset + (k * depth + slot) * 8;
  }
};

struct ResourcePlan {
  /// Threads to launch, idle warps included.
  int64_t threads = 0;
  /// Registers a thread at entry.
  int64_t entryRegisters = 0;
  /// Warpgroups change their count with setmaxnreg.
  bool usesSetmaxnreg = false;
  /// In the order of the request.
  llvm::SmallVector<RolePlan, 4> roles;
  llvm::SmallVector<WarpgroupPlan, 4> warpgroups;
  llvm::SmallVector<PipePlan, 4> pipes;
  llvm::SmallVector<BlockPlan, 4> buffers;
  /// All barriers are in [barriersOffset, barriersOffset + 8 * barriers);
  /// those that belong to no pipe come last.
  int64_t barriersOffset = 0;
  int64_t barriers = 0;
  int64_t extraBarriersOffset = 0;
  /// Bytes of dynamic shared memory.
  int64_t sharedBytes = 0;

  const RolePlan *findRole(llvm::StringRef name) const;
  const PipePlan *findPipe(llvm::StringRef name) const;
  const BlockPlan *findBuffer(llvm::StringRef name) const;

  /// A table for `tilewright info` and for tests.
  void print(llvm::raw_ostream &os) const;
};

/// Why there is no plan.
struct PlanFailure {
  enum Limit {
    None,
    SharedMemory,
    Registers,
    Threads,
    MSideExtent,
    /// The request contradicts itself or a rule of the hardware (a register
    /// count that setmaxnreg cannot set, an alignment that is no power of two).
    Invalid,
  };
  Limit limit = None;
  /// The role, pipe or buffer at fault; may be empty.
  std::string subject;
  int64_t needed = 0;
  int64_t available = 0;
  /// One sentence with the numbers.
  std::string message;
};

struct PlanResult {
  std::optional<ResourcePlan> plan;
  PlanFailure failure;
  explicit operator bool() const { return plan.has_value(); }
  const ResourcePlan &operator*() const { return *plan; }
  const ResourcePlan *operator->() const { return &*plan; }
};

/// Plans the resources of one kernel.
PlanResult planResources(const ResourceRequest &request,
                         const TargetLimits &limits = TargetLimits::sm90());

/// Registers a thread with which a CTA of `threads` threads starts when it is
/// alone on its SM.
int64_t entryRegisters(int64_t threads,
                       const TargetLimits &limits = TargetLimits::sm90());

} // namespace tilewright

#endif // TILEWRIGHT_SUPPORT_RESOURCEPLAN_H
