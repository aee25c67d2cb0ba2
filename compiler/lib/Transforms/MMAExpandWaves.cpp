//===- MMAExpandWaves.cpp - contractions become waves of wgmma ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Transforms/Layouts.h"
#include "tilewright/Transforms/Passes.h"
#include "tilewright/Transforms/Schedule.h"
#include "tilewright/Transforms/ThreadState.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"

namespace tilewright {
#define GEN_PASS_DEF_MMAEXPANDWAVES
#include "tilewright/Transforms/Passes.h.inc"
} // namespace tilewright

using namespace mlir;
using namespace tilewright;

namespace {

class WaveExpander {
public:
  /// `temporary` holds the registers of the partial sums; the expansion leaves
  /// there what the next contraction of the role takes. Null without a region.
  WaveExpander(mma::ContractOp op, Value &temporary)
      : op(op), builder(op), loc(op.getLoc()), temporary(temporary) {}

  LogicalResult run() {
    if (failed(describeOperands()))
      return failure();
    int64_t waves = *op.getA().getType().getExtent(op.getAxisM()) /
                    static_cast<int64_t>(op.getWaveM());
    findReads(waves);
    SmallVector<Value> carried(op.getCarried());
    for (int64_t wave = 0; wave < waves; ++wave) {
      SmallVector<Value> parts;
      for (Value value : carried)
        parts.push_back(slice(value, wave, waves));
      if (op.getBody().empty()) {
        carried[0] = insert(issue(wave, parts[0], /*zero=*/false), carried[0],
                            wave, waves);
        continue;
      }
      bool last = wave + 1 == waves;
      readPart(wave, waves);
      temporary = issue(wave, temporary, /*zero=*/true);
      // All reads of the operands have retired: slots may be given back while
      // CUDA cores promote the last wave, unless that still reads them.
      if (last && wholeReads.empty())
        releaseHere();
      for (vector::FromElementsOp elements : wholeReads)
        readWhole(elements, last);
      SmallVector<Value> results = inlineRegion(wave, waves, temporary, parts);
      if (last && !wholeReads.empty())
        releaseHere();
      for (auto [value, result] : llvm::zip_equal(carried, results))
        value = insert(result, value, wave, waves);
    }
    if (op.getBody().empty())
      releaseHere();
    op.getResults().replaceAllUsesWith(ValueRange(carried));
    if (!op.getToken().use_empty())
      return op.emitError("its token has a use that is no release");
    op.erase();
    for (vector::FromElementsOp elements : partReads)
      elements.erase();
    return success();
  }

private:
  LogicalResult describeOperands() {
    for (auto [value, layout, axis] :
         {std::tuple(op.getA(), &layoutA, op.getAxisM()),
          std::tuple(op.getB(), &layoutB, op.getAxisN())}) {
      ViewOrigin origin = traceView(value);
      if (!origin)
        return op.emitError("operand is no field of a pipe");
      for (StringAttr name : value.getType().getAxes())
        if (name.getValue() != axis)
          axisK = name;
      llvm::Expected<SharedLayout> shared =
          toLayout(origin.ring.getFieldLayout(origin.field),
                   origin.ring.getFieldType(origin.field));
      if (!shared)
        return op.emitError(llvm::toString(shared.takeError()));
      llvm::Expected<WgmmaOperandLayout> operand =
          shared->wgmmaOperand(axisK.getValue());
      if (!operand)
        return op.emitError(llvm::toString(operand.takeError()));
      *layout = *operand;
    }
    return success();
  }

  /// Whether a read of shared memory may happen later, up to the contraction:
  /// nothing on the way writes, gives a slot back or synchronises. Getting a
  /// further slot does not matter to one that the role has.
  bool mayWait(tile::LoadSharedOp load) {
    for (Operation *between = load->getNextNode(); between != op;
         between = between->getNextNode()) {
      if (!between)
        return false;
      if (!isMemoryEffectFree(between) &&
          !hasSingleEffect<MemoryEffects::Read>(between) &&
          !isa<pipe::AcquireGetOp>(between))
        return false;
    }
    return true;
  }

  /// Whether an input is read from shared memory for this contraction alone.
  bool isOwnRead(vector::FromElementsOp elements) {
    if (!elements || !elements->hasOneUse() ||
        elements->getBlock() != op->getBlock())
      return false;
    return llvm::all_of(elements.getElements(), [&](Value element) {
      auto load = element.getDefiningOp<tile::LoadSharedOp>();
      return load && load->hasOneUse() && load->getBlock() == op->getBlock() &&
             mayWait(load);
    });
  }

