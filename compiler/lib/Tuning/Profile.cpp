//===- Profile.cpp - what the cost model reads off a planned kernel -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Walks the roles of a planned kernel. Every operation asks something of the
// SM (Work); loops inside of `tile.for_each` become trips, the rest is once a
// tile. Operations are known by what they do to memory and to tiles; an unknown
// one that makes a tile costs an operation an element.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Tuning/Profile.h"
#include "tilewright/Dialect/MMA/MMADialect.h"
#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/TMA/TMADialect.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/ADT/TypeSwitch.h"
#include <numeric>

using namespace mlir;
using namespace tilewright;
using namespace tilewright::tuning;

/// Multiply-adds a cycle of an SM's tensor cores (compute capability 9.0): 4096
/// of 8 bits, half of them for each doubling of the width.
static double multipliesPerCycle(Type element) {
  unsigned bits = std::max(tile::getStorageBits(element), 8u);
  return 4096.0 * 8 / bits;
}

static double elements(Type type) {
  if (auto tileType = dyn_cast<tile::TileType>(type))
    return static_cast<double>(tileType.getNumElements());
  if (auto view = dyn_cast<tile::ViewType>(type))
    return static_cast<double>(view.getNumElements());
  return 0;
}

static double bytes(Type type) {
  Type element;
  if (auto tileType = dyn_cast<tile::TileType>(type))
    element = tileType.getElementType();
  else if (auto view = dyn_cast<tile::ViewType>(type))
    element = view.getElementType();
  else
    return 0;
  return elements(type) * tile::getStorageBits(element) / 8;
}

namespace {

class Profiler {
public:
  Profiler(tile::KernelOp kernel, std::string &why)
      : kernel(kernel), why(why) {}

  std::optional<KernelProfile> run() {
    auto dims = kernel->getAttrOfType<ArrayAttr>("dims");
    for (Attribute name : dims ? dims.getValue() : ArrayRef<Attribute>())
      profile.dims.push_back(cast<StringAttr>(name).getValue().str());
    auto integer = [&](StringRef name) {
      auto attr = kernel->getAttrOfType<IntegerAttr>(name);
      return attr ? attr.getInt() : 0;
    };
    profile.threads = integer("threads");
    profile.sharedBytes = integer("smem_bytes");
    if (!addTensors())
      return std::nullopt;
    if (auto conditions = kernel->getAttrOfType<ArrayAttr>("requires"))
      for (auto condition : conditions.getAsRange<DictionaryAttr>())
        if (auto expr = convert(condition.get("expr")))
          profile.requirements.push_back(*expr);
    for (auto role : kernel.getBody().getOps<tile::RoleOp>())
      if (!addRole(role))
        return std::nullopt;
    if (!iterator)
      return fail("it has no iterator over tiles");
    return std::move(profile);
  }

private:
  std::nullopt_t fail(const Twine &reason) {
    why = reason.str();
    return std::nullopt;
  }

  //===--------------------------------------------------------------------===//
  // Expressions
  //===--------------------------------------------------------------------===//

  std::optional<CostExpr> dimension(StringRef name) {
    auto it = llvm::find(profile.dims, name);
    if (it != profile.dims.end())
      return CostExpr::dim(it - profile.dims.begin());
    // A dimension that is baked in has a value in place of a name.
    auto baked = kernel->getAttrOfType<DictionaryAttr>("baked");
    if (auto value = baked ? baked.getAs<IntegerAttr>(name) : IntegerAttr())
      return CostExpr::integer(value.getInt());
    return std::nullopt;
  }

  /// An expression of the manifest (HostExpression.h).
  std::optional<CostExpr> convert(Attribute attr) {
    if (auto integer = dyn_cast<IntegerAttr>(attr))
      return CostExpr::integer(integer.getInt());
    if (auto name = dyn_cast<StringAttr>(attr))
      return dimension(name.getValue());
    auto array = dyn_cast<ArrayAttr>(attr);
    if (array && array.size() == 2) { // ["not", a]
      std::optional<CostExpr> a = convert(array[1]);
      return a ? CostExpr::binary(CostExpr::Op::Eq, *a, CostExpr::integer(0))
               : std::nullopt;
    }
    if (!array || array.size() != 3)
      return std::nullopt;
    std::optional<CostExpr::Op> op =
        CostExpr::parseOp(cast<StringAttr>(array[0]).getValue());
    std::optional<CostExpr> a = convert(array[1]), b = convert(array[2]);
    return op && a && b ? CostExpr::binary(*op, *a, *b) : std::nullopt;
  }

