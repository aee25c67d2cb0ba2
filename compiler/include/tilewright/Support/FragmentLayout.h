//===- FragmentLayout.h - register tiles over threads ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A fragment layout says which element of a register tile with named axes each
// thread holds in each of its registers. Thread index and register index are
// split into mixed-radix digits, fastest digit first; each axis has one stride
// for each digit, and a coordinate is the sum of digit * stride:
//
//   threads [4, 8, 4]  regs [2, 2, 16]
//   m: threads [0, 1, 16]  regs [0, 8, 0]
//   n: threads [2, 0, 0]   regs [1, 0, 8]
//
// "Register" means one element. Packing two bf16 or four e4m3 elements in one
// 32-bit machine register packs consecutive register indices.
//
// The thread index counts from the first thread of the warpgroup (or of the
// group, or of the role) that holds the tile: threads 0..31 are a warp.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SUPPORT_FRAGMENTLAYOUT_H
#define TILEWRIGHT_SUPPORT_FRAGMENTLAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace tilewright {

class FragmentLayout {
public:
  using Digits = llvm::SmallVector<int64_t, 4>;

  /// The strides of one axis: one for each digit of the thread index and one
  /// for each digit of the register index. Strides are non-negative.
  struct Axis {
    std::string name;
    Digits threadStrides;
    Digits registerStrides;
    bool operator==(const Axis &other) const {
      return name == other.name && threadStrides == other.threadStrides &&
             registerStrides == other.registerStrides;
    }
  };

  /// One summand of the thread part of a coordinate:
  /// ((thread / divisor) % modulus) * stride.
  struct Term {
    int64_t divisor;
    int64_t modulus;
    int64_t stride;
    /// The digit is the most significant one: `% modulus` may be omitted when
    /// the thread index is known to be below numThreads().
    bool slowest;
  };

  /// The layout of a scalar held by one thread in one register.
  FragmentLayout() = default;

  /// Checks shapes (digits >= 1), strides (>= 0, one for each digit) and axis
  /// names (unique, not empty). Digits of extent 1 are kept as given.
  static llvm::Expected<FragmentLayout> get(llvm::ArrayRef<int64_t> threadShape,
                                            llvm::ArrayRef<int64_t> regShape,
                                            llvm::ArrayRef<Axis> axes);

  //===--------------------------------------------------------------------===//
  // Layouts of the hardware
  //===--------------------------------------------------------------------===//

  /// The accumulator of M/64 waves of wgmma.m64n<N>k* in one warpgroup (PTX
  /// ISA, "Register Fragments for wgmma.mma_async.m64nNk*", matrix D): row
  /// 16*warp + lane/4 (+ 8), column 8*i + 2*(lane%4) + {0, 1}. Wave w holds
  /// rows 64*w + 0..63 and is the slowest register digit (there even for one
  /// wave, with extent 1), so that the registers of one wave are consecutive
  /// and in the order of the instruction's operand list. Needs M % 64 == 0 and
  /// N a multiple of 8; N > 256 stands for several instructions side by side.
  static llvm::Expected<FragmentLayout> wgmmaAccumulator(llvm::StringRef axisM,
                                                         llvm::StringRef axisN,
                                                         int64_t m, int64_t n);

  /// The A operand of wgmma held in registers, M x K, element width 8, 16 or
  /// 32 (tf32) bits (same PTX ISA sections, matrix A). Registers are ordered
  /// as the instruction wants them, then by k-step, then by wave.
  static llvm::Expected<FragmentLayout> wgmmaOperandA(llvm::StringRef axisM,
                                                      llvm::StringRef axisK,
                                                      int64_t m, int64_t k,
                                                      unsigned elementBits);

  /// The linear vectorised distribution of a SIMT role: thread t holds `v`
  /// consecutive elements from t*v, then from t*v + threads*v, and so on. `v`
  /// is the largest power of two up to `maxVector` that divides `extent` and
  /// leaves no thread idle (v = 1 if none does). When extent is not a multiple
  /// of threads*v the layout overhangs: extent(axis) is rounded up, and the
  /// user guards coordinates >= `extent`. When extent < threads and divides
  /// it, the surplus threads hold replicas.
  static llvm::Expected<FragmentLayout> elementwise1D(llvm::StringRef axis,
                                                      int64_t extent,
                                                      int64_t threads,
                                                      int64_t maxVector = 4);

  /// The same for several axes, given outermost first: the innermost axis is
  /// vectorised and spread over threads first. Never overhangs: an axis gets
  /// the largest share of the threads that divides its extent, surplus threads
  /// hold replicas.
  static llvm::Expected<FragmentLayout>
  elementwise(llvm::ArrayRef<std::pair<std::string, int64_t>> axes,
              int64_t threads, int64_t maxVector = 4);

  //===--------------------------------------------------------------------===//
  // Shape and coordinates
  //===--------------------------------------------------------------------===//

  llvm::ArrayRef<int64_t> threadShape() const { return threads; }
  llvm::ArrayRef<int64_t> registerShape() const { return regs; }
  /// The axes, sorted by name.
  llvm::ArrayRef<Axis> axes() const { return axisList; }
  bool hasAxis(llvm::StringRef axis) const { return find(axis) != nullptr; }

  int64_t numThreads() const;
  int64_t numRegisters() const;
  /// One more than the largest coordinate; 1 for an unknown axis.
  int64_t extent(llvm::StringRef axis) const;
  /// The coordinate that `thread` holds in `reg`; 0 for an unknown axis.
  int64_t coordinate(llvm::StringRef axis, int64_t thread, int64_t reg) const;