  /// Inputs of one wave are read right before its fence: registers of later
  /// waves are not held while the first ones run. Inputs of all waves are read
  /// once, before the first one; if a thread has no registers for them beside
  /// the sums, behind each product instead, and the slot is held until the last
  /// has been promoted. (Never between a product's issue and its wait: the
  /// reads of the tensor core and these then wait for each other,
  /// docs/rationale.)
  void findReads(int64_t waves) {
    if (op.getBody().empty())
      return;
    for (auto [input, cut] : llvm::zip_equal(
             op.getInputs(),
             op.getInputAxes().value_or(ArrayAttr::get(op.getContext(), {})))) {
      auto elements = input.getDefiningOp<vector::FromElementsOp>();
      if (!isOwnRead(elements))
        continue;
      if (!cast<BoolAttr>(cut).getValue())
        wholeReads.push_back(elements);
      else if (waves > 1)
        partReads.push_back(elements);
    }
    if (getHint(op, "late").value_or(isShortOfRegisters(waves)) == 0)
      wholeReads.clear();
  }

  /// Whether sums, partial sums and all inputs exceed what the role has, beside
  /// what a loop over slots needs (measured: there ptxas begins to spill).
  bool isShortOfRegisters(int64_t waves) {
    std::optional<uint64_t> planned =
        op->getParentOfType<tile::RoleOp>().getPlanRegs();
    if (!planned)
      return false;
    auto count = [](ValueRange values) {
      int64_t sum = 0;
      for (Type type : values.getTypes()) {
        auto vector = dyn_cast<VectorType>(type);
        sum += vector ? vector.getNumElements() : 1;
      }
      return sum;
    };
    int64_t product = count(temporary) + count(op.getInputs());
    bool overlaps = op->getParentOp()->hasAttr(overlapAttrName);
    int64_t others = waves == 1 ? 24 : 14;
    return count(op.getCarried()) + product * (overlaps ? 2 : 1) + others >
           static_cast<int64_t>(*planned);
  }

  /// Reads what the next wave alone takes.
  void readPart(int64_t wave, int64_t waves) {
    for (vector::FromElementsOp elements : partReads) {
      size_t size = elements.getElements().size() / waves;
      for (Value element : elements.getElements().slice(wave * size, size))
        element.getDefiningOp()->moveBefore(op);
    }
  }

  /// Reads an input of all waves here; the reads that were before the
  /// contraction serve the last time.
  void readWhole(vector::FromElementsOp elements, bool last) {
    if (last) {
      for (Value element : elements.getElements())
        element.getDefiningOp()->moveBefore(op);
      elements->moveBefore(op);
      readByWave.erase(elements.getResult());
      return;
    }
    IRMapping mapping;
    for (Value element : elements.getElements())
      builder.clone(*element.getDefiningOp(), mapping);
    readByWave[elements.getResult()] =
        builder.clone(*elements, mapping)->getResult(0);
  }

  /// The part of a per-thread vector that belongs to a wave: waves are the
  /// slowest register digit.
  Value slice(Value value, int64_t wave, int64_t waves) {
    if (waves == 1)
      return value;
    auto type = cast<VectorType>(value.getType());
    int64_t size = type.getNumElements() / waves;
    if (auto elements = value.getDefiningOp<vector::FromElementsOp>();
        elements && llvm::is_contained(partReads, elements))
      return vector::FromElementsOp::create(
          builder, loc, VectorType::get({size}, type.getElementType()),
          elements.getElements().slice(wave * size, size));
    return vector::ExtractStridedSliceOp::create(
        builder, loc, value, ArrayRef<int64_t>{wave * size},
        ArrayRef<int64_t>{size}, ArrayRef<int64_t>{1});
  }

  Value insert(Value part, Value whole, int64_t wave, int64_t waves) {
    if (waves == 1)
      return part;
    int64_t size = cast<VectorType>(part.getType()).getNumElements();
    return vector::InsertStridedSliceOp::create(builder, loc, part, whole,
                                                ArrayRef<int64_t>{wave * size},
                                                ArrayRef<int64_t>{1});
  }

  /// Issues one wave's products and waits for them. PTX ISA, wgmma: a fence
  /// before the first instruction that reads registers written by others, a
  /// commit, and a wait before the accumulators may be read.
  Value issue(int64_t wave, Value acc, bool zero) {
    tile::ViewType a = op.getA().getType(), b = op.getB().getType();
    int64_t n = *b.getExtent(op.getAxisN());
    int64_t extentK = *a.getExtent(axisK);
    int64_t row = wave * op.getWaveM();
    mma::FenceOp::create(builder, loc);
    for (int64_t k = 0; k < extentK; k += layoutA.kPerStep) {
      auto descriptor = [&](Value view, int64_t row) -> Value {
        return mma::DescriptorOp::create(builder, loc, builder.getI64Type(),
                                         view, axisK, row, k);
      };
      Value descA = descriptor(op.getA(), row);
      Value descB = descriptor(op.getB(), 0);
      acc = mma::WgmmaOp::create(
          builder, loc, acc.getType(), descA, descB, acc, op.getWaveM(), n,
          layoutA.kPerStep, a.getElementType(), b.getElementType(),
          zero && k == 0, !layoutA.kMajor, !layoutB.kMajor);
    }
    mma::CommitOp::create(builder, loc);
    return mma::WaitOp::create(builder, loc, TypeRange(acc.getType()),
                               /*pending=*/0, ValueRange(acc))
        .getResult(0);
  }