  std::optional<CostExpr> convert(Value value) {
    if (std::optional<int64_t> constant = getConstantIntValue(value))
      return CostExpr::integer(*constant);
    if (auto arg = dyn_cast<BlockArgument>(value)) {
      Operation *parent = arg.getOwner()->getParentOp();
      if (parent == kernel.getOperation() && arg.getType().isIndex())
        return dimension(kernel.getArgName(arg.getArgNumber()));
      if (auto loop = dyn_cast<tile::ForEachOp>(parent);
          loop && arg.getArgNumber() < loop.getRank())
        return CostExpr::coord(arg.getArgNumber());
      return std::nullopt;
    }
    Operation *op = value.getDefiningOp();
    if (auto dim = dyn_cast<tile::DimOp>(op)) {
      auto arg = dyn_cast<BlockArgument>(dim.getTensor());
      auto shape = arg ? kernel.getArgAttrOfType<ArrayAttr>(arg.getArgNumber(),
                                                            "tile.shape")
                       : ArrayAttr();
      return shape ? convert(shape[dim.getDim()]) : std::nullopt;
    }
    using Op = CostExpr::Op;
    auto kind =
        TypeSwitch<Operation *, std::optional<Op>>(op)
            .Case<arith::AddIOp>([](auto) { return Op::Add; })
            .Case<arith::SubIOp>([](auto) { return Op::Sub; })
            .Case<arith::MulIOp>([](auto) { return Op::Mul; })
            .Case<arith::DivUIOp, arith::DivSIOp, arith::FloorDivSIOp>(
                [](auto) { return Op::FloorDiv; })
            .Case<arith::CeilDivUIOp, arith::CeilDivSIOp>(
                [](auto) { return Op::CDiv; })
            .Case<arith::RemUIOp, arith::RemSIOp>([](auto) { return Op::Mod; })
            .Case<arith::MinUIOp, arith::MinSIOp>([](auto) { return Op::Min; })
            .Case<arith::MaxUIOp, arith::MaxSIOp>([](auto) { return Op::Max; })
            .Default(std::nullopt);
    if (!kind)
      return std::nullopt;
    std::optional<CostExpr> a = convert(op->getOperand(0));
    std::optional<CostExpr> b = convert(op->getOperand(1));
    return a && b ? CostExpr::binary(*kind, *a, *b) : std::nullopt;
  }

  /// The iterator's coordinates that `value` depends on.
  static unsigned coordinatesOf(Value value, unsigned depth = 0) {
    if (auto arg = dyn_cast<BlockArgument>(value)) {
      auto loop = dyn_cast<tile::ForEachOp>(arg.getOwner()->getParentOp());
      if (loop && arg.getArgNumber() < loop.getRank())
        return 1u << arg.getArgNumber();
      if (auto inner = dyn_cast<scf::ForOp>(arg.getOwner()->getParentOp());
          inner && arg == inner.getInductionVar())
        return coordinatesOf(inner.getLowerBound(), depth + 1);
      return 0;
    }
    unsigned mask = 0;
    if (Operation *op = value.getDefiningOp(); op && depth < 32)
      for (Value operand : op->getOperands())
        if (operand.getType().isIntOrIndex())
          mask |= coordinatesOf(operand, depth + 1);
    return mask;
  }

  //===--------------------------------------------------------------------===//
  // Declarations
  //===--------------------------------------------------------------------===//

  bool addTensors() {
    tensorIndex.assign(kernel.getBody().getNumArguments(), -1);
    for (BlockArgument arg : kernel.getBody().getArguments()) {
      unsigned number = arg.getArgNumber();
      auto type = dyn_cast<tile::GlobalTensorType>(arg.getType());
      auto shape = kernel.getArgAttrOfType<ArrayAttr>(number, "tile.shape");
      if (!type || !shape)
        continue;
      TensorProfile tensor;
      tensor.name = kernel.getArgName(number).str();
      tensor.elementBytes = tile::getStorageBits(type.getElementType()) / 8.0;
      for (Attribute extent : shape) {
        std::optional<CostExpr> expr = convert(extent);
        if (!expr) {
          why = "the shape of " + tensor.name +
                " does not follow from its dimensions";
          return false;
        }
        tensor.shape.push_back(*expr);
      }
      tensorIndex[number] = static_cast<int>(profile.tensors.size());
      profile.tensors.push_back(std::move(tensor));
    }
    return true;
  }

