//===- MMAOps.cpp - operations of the mma dialect ------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Dialect/Resources.h"

using namespace mlir;
using namespace tilewright;
using namespace tilewright::mma;

#define GET_OP_CLASSES
#include "tilewright/Dialect/MMA/MMAOps.cpp.inc"

/// What the tensor cores multiply.
static bool isMatrixElement(Type type) {
  if (type.isInteger(8))
    return true;
  unsigned bits = tile::getStorageBits(type);
  return isa<FloatType>(type) && !type.isF32() && bits != 0 && bits <= 32;
}

//===----------------------------------------------------------------------===//
// ContractOp
//===----------------------------------------------------------------------===//

/// Every axis of `view` is contracted or the free one.
static LogicalResult verifyOneFreeAxis(ContractOp op, tile::ViewType view,
                                       tile::ViewType other, StringRef free,
                                       StringRef which) {
  if (!view.hasAxis(free) || other.hasAxis(free))
    return op.emitOpError("'")
           << free << "' is not a free axis of the " << which << " operand";
  for (StringAttr axis : view.getAxes())
    if (axis != free && !other.hasAxis(axis))
      return op.emitOpError("axis '")
             << axis.getValue() << "' of the " << which
             << " operand is neither contracted nor '" << free << "'";
  return success();
}

/// The part of a value that one wave works on has the type `part`: with axis
/// `axisM` cut to the wave, or, once distributed, all registers (where the
/// value lacks the axis) or an equal share of them.
static bool isWavePart(Type whole, Type part, StringRef axisM, int64_t m,
                       int64_t waveM) {
  if (auto tile = dyn_cast<tile::TileType>(whole)) {
    auto cut = dyn_cast<tile::TileType>(part);
    std::optional<int64_t> extent = tile.getExtent(axisM);
    if (!cut || (extent && *extent != m))
      return false;
    tile::TileType expected = extent ? tile.withExtent(axisM, waveM) : tile;
    return cut.withLayout({}) == expected.withLayout({});
  }
  auto registers = dyn_cast<VectorType>(whole);
  auto cut = dyn_cast<VectorType>(part);
  if (!registers || !cut)
    return whole == part;
  return whole == part ||
         (registers.getElementType() == cut.getElementType() &&
          registers.getRank() == 1 && cut.getRank() == 1 &&
          cut.getNumElements() * (m / waveM) == registers.getNumElements());
}

/// A tile, a thread's registers or a scalar.
static bool isWaveValue(Type type) {
  return isa<tile::TileType, VectorType>(type) || type.isIntOrIndexOrFloat();
}

LogicalResult ContractOp::verify() {
  tile::ViewType a = getA().getType(), b = getB().getType();
  if (failed(verifyOneFreeAxis(*this, a, b, getAxisM(), "first")) ||
      failed(verifyOneFreeAxis(*this, b, a, getAxisN(), "second")) ||
      failed(tile::verifyContraction(*this, a, b)))
    return failure();
  if (!isMatrixElement(a.getElementType()))
    return emitOpError("tensor cores do not multiply ") << a.getElementType();
  int64_t m = *a.getExtent(getAxisM());
  auto wave = static_cast<int64_t>(getWaveM());
  if (wave <= 0 || m % wave != 0)
    return emitOpError("waves of ") << wave << " rows do not divide the extent "
                                    << m << " of axis '" << getAxisM() << "'";
  if (getResults().size() != getCarried().size())
    return emitOpError("carries ") << getCarried().size() << " values but has "
                                   << getResults().size() << " results";
  if (TypeRange(getResults().getTypes()) != TypeRange(getCarried().getTypes()))
    return emitOpError("carried and result types differ");
  for (Value value : getOperands().drop_front(2))
    if (!isWaveValue(value.getType()))
      return emitOpError("takes a ")
             << value.getType() << "; a tile, a vector or a scalar is expected";
  if (failed(verifyInputAxes()))
    return failure();
  if (getBody().empty()) {
    if (getCarried().size() != 1 || !getInputs().empty())
      return emitOpError("without a region carries exactly one value and takes "
                         "no inputs");
    return success();
  }
  return verifyBodyArguments();
}

