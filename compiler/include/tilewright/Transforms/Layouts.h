//===- Layouts.h - from layout attributes to layout arithmetic and back ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TRANSFORMS_LAYOUTS_H
#define TILEWRIGHT_TRANSFORMS_LAYOUTS_H

#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/Tile/TileDialect.h"
#include "tilewright/Support/FragmentLayout.h"
#include "tilewright/Support/SharedLayout.h"
#include "tilewright/Support/SubscriptChunks.h"

namespace tilewright {

/// The attribute's layout. The attribute's verifier guarantees success.
FragmentLayout toLayout(tile::FragmentAttr attr);
tile::FragmentAttr toAttr(mlir::MLIRContext *context,
                          const FragmentLayout &layout);

/// How a view's field lies in shared memory. `view` gives the extents; after a
/// split they may be smaller than the field's, so pass the field's type for
/// addresses.
llvm::Expected<SharedLayout> toLayout(tile::SharedAttr attr,
                                      tile::ViewType view);

/// The field that a view is (part of): follows `tile.slice` to `pipe.field`.
struct ViewOrigin {
  pipe::RingOp ring;
  unsigned field = 0;
  pipe::FieldOp op;
  /// Slices on the way, outermost last.
  llvm::SmallVector<tile::SliceOp, 2> slices;
  explicit operator bool() const { return ring != nullptr; }
};
ViewOrigin traceView(mlir::Value view);

/// Whether bulk copies fill a slot. One thread issues them and arrives for the
/// whole role; ordinary stores are arrived for by every warp.
bool isFilledByBulkCopies(mlir::Value slot);

/// What is known of an index value: constants, products and sums with
/// constants, loop variables with constant bounds and steps, groups.
SymbolFacts getFacts(mlir::Value value);

/// The context in which a subscript's chunks are found.
SubscriptContext getContext(llvm::ArrayRef<int64_t> extents,
                            mlir::ValueRange symbols);

/// Moves the subscript of a read, store or copy along one axis of its tile:
/// where the map says the axis, it then says the axis plus `offset`.
template <typename Op>
void moveSubscript(Op op, llvm::ArrayRef<mlir::StringAttr> axes,
                   llvm::StringRef axis, mlir::Value offset) {
  mlir::AffineMap map = op.getMap();
  mlir::MLIRContext *context = op.getContext();
  llvm::SmallVector<mlir::AffineExpr> dims;
  for (auto [i, name] : llvm::enumerate(axes)) {
    mlir::AffineExpr dim = mlir::getAffineDimExpr(i, context);
    if (name.getValue() == axis)
      dim = dim + mlir::getAffineSymbolExpr(map.getNumSymbols(), context);
    dims.push_back(dim);
  }
  op.setMap(map.replaceDimsAndSymbols(
      dims, /*symReplacements=*/{}, map.getNumDims(), map.getNumSymbols() + 1));
  op.getSymbolsMutable().append(offset);
}

/// Index arithmetic for an affine expression. Division by a power of two is a
/// shift (the floor for negative values, too), other divisions are
/// arith.floordivsi.
mlir::Value expandExpr(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::AffineExpr expr, mlir::ValueRange dims,
                       mlir::ValueRange symbols);

} // namespace tilewright

#endif // TILEWRIGHT_TRANSFORMS_LAYOUTS_H