  /// A ring that a bulk copy fills: all of its slots can be on their way.
  void addFilledRing(Operation *from, pipe::SlotType slot) {
    auto ring = pipe::RingOp::lookup(from, slot.getRing());
    if (!filled.insert(ring).second)
      return;
    for (unsigned i = 0; i < ring.getFieldNames().size(); ++i)
      profile.inFlightBytes +=
          bytes(ring.getFieldType(i)) * static_cast<double>(ring.getDepth());
  }

  bool addIterator(tile::ForEachOp loop) {
    if (iterator) {
      if (iterator == loop.getIter())
        return true;
      why = "it has several iterators";
      return false;
    }
    auto tiles = loop.getIter().getDefiningOp<tile::TilesOp>();
    if (!tiles) {
      why = "its iterator is no list of tiles";
      return false;
    }
    iterator = loop.getIter();
    for (Value extent : tiles.getExtents()) {
      std::optional<CostExpr> expr = convert(extent);
      if (!expr || expr->coordinates()) {
        why = "the extents of its tiles do not follow from its dimensions";
        return false;
      }
      profile.extents.push_back(*expr);
    }
    if (profile.extents.size() > 4) {
      why = "its tiles have more than four dimensions";
      return false;
    }
    profile.persistent = tiles.getPersistent();
    profile.raster = static_cast<int64_t>(tiles.getRasterGroup());
    profile.rasterDim = static_cast<unsigned>(tiles.getRasterDim());
    profile.cluster = static_cast<int64_t>(tiles.getCluster());
    profile.clusterDim = static_cast<unsigned>(tiles.getClusterDim());
    return true;
  }

  //===--------------------------------------------------------------------===//
  // Roles
  //===--------------------------------------------------------------------===//

  bool addRole(tile::RoleOp op) {
    RoleProfile role;
    role.name = op.getName().str();
    role.groups = op.getGroups() ? static_cast<int64_t>(op.getCount()) : 0;
    profile.roles.push_back(role);
    // What all groups of a role do is written once.
    copies = static_cast<double>(std::max<int64_t>(role.groups, 1));
    return addBlock(op.getBody().front(), {}, false, false);
  }

  bool addBlock(Block &block, SmallVector<CostExpr, 1> trips, bool inTile,
                bool inLoop, bool overlaps = false) {
    Phase phase;
    phase.role = profile.roles.size() - 1;
    phase.inLoop = inLoop;
    phase.overlaps = overlaps;
    phase.trips = trips;
    size_t index = profile.phases.size();
    if (inTile)
      profile.phases.push_back(phase);
    Work work;
    // Chunks that are put into each staging ring.
    llvm::MapVector<Operation *, double> puts;
    for (Operation &op : block) {
      if (auto put = dyn_cast<pipe::AcquirePutOp>(op)) {
        auto ring = pipe::RingOp::lookup(put, put.getRingAttr());
        if (ring.getConsumer() == pipe::Consumer::CopyEngine)
          ++puts[ring];
      }
      if (auto loop = dyn_cast<tile::ForEachOp>(op)) {
        if (!addIterator(loop) ||
            !addBlock(loop.getBody().front(), trips, true, false))
          return false;
        continue;
      }
      if (auto loop = dyn_cast<scf::ForOp>(op)) {
        std::optional<CostExpr> count = tripCount(loop);
        if (!count) {
          why = "a loop's trip count does not follow from its dimensions";
          return false;
        }
        SmallVector<CostExpr, 1> inner = trips;
        inner.push_back(*count);
        if (!addBlock(*loop.getBody(), inner, inTile, inTile,
                      loop->hasAttr("tile.overlap")))
          return false;
        continue;
      }
      // Regions of a loop's body are straight-line code; `if` counts whole.
      if (op.getNumRegions() && !isa<mma::ContractOp, tile::MapOp>(op)) {
        for (Region &region : op.getRegions())
          for (Block &inner : region)
            for (Operation &each : inner)
              addOperation(each, work, index);
        continue;
      }
      addOperation(op, work, index);
    }
    // A chunk beyond the staging buffers waits until one has been read.
    for (auto &[ring, count] : puts)
      work.chunks +=
          copies * std::max(count - static_cast<double>(
                                        cast<pipe::RingOp>(ring).getDepth()),
                            0.0);
    if (inTile)
      profile.phases[index].work.add(work);
    return true;
  }

