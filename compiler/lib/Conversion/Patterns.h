//===- Patterns.h - what the files of the conversion share ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_LIB_CONVERSION_PATTERNS_H
#define TILEWRIGHT_LIB_CONVERSION_PATTERNS_H

#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Support/SharedLayout.h"

#include "mlir/Transforms/DialectConversion.h"

namespace tilewright {

void populateTileToNVVM(const mlir::TypeConverter &converter,
                        mlir::RewritePatternSet &patterns);
void populatePipeToNVVM(const mlir::TypeConverter &converter,
                        mlir::RewritePatternSet &patterns);
void populateTMAToNVVM(const mlir::TypeConverter &converter,
                       mlir::RewritePatternSet &patterns);
void populateMMAToNVVM(const mlir::TypeConverter &converter,
                       mlir::RewritePatternSet &patterns);
void populateVectorToScalars(const mlir::TypeConverter &converter,
                             mlir::RewritePatternSet &patterns);

/// The name of the one global for all dynamic shared memory. `external`, of no
/// elements: LLVM takes an internal one that only asynchronous copies write
/// for constant (codegen notes, 2.3).
inline constexpr llvm::StringLiteral sharedMemoryName = "smem";

//===----------------------------------------------------------------------===//
// Shared memory. Offsets are `index` values in bytes from its start.
//===----------------------------------------------------------------------===//

/// Pointer (address space 3) to a byte.
mlir::Value getSharedPointer(mlir::OpBuilder &builder, mlir::Location loc,
                             mlir::Value offset);
/// The same address as an i32, for matrix descriptors and the bulk-copy
/// engine.
mlir::Value getSharedAddress(mlir::OpBuilder &builder, mlir::Location loc,
                             mlir::Value offset);

/// The ring of a slot at whose full barrier bytes arrive; an error at `op` if
/// its place is not known yet.
mlir::FailureOr<pipe::RingOp> getArrivalRing(mlir::Operation *op,
                                             mlir::Value slot);

/// The address of the start of the shared memory of CTA `rank` of the cluster
/// (i32), in the cluster's window, 32 bits of which hold it. mapa has no side
/// effects, so LLVM computes it once.
mlir::Value getClusterBase(mlir::OpBuilder &builder, mlir::Location loc,
                           mlir::Value rank);

/// Whether this CTA is its cluster's leader, the one of rank 0 (i1).
mlir::Value isLeader(mlir::OpBuilder &builder, mlir::Location loc);

/// Offset of the mbarrier of slot `index` (i32, as it was before the
/// conversion) of a ring; it is the same in all CTAs of a cluster.
mlir::Value getBarrierOffset(mlir::ConversionPatternRewriter &rewriter,
                             mlir::Location loc, pipe::RingOp ring,
                             pipe::Side side, mlir::Value index);
/// Pointer to the mbarrier of slot `index` (as above) of a ring.
mlir::Value getBarrierPointer(mlir::ConversionPatternRewriter &rewriter,
                              mlir::Location loc, pipe::RingOp ring,
                              pipe::Side side, mlir::Value index);

/// Where a view lies: the layout of its whole field, the field's first byte,
/// and for each axis of the layout (outer to inner) where the view begins.
struct ViewPlace {
  SharedLayout layout;
  mlir::Value base;
  llvm::SmallVector<mlir::Value> origin;
  /// `origin` as constants where they are.
  llvm::SmallVector<std::optional<int64_t>> constantOrigin;
};

/// Follows slices, field and slot to a pipe.slot_at. Emits an error at `op`
/// where the chain ends elsewhere or the ring has no layout or place yet.
mlir::FailureOr<ViewPlace> getPlace(mlir::ConversionPatternRewriter &rewriter,
                                    mlir::Operation *op, mlir::Value view);

/// First byte of the view before swizzling, where copies, descriptors begin.
/// The inner axis may only be cut at whole spans.
mlir::FailureOr<mlir::Value> getLinearStart(mlir::OpBuilder &builder,
                                            mlir::Operation *op,
                                            const ViewPlace &place);

/// The values that an argument was made of in tile-branch-roles (a pointer for
/// a descriptor; pointer, strides, extents for a tensor). Emits an error if
/// `value` is anything else.
mlir::FailureOr<mlir::UnrealizedConversionCastOp> getParts(mlir::Operation *op,
                                                           mlir::Value value);

/// Inline PTX with `values` tied to the results: the results are the values
/// after the instruction. Types of 32 and 64 bits.
mlir::FailureOr<llvm::SmallVector<mlir::Value>>
createTiedAsm(mlir::OpBuilder &builder, mlir::Operation *op,
              llvm::StringRef text, mlir::ValueRange values);

} // namespace tilewright

#endif // TILEWRIGHT_LIB_CONVERSION_PATTERNS_H
