//===- PipePlaceReleases.cpp - releases where readers retired ------------===//
// retired ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Transforms/Layouts.h"
#include "tilewright/Transforms/Passes.h"

namespace tilewright {
#define GEN_PASS_DEF_PIPEPLACERELEASES
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;

namespace {

/// Operations that read memory through a view of the slot; views themselves
/// (fields, slices) are followed.
void collectReaders(Value value, SmallVectorImpl<Operation *> &readers) {
  for (Operation *user : value.getUsers()) {
    if (isPure(user)) {
      for (Value result : user->getResults())
        collectReaders(result, readers);
      continue;
    }
    readers.push_back(user);
  }
}

/// The author's `free` must do what the compiler would: once on every path,
/// and nothing reads the slot after it.
LogicalResult checkFreed(pipe::AcquireGetOp get,
                         ArrayRef<Operation *> readers) {
  Operation *release = nullptr;
  for (Operation *reader : readers) {
    if (!isa<pipe::ReleaseOp>(reader))
      continue;
    if (release) {
      InFlightDiagnostic diag = reader->emitError("frees this slot again");
      diag.attachNote(release->getLoc()) << "it is also freed here";
      return diag;
    }
    if (reader->getBlock() != get->getBlock()) {
      InFlightDiagnostic diag =
          reader->emitError("'free' in a loop or branch that does not contain "
                            "the slot's 'get' is not lowered yet: the slot "
                            "must be freed once on every path");
      diag.attachNote(get.getLoc()) << "the slot is taken here";
      return diag;
    }
    release = reader;
  }
  for (Operation *reader : readers) {
    Operation *ancestor = get->getBlock()->findAncestorOpInBlock(*reader);
    if (!ancestor ||
        (reader != release && !ancestor->isBeforeInBlock(release))) {
      InFlightDiagnostic diag =
          reader->emitError("reads a slot after it has been freed");
      diag.attachNote(release->getLoc()) << "it is freed here";
      return diag;
    }
  }
  return success();
}

LogicalResult placeRelease(pipe::AcquireGetOp get) {
  SmallVector<Operation *> readers;
  collectReaders(get.getSlot(), readers);
  // Written by the author (`free`).
  if (llvm::any_of(readers, llvm::IsaPred<pipe::ReleaseOp>))
    return checkFreed(get, readers);
  Operation *last = get;
  SmallVector<Value> tokens;
  for (Operation *reader : readers) {
    Operation *ancestor = get->getBlock()->findAncestorOpInBlock(*reader);
    if (!ancestor)
      return reader->emitError("reads a slot outside the block that got it");
    if (last->isBeforeInBlock(ancestor))
      last = ancestor;
    // A token inside a nested region cannot be waited for out here; such a
    // contraction waits before its region's end.
    auto async = dyn_cast<AsyncReaderInterface>(reader);
    if (!async || ancestor != reader)
      continue;
    Value token = async.getReadToken();
    if (token && !llvm::is_contained(tokens, token))
      tokens.push_back(token);
  }
  OpBuilder builder(get.getContext());
  builder.setInsertionPointAfter(last);
  pipe::ReleaseOp::create(builder, get.getLoc(), get.getSlot(), tokens);
  return success();
}

struct PipePlaceReleases
    : public tilewright::impl::PipePlaceReleasesBase<PipePlaceReleases> {
  void runOnOperation() override {
    WalkResult walk = getOperation().walk(
        [](pipe::AcquireGetOp get) { return WalkResult(placeRelease(get)); });
    if (walk.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