  std::optional<CostExpr> tripCount(scf::ForOp loop) {
    std::optional<CostExpr> lower = convert(loop.getLowerBound());
    std::optional<CostExpr> upper = convert(loop.getUpperBound());
    std::optional<CostExpr> step = convert(loop.getStep());
    if (!lower || !upper || !step)
      return std::nullopt;
    std::optional<CostExpr> span =
        CostExpr::binary(CostExpr::Op::Sub, *upper, *lower);
    return span ? CostExpr::binary(CostExpr::Op::CDiv, *span, *step)
                : std::nullopt;
  }

  void addTraffic(Value tensor, double amount, unsigned mask, size_t phase,
                  bool isStore, bool isBulk = false) {
    auto arg = dyn_cast<BlockArgument>(tensor);
    int index = arg && arg.getOwner() == &kernel.getBody().front()
                    ? tensorIndex[arg.getArgNumber()]
                    : -1;
    if (index < 0 || phase >= profile.phases.size())
      return;
    (isStore ? profile.tensors[index].isWritten
             : profile.tensors[index].isRead) = true;
    profile.traffic.push_back({static_cast<unsigned>(index),
                               static_cast<unsigned>(phase), amount, mask,
                               isStore, isBulk});
  }

  static unsigned maskOf(ValueRange values) {
    unsigned mask = 0;
    for (Value value : values)
      mask |= coordinatesOf(value);
    return mask;
  }

  /// How many neighbouring coordinates read the same element for certain:
  /// `(j*96 + n) // 128` is one scalar for each 32 values of n.
  static int64_t sharedCoordinates(AffineMap map) {
    int64_t shared = 1;
    for (AffineExpr result : map.getResults())
      result.walk([&](AffineExpr part) {
        auto divide = dyn_cast<AffineBinaryOpExpr>(part);
        auto by = divide && divide.getKind() == AffineExprKind::FloorDiv
                      ? dyn_cast<AffineConstantExpr>(divide.getRHS())
                      : AffineConstantExpr();
        if (!by || by.getValue() < 2)
          return;
        SmallVector<AffineExpr> zeros(
            map.getNumDims(), getAffineConstantExpr(0, map.getContext()));
        AffineExpr start = divide.getLHS().replaceDims(zeros);
        auto constant = dyn_cast<AffineConstantExpr>(start);
        int64_t step =
            constant ? constant.getValue() : start.getLargestKnownDivisor();
        shared = std::max(shared, std::gcd(step, by.getValue()));
      });
    return shared;
  }

  void addOperation(Operation &op, Work &work, size_t phase) {
    TypeSwitch<Operation *>(&op)
        .Case<tma::LoadOp>([&](tma::LoadOp load) {
          addFilledRing(load, cast<pipe::SlotType>(load.getSlot().getType()));
          auto amount = static_cast<double>(load.getBytes());
          work.loadBytes += amount;
          work.sharedBytes += amount;
          work.l2Bytes += amount / static_cast<double>(load.getMulticast());
          addTraffic(
              load.getDesc().getDefiningOp<tma::DescriptorOp>().getTensor(),
              amount, maskOf(load.getCoords()), phase, false,
              /*isBulk=*/true);
          work.copies += 1 / static_cast<double>(load.getMulticast());
        })
        .Case<tma::StoreOp>([&](tma::StoreOp store) {
          double amount = bytes(store.getSource().getType()) * copies;
          work.sharedBytes += amount;
          addTraffic(
              store.getDesc().getDefiningOp<tma::DescriptorOp>().getTensor(),
              amount, maskOf(store.getCoords()), phase, true);
          if (store.getReduce())
            addTraffic(
                store.getDesc().getDefiningOp<tma::DescriptorOp>().getTensor(),
                amount, maskOf(store.getCoords()), phase, false);
        })
        .Case<pipe::AcquireGetOp>([&](auto) { ++work.gets; })
        .Case<mma::ContractOp>([&](auto contract) { add(contract, work); })
        .Case<tile::ReadOp>([&](tile::ReadOp read) {
          double amount = bytes(read.getResult().getType()) * copies;
          int64_t shared = sharedCoordinates(read.getMap());
          if (shared > 1) {
            amount /= static_cast<double>(shared);
            work.scalars += std::max(
                elements(read.getResult().getType()) / double(shared) - 1, 0.0);
          }
          work.l2Bytes += amount;
          addTraffic(read.getTensor(), amount, maskOf(read.getSymbols()), phase,
                     false);
        })
        .Case<tile::StoreOp>([&](tile::StoreOp store) {
          double count = elements(store.getValue().getType()) * copies;
          work.storeElements += count;
          addTraffic(store.getTensor(),
                     bytes(store.getValue().getType()) * copies,
                     maskOf(store.getSymbols()), phase, true);
        })
        .Case<tile::PutOp>([&](tile::PutOp put) {
          work.storeElements += elements(put.getValue().getType()) * copies;
          work.sharedBytes += bytes(put.getValue().getType()) * copies;
        })
        .Case<tile::LoadOp>([&](tile::LoadOp load) {
          // Every thread reads its part: those that share a row, all of it.
          tile::TileType type = load.getResult().getType();
          double reads = elements(type);
          if (tile::FragmentAttr layout = type.getLayout())
            reads = static_cast<double>(layout.getNumRegisters()) * 128;
          work.sharedReads += reads * copies;
          work.sharedBytes += bytes(load.getView().getType()) * copies;
        })
        .Case<tile::MapOp>(
            [&](tile::MapOp map) { work.laneOps += mapOps(map) * copies; })
        .Case<tile::ExtractOp, tile::SplatOp, tile::SliceOp>([](auto) {})
        .Default([&](Operation *other) { addUnknown(*other, work); });
  }