LogicalResult ContractOp::verifyInputAxes() {
  if (!getInputAxes()) {
    for (Value input : getInputs())
      if (isa<VectorType>(input.getType()))
        return emitOpError("takes registers but 'input_axes' does not say "
                           "which are cut into waves");
    return success();
  }
  if (getInputAxes()->size() != getInputs().size())
    return emitOpError("has ")
           << getInputs().size() << " inputs but 'input_axes' of "
           << getInputAxes()->size();
  for (auto [input, attr] : llvm::zip_equal(getInputs(), *getInputAxes())) {
    auto cut = dyn_cast<BoolAttr>(attr);
    if (!cut)
      return emitOpError("'input_axes' holds ") << attr << ", not a bool";
    auto tile = dyn_cast<tile::TileType>(input.getType());
    bool may =
        tile ? tile.hasAxis(getAxisM()) : isa<VectorType>(input.getType());
    if (cut.getValue() ? !may : tile && may)
      return emitOpError("'input_axes' says that ")
             << input.getType() << (cut.getValue() ? " is" : " is not")
             << " cut along '" << getAxisM() << "'";
  }
  return success();
}

LogicalResult ContractOp::verifyBodyArguments() {
  int64_t m = *getA().getType().getExtent(getAxisM());
  auto wave = static_cast<int64_t>(getWaveM());
  size_t expected = 1 + getCarried().size() + getInputs().size();
  Block &body = getBody().front();
  if (body.getNumArguments() != expected)
    return emitOpError("region takes ")
           << body.getNumArguments() << " arguments; expected " << expected
           << ": the partial sums, carried values, inputs";
  Type partial = body.getArgument(0).getType();
  if (auto tile = dyn_cast<tile::TileType>(partial)) {
    int64_t n = *getB().getType().getExtent(getAxisN());
    if (tile.getAxes().size() != 2 || tile.getExtent(getAxisM()) != wave ||
        tile.getExtent(getAxisN()) != n)
      return emitOpError("partial sums are a ")
             << tile << "; expected [" << getAxisM() << ": " << wave << ", "
             << getAxisN() << ": " << n << "]";
  } else if (!isa<VectorType>(partial)) {
    return emitOpError("partial sums are a ")
           << partial << "; expected a tile or a vector";
  }
  for (auto [i, value] : llvm::enumerate(getOperands().drop_front(2))) {
    Type part = body.getArgument(i + 1).getType();
    if (!isWavePart(value.getType(), part, getAxisM(), m, wave))
      return emitOpError("region takes a ")
             << part << ", which is not a wave's part of " << value.getType();
  }
  return success();
}

LogicalResult ContractOp::verifyRegions() {
  if (getBody().empty())
    return success();
  Block &body = getBody().front();
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getNumOperands() != getCarried().size())
    return emitOpError("region must yield one value for each carried one");
  for (unsigned i = 0, e = yield.getNumOperands(); i < e; ++i) {
    Type type = yield.getOperand(i).getType();
    Type carried = body.getArgument(i + 1).getType();
    if (type != carried)
      return yield.emitOpError("yields a ")
             << type << " for the carried " << carried;
  }
  return success();
}

SmallVector<Value> ContractOp::getAsyncReads() { return {getA(), getB()}; }

ReadRetirement ContractOp::getReadRetirement() { return ReadRetirement::Token; }

Value ContractOp::getReadToken() { return getToken(); }

//===----------------------------------------------------------------------===//
// wgmma
//===----------------------------------------------------------------------===//

LogicalResult DescriptorOp::verify() {
  tile::ViewType view = getView().getType();
  std::optional<int64_t> extent = view.getExtent(getAxisK());
  if (!extent)
    return emitOpError("axis '")
           << getAxisK() << "' is not an axis of " << view;
  if (!isMatrixElement(view.getElementType()))
    return emitOpError("tensor cores do not read ") << view.getElementType();
  int64_t rows = view.getNumElements() / *extent;
  auto k = static_cast<int64_t>(getK()), row = static_cast<int64_t>(getRow());
  if (k < 0 || k >= *extent)
    return emitOpError("k ") << k << " is outside axis '" << getAxisK()
                             << "' of extent " << *extent;
  if (row < 0 || row >= rows)
    return emitOpError("row ") << row << " is outside the " << rows << " rows";
  return success();
}