  /// coordinate = Σ terms(thread) + registerPart: the thread part as the terms
  /// from which SSA expressions are built (zero strides omitted).
  llvm::SmallVector<Term, 4> threadPart(llvm::StringRef axis) const;
  /// The register part, a constant for each register.
  int64_t registerPart(llvm::StringRef axis, int64_t reg) const;

  //===--------------------------------------------------------------------===//
  // Derived layouts
  //===--------------------------------------------------------------------===//

  /// The layout of a tile with only `axesToKeep`: register digits on which no
  /// kept axis depends vanish, thread digits stay (their strides may all be
  /// zero: then those threads hold replicas). Unknown names are ignored.
  FragmentLayout project(llvm::ArrayRef<llvm::StringRef> axesToKeep) const;

  /// For each register of this layout the register of `projected` that holds
  /// the same coordinates on all axes of `projected`, in every thread; nothing
  /// if there is no such map (an axis of `projected` is missing here, its
  /// thread part differs, or some coordinate is held nowhere). Any layout may
  /// be asked, not only results of project().
  std::optional<llvm::SmallVector<int64_t>>
  registerMap(const FragmentLayout &projected) const;

  /// Replaces `axis` by several, given outer to inner with their extents:
  /// coordinate = outer * innerExtent + inner. The product of the extents must
  /// be the extent of `axis`. Digits that cross a boundary are split, which
  /// changes neither register nor thread numbering.
  llvm::Expected<FragmentLayout>
  splitAxis(llvm::StringRef axis,
            llvm::ArrayRef<std::pair<std::string, int64_t>> outerToInner) const;

  /// Renames an axis (`x<k as j>`). The new name must be unused.
  llvm::Expected<FragmentLayout> renameAxis(llvm::StringRef from,
                                            llvm::StringRef to) const;

  /// Adds `groups` as the slowest thread digit: group g holds coordinates
  /// g*extent(axis) onwards (`split axis` of a role). With an empty axis every
  /// group holds a replica.
  llvm::Expected<FragmentLayout> distributeOverGroups(llvm::StringRef axis,
                                                      int64_t groups) const;

  /// The layout of a part of `axis`, `extent` coordinates from any multiple of
  /// `extent`: the same threads with fewer registers. Nothing if threads, not
  /// registers, hold what lies beyond a part (64 rows of a wave of an
  /// accumulator), or parts of that extent do not tile the axis.
  std::optional<FragmentLayout> part(llvm::StringRef axis,
                                     int64_t extent) const;
  /// For each register of `part` (a result of part(), once or more) the
  /// register of this layout that holds it in the part that begins at `origin`
  /// (one coordinate for each axis of axes(), in that order).
  std::optional<llvm::SmallVector<int64_t>>
  partRegisters(const FragmentLayout &part,
                llvm::ArrayRef<int64_t> origin) const;

  /// The layout without its slowest register digit: one wave of a result of
  /// wgmmaAccumulator() or wgmmaOperandA().
  FragmentLayout dropSlowestRegisterDigit() const;

  /// Digits of extent 1 dropped, adjacent digits merged where every axis
  /// agrees: two layouts place all elements alike exactly if their simplified
  /// forms are equal.
  FragmentLayout simplified() const;
  bool isEquivalent(const FragmentLayout &other) const {
    return simplified() == other.simplified();
  }

  //===--------------------------------------------------------------------===//
  // Properties
  //===--------------------------------------------------------------------===//

  /// Every element of the full tile (all coordinates below extent(axis)) is
  /// held by exactly replication() (thread, register) pairs.
  bool covers() const;
  /// How many (thread, register) pairs hold one and the same element because
  /// no axis depends on some digits.
  int64_t replication() const;
  bool isReplicatedOverThreads() const;
  bool isReplicatedOverRegisters() const;
  /// Some thread digit of weight `divisor` and extent `modulus` moves no axis.
  /// The threads whose such digits are all zero are the canonical owners: a
  /// store executed only by them writes every element once.
  llvm::SmallVector<Term, 4> replicaDigits() const;

  /// Lane distances of a butterfly that reduces `axis` inside a warp (for
  /// shfl.sync.bfly), smallest first. Nothing if a digit of `axis` inside the
  /// warp is not a power of two.
  std::optional<llvm::SmallVector<int64_t, 5>>
  reductionLanes(llvm::StringRef axis) const;
  /// `axis` is spread over several warps: reducing it needs shared memory.
  bool spansWarps(llvm::StringRef axis) const;
  /// The largest number of consecutive registers, aligned in register number,
  /// whose coordinates on `axis` are consecutive while no other axis moves:
  /// the width of a vector access along `axis`.
  int64_t vectorWidth(llvm::StringRef axis) const;

  /// Same digits and strides (axis order has no meaning). See isEquivalent().
  bool operator==(const FragmentLayout &other) const {
    return threads == other.threads && regs == other.regs &&
           axisList == other.axisList;
  }
  bool operator!=(const FragmentLayout &other) const {
    return !(*this == other);
  }

  /// `threads [4, 8, 4] regs [2, 2, 16] m: threads [..] regs [..] n: ...`
  void print(llvm::raw_ostream &os) const;
  std::string str() const;

private:
  const Axis *find(llvm::StringRef axis) const;

  Digits threads;
  Digits regs;
  llvm::SmallVector<Axis, 3> axisList;
};

inline llvm::raw_ostream &operator<<(llvm::raw_ostream &os,
                                     const FragmentLayout &layout) {
  layout.print(os);
  return os;
}

} // namespace tilewright

#endif // TILEWRIGHT_SUPPORT_FRAGMENTLAYOUT_H
