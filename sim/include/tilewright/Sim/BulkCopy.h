//===- BulkCopy.h - boxes and runs of bytes moved by the copy engine ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The data movement of cp.async.bulk[.tensor] and cp.reduce.async.bulk
// [.tensor], done at once: when it happens, which barrier it completes and
// which CTAs of a cluster receive it is the machine's business. Shared memory
// is the whole window of one CTA as an array; the index of a byte is its
// address in .shared::cta, so that swizzles see true address bits.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_BULKCOPY_H
#define TILEWRIGHT_SIM_BULKCOPY_H

#include "tilewright/Sim/Formats.h"
#include "tilewright/Sim/Ranges.h"
#include "tilewright/Sim/TensorMap.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <cstdint>
#include <optional>

namespace tilewright::sim {

/// How a copy reaches global memory. Every call lies in one row of a box (or
/// is one whole 1-D copy); an implementation checks that all of it is
/// allocated and says where it is not.
class GlobalAccess {
public:
  virtual ~GlobalAccess() = default;
  virtual llvm::Error read(uint64_t address,
                           llvm::MutableArrayRef<uint8_t> bytes) = 0;
  virtual llvm::Error write(uint64_t address,
                            llvm::ArrayRef<uint8_t> bytes) = 0;
  /// Lets `change` edit the bytes at `address` in place, atomically with
  /// respect to other updates.
  virtual llvm::Error
  update(uint64_t address, size_t size,
         llvm::function_ref<void(llvm::MutableArrayRef<uint8_t>)> change) = 0;
};

/// Operations of cp.reduce.async.bulk (PTX ISA, the same name).
enum class ReduceOp : uint8_t { Add, Min, Max, Inc, Dec, And, Or, Xor };

/// "add", "min", ... as PTX spells them.
std::optional<ReduceOp> parseReduceOp(llvm::StringRef name);

/// What a copy touched, for shadow state.
struct CopyReport {
  ByteRanges shared; ///< Addresses in .shared::cta, in order.
  ByteRanges global; ///< Global addresses, in order of the box.
  /// For a load: the bytes to complete on the mbarrier (full box). For a
  /// store: the bytes of the box.
  uint64_t bytes = 0;
};

/// The element format of a map's type (the raw words of U8.. as integers).
Format mapFormat(MapType type);

/// Loads the box of `map` whose first element is at `coordinates` (innermost
/// first, one for each dimension; negative or beyond the tensor is legal) to
/// `shared` at `address`. Out-of-bounds elements get the fill value. F32Ftz
/// flushes subnormals to zero; TF32 rounds to nearest (ties to even: that part
/// is not measured). NaN fill is 0x7FF7 in each 16 bits.
///
/// Errors: rank, an innermost coordinate that is not a multiple of 16 bytes
/// (illegal on the device, if not in the PTX ISA), an address that is not
/// 128-byte aligned (PTX ISA, cp.async.bulk.tensor), a box that leaves
/// `shared`, the errors of `global`.
llvm::Expected<CopyReport> loadBox(const TensorMap &map,
                                   llvm::ArrayRef<int32_t> coordinates,
                                   GlobalAccess &global,
                                   llvm::MutableArrayRef<uint8_t> shared,
                                   uint32_t address);

/// Stores a box, or reduces it into global memory where `op` is given. Out-of-
/// bounds elements are neither read nor written there. A negative coordinate
/// is an error too: the device takes it in loads only.
llvm::Expected<CopyReport>
storeBox(const TensorMap &map, llvm::ArrayRef<int32_t> coordinates,
         GlobalAccess &global, llvm::ArrayRef<uint8_t> shared, uint32_t address,
         std::optional<ReduceOp> op = std::nullopt);

/// The global ranges that a box names and that lie within the tensor: what a
/// prefetch or a race check wants to know without moving bytes.
llvm::Expected<ByteRanges> boxRanges(const TensorMap &map,
                                     llvm::ArrayRef<int32_t> coordinates);

/// 1-D copies (cp.async.bulk): size and both addresses multiples of 16.
llvm::Expected<CopyReport> loadBytes(GlobalAccess &global, uint64_t source,
                                     llvm::MutableArrayRef<uint8_t> shared,
                                     uint32_t destination, uint32_t size);
llvm::Expected<CopyReport> storeBytes(GlobalAccess &global,
                                      uint64_t destination,
                                      llvm::ArrayRef<uint8_t> shared,
                                      uint32_t source, uint32_t size);
/// cp.reduce.async.bulk.global.shared::cta of elements of `format`.
llvm::Expected<CopyReport> reduceBytes(GlobalAccess &global,
                                       uint64_t destination,
                                       llvm::ArrayRef<uint8_t> shared,
                                       uint32_t source, uint32_t size,
                                       Format format, ReduceOp op);
/// Shared to shared of another (or the same) CTA of the cluster; ranges in
/// `shared` are those of the destination, `global` stays empty.
llvm::Expected<CopyReport> copyShared(llvm::ArrayRef<uint8_t> sourceShared,
                                      uint32_t source,
                                      llvm::MutableArrayRef<uint8_t> shared,
                                      uint32_t destination, uint32_t size);

/// `target` = `target` op `operand` on whole elements of `format`: also what
/// red and atom need. Integers wrap; floats add with one rounding to nearest
/// even. Min and max of floats return the other operand for a NaN.
///
/// f16 and bf16 keep subnormals (the forms are .noftz). `flushF32`: f32 add
/// flushes subnormal inputs and results to zero of their sign, as PTX ISA says
/// of atom.add.f32, red and cp.reduce.async.bulk on global memory; those on
/// shared memory do not.
///
/// Errors: an operation that the format does not have (PTX ISA,
/// cp.reduce.async.bulk: inc and dec are u32's; f32 and f64 only add; bitwise
/// operations are for 32- and 64-bit integers), sizes that are not equal or
/// not whole elements.
llvm::Error reduceElements(Format format, ReduceOp op,
                           llvm::MutableArrayRef<uint8_t> target,
                           llvm::ArrayRef<uint8_t> operand,
                           bool flushF32 = true);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_BULKCOPY_H