  /// By what it takes and makes: a tile is computed, a view is read for it; a
  /// tile that makes none is written into shared memory; views alone are moved.
  void addUnknown(Operation &op, Work &work) {
    if (isa<pipe::FieldOp, pipe::ReleaseOp>(op))
      return;
    auto sum = [&](TypeRange types, auto measure, auto kind) {
      double total = 0;
      for (Type type : types)
        if (isa<decltype(kind)>(type))
          total += measure(type);
      return total * copies;
    };
    double made = sum(op.getResultTypes(), elements, tile::TileType());
    double given = sum(op.getOperandTypes(), elements, tile::TileType());
    double viewed = sum(op.getOperandTypes(), bytes, tile::ViewType());
    work.sharedBytes += viewed;
    work.laneOps += made;
    if (made > 0)
      work.sharedReads += sum(op.getOperandTypes(), elements, tile::ViewType());
    else if (viewed > 0)
      work.storeElements += given;
  }

  /// Operations of an elementwise computation: one an element and operation of
  /// its body.
  static double mapOps(tile::MapOp map) {
    double count = 0;
    for (Type type : map->getResultTypes())
      count = std::max(count, elements(type));
    auto body =
        static_cast<double>(map.getBody().front().getOperations().size());
    return count * std::max(body - 1, 1.0);
  }

  void add(mma::ContractOp contract, Work &work) {
    tile::ViewType a = contract.getA().getType(), b = contract.getB().getType();
    auto m = static_cast<double>(*a.getExtent(contract.getAxisM()));
    auto n = static_cast<double>(*b.getExtent(contract.getAxisN()));
    double k = static_cast<double>(a.getNumElements()) / m;
    double waves = m / static_cast<double>(contract.getWaveM());
    double multiplies = m * n * k / multipliesPerCycle(a.getElementType());
    work.tensorCycles += multiplies * copies;
    // Both operands come from shared memory, the second for every wave.
    work.sharedBytes += (bytes(a) + waves * bytes(b)) * copies;
    // Partial sums that the tensor core adds itself are not waited for.
    work.waves += (contract.getBody().empty() ? 1 : waves) * copies;
    if (contract.getBody().empty())
      return;
    // What depends on the partial sums; scales are multiplied before.
    Block &body = contract.getBody().front();
    llvm::DenseSet<Value> partial;
    for (unsigned i = 0; i <= contract.getCarried().size(); ++i)
      partial.insert(body.getArgument(i));
    for (auto map : body.getOps<tile::MapOp>()) {
      if (llvm::none_of(map->getOperands(),
                        [&](Value v) { return partial.contains(v); }))
        continue;
      partial.insert_range(map->getResults());
      work.laneOps += mapOps(map) * waves * copies;
    }
  }

  tile::KernelOp kernel;
  std::string &why;
  KernelProfile profile;
  Value iterator;
  SmallVector<int> tensorIndex;
  llvm::DenseSet<Operation *> filled;
  double copies = 1;
};

} // namespace

std::optional<KernelProfile>
tilewright::tuning::profileKernel(tile::KernelOp kernel, std::string &why) {
  return Profiler(kernel, why).run();
}