  /// Moves the releases that wait for this contraction to here, if nothing
  /// between reads their slots.
  void releaseHere() {
    for (Operation *user :
         llvm::make_early_inc_range(op.getToken().getUsers())) {
      auto release = dyn_cast<pipe::ReleaseOp>(user);
      if (!release)
        continue;
      for (unsigned i = release.getAfter().size(); i-- > 0;)
        if (release.getAfter()[i] == op.getToken())
          release.getAfterMutable().erase(i);
      bool next =
          release.getAfter().empty() && release->getBlock() == op->getBlock();
      for (Operation *between = op->getNextNode();
           next && between && between != release;
           between = between->getNextNode())
        next = isPure(between) || isa<pipe::ReleaseOp>(between);
      if (next) {
        release->moveBefore(op);
        builder.setInsertionPoint(op);
      }
    }
  }

  SmallVector<Value> inlineRegion(int64_t wave, int64_t waves, Value partial,
                                  ArrayRef<Value> parts) {
    IRMapping mapping;
    Block &body = op.getBody().front();
    unsigned arg = 0;
    mapping.map(body.getArgument(arg++), partial);
    for (Value part : parts)
      mapping.map(body.getArgument(arg++), part);
    for (auto [input, cut] : llvm::zip_equal(
             op.getInputs(),
             op.getInputAxes().value_or(ArrayAttr::get(op.getContext(), {}))))
      mapping.map(body.getArgument(arg++), cast<BoolAttr>(cut).getValue()
                                               ? slice(input, wave, waves)
                                               : lookUp(input));
    for (Operation &inner : body.without_terminator())
      builder.clone(inner, mapping);
    SmallVector<Value> results;
    for (Value value : body.getTerminator()->getOperands())
      results.push_back(mapping.lookupOrDefault(value));
    SmallVector<Type> types(ValueRange(results).getTypes());
    auto pin = mma::PinOp::create(builder, loc, types, results);
    return SmallVector<Value>(pin.getResults());
  }

  /// An input of all waves as this wave has read it.
  Value lookUp(Value input) {
    auto found = readByWave.find(input);
    return found == readByWave.end() ? input : found->second;
  }

  mma::ContractOp op;
  OpBuilder builder;
  Location loc;
  Value &temporary;
  StringAttr axisK;
  WgmmaOperandLayout layoutA, layoutB;
  /// Inputs that are read from shared memory for this contraction alone: those
  /// of which each wave takes a part, and those that all waves take and that
  /// are read behind its product.
  SmallVector<vector::FromElementsOp> partReads, wholeReads;
  /// What the current wave has read of an input of all waves.
  llvm::DenseMap<Value, Value> readByWave;
};

/// Expands the contractions of one role. The partial sums of all waves of all
/// its contractions share one set of registers for each type: a fresh undefined
/// value for each would be another set, and with unrolled loops ptxas spills
/// (codegen-speed, rule 4). So the set is a running value, carried through all
/// loops; the first instruction of a wave ignores what it holds.
class RoleExpander {
public:
  explicit RoleExpander(tile::RoleOp role) : role(role) {}

  LogicalResult run() {
    SmallVector<mma::ContractOp> plain;
    role.walk([&](mma::ContractOp op) {
      if (op.getBody().empty())
        plain.push_back(op);
      else
        temporaries.insert({temporaryType(op), temporaries.size()});
    });
    for (mma::ContractOp op : plain) {
      Value none;
      if (failed(WaveExpander(op, none).run()))
        return failure();
    }
    if (temporaries.empty())
      return success();
    Block &body = role.getBody().front();
    OpBuilder builder = OpBuilder::atBlockBegin(&body);
    SmallVector<Value> state;
    for (auto [type, index] : temporaries)
      state.push_back(mma::UndefOp::create(builder, role.getLoc(), type));
    bool failedInside = false;
    auto changes = [&](Operation *op, llvm::BitVector &bits) {
      if (auto contract = dyn_cast<mma::ContractOp>(op))
        if (!contract.getBody().empty())
          bits.set(temporaries.lookup(temporaryType(contract)));
    };
    auto update = [&](Operation *op, MutableArrayRef<Value> values) {
      auto contract = cast<mma::ContractOp>(op);
      Value &value = values[temporaries.lookup(temporaryType(contract))];
      failedInside |= failed(WaveExpander(contract, value).run());
    };
    return failure(failed(StateThreader{changes, update}.run(body, state)) ||
                   failedInside);
  }

private:
  static Type temporaryType(mma::ContractOp op) {
    return op.getBody().getArgument(0).getType();
  }

  tile::RoleOp role;
  /// The types of partial sums, and which running value holds each.
  llvm::MapVector<Type, unsigned> temporaries;
};

struct MMAExpandWaves
    : public tilewright::impl::MMAExpandWavesBase<MMAExpandWaves> {
  void runOnOperation() override {
    for (auto role : getOperation().getBody().getOps<tile::RoleOp>())
      if (failed(RoleExpander(role).run()))
        return signalPassFailure();
  }
};

} // namespace