/// Results are the operands after the instruction.
static LogicalResult verifyTied(Operation *op) {
  if (op->getOperandTypes() != op->getResultTypes())
    return op->emitOpError("ties ")
           << op->getNumOperands() << " values to " << op->getNumResults()
           << " results of other types";
  return success();
}

LogicalResult WaitOp::verify() {
  // PTX ISA, wgmma.wait_group: 0 to 7.
  auto pending = static_cast<int64_t>(getPending());
  if (pending < 0 || pending > 7)
    return emitOpError("waits for ")
           << pending << " pending groups; wgmma.wait_group takes 0 to 7";
  return verifyTied(*this);
}

LogicalResult PinOp::verify() {
  if (getValues().empty())
    return emitOpError("pins nothing");
  return verifyTied(*this);
}

LogicalResult WgmmaOp::verify() {
  // PTX ISA, wgmma.mma_async: M is 64; N a multiple of 8 up to 256; K is 32
  // bytes of elements.
  auto m = static_cast<int64_t>(getM()), n = static_cast<int64_t>(getN()),
       k = static_cast<int64_t>(getK());
  if (m != 64)
    return emitOpError("M is ") << m << "; wgmma has M = 64";
  if (n % 8 != 0 || n < 8 || n > 256)
    return emitOpError("N is ")
           << n << "; wgmma takes multiples of 8 from 8 to 256";
  Type a = getTypeA(), b = getTypeB();
  unsigned bits = tile::getStorageBits(a);
  if (!isMatrixElement(a) || bits < 8)
    return emitOpError("wgmma does not multiply ") << a;
  bool bothFP8 = bits == 8 && tile::getStorageBits(b) == 8 &&
                 isa<FloatType>(a) && isa<FloatType>(b);
  if (a != b && !bothFP8)
    return emitOpError("wgmma does not multiply ") << a << " by " << b;
  if (k != 256 / bits)
    return emitOpError("K is ")
           << k << " for elements of " << bits << " bits; K spans 32 bytes";
  // PTX ISA, wgmma.mma_async: imm-trans-a and -b exist for f16 and bf16.
  if ((getAMnMajor() || getBMnMajor()) && bits != 16)
    return emitOpError("reads ") << a << " K-major only";
  auto acc = dyn_cast<VectorType>(getAcc().getType());
  if (!acc || acc.getRank() != 1 || acc.isScalable())
    return emitOpError("accumulator is a ")
           << getAcc().getType() << ", not a vector of registers";
  if (acc.getNumElements() != n / 2)
    return emitOpError("accumulator has ")
           << acc.getNumElements() << " elements a thread; expected " << n / 2;
  if (acc != getResult().getType())
    return emitOpError("accumulator and result types differ");
  return success();
}

/// The views behind the two descriptors, where they are in sight.
SmallVector<Value> WgmmaOp::getAsyncReads() {
  SmallVector<Value> views;
  for (Value desc : {getDescA(), getDescB()})
    if (auto op = desc.getDefiningOp<DescriptorOp>())
      views.push_back(op.getView());
  return views;
}

ReadRetirement WgmmaOp::getReadRetirement() {
  return ReadRetirement::MatrixGroup;
}

//===----------------------------------------------------------------------===//
// Effects
//===----------------------------------------------------------------------===//

using Effects =
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>;

void ContractOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), AsyncSharedMemory::get());
  effects.emplace_back(MemoryEffects::Write::get(), TensorCore::get());
}
void FenceOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), TensorCore::get());
}
void CommitOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), TensorCore::get());
}
void WaitOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), TensorCore::get());
}
void PinOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Write::get(), TensorCore::get());
}
void WgmmaOp::getEffects(Effects &effects) {
  effects.emplace_back(MemoryEffects::Read::get(), AsyncSharedMemory::get());
  effects.emplace_back(MemoryEffects::Write::get(), TensorCore::get());
}
