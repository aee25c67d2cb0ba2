//===- BulkCopy.cpp - boxes and runs of bytes moved by the copy engine ----===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Sim/BulkCopy.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/Twine.h"
#include <cmath>
#include <cstring>
#include <vector>

using namespace tilewright::sim;
using llvm::Twine;

static llvm::Error refuse(const Twine &message) {
  return llvm::createStringError(message);
}

std::optional<ReduceOp> tilewright::sim::parseReduceOp(llvm::StringRef name) {
  return llvm::StringSwitch<std::optional<ReduceOp>>(name)
      .Case("add", ReduceOp::Add)
      .Case("min", ReduceOp::Min)
      .Case("max", ReduceOp::Max)
      .Case("inc", ReduceOp::Inc)
      .Case("dec", ReduceOp::Dec)
      .Case("and", ReduceOp::And)
      .Case("or", ReduceOp::Or)
      .Case("xor", ReduceOp::Xor)
      .Default(std::nullopt);
}

static const char *opName(ReduceOp op) {
  static const char *const names[] = {"add", "min", "max", "inc",
                                      "dec", "and", "or",  "xor"};
  return names[unsigned(op)];
}

Format tilewright::sim::mapFormat(MapType type) {
  switch (type) {
  case MapType::U16:
    return Format::U16;
  case MapType::U32:
    return Format::U32;
  case MapType::S32:
    return Format::S32;
  case MapType::U64:
    return Format::U64;
  case MapType::S64:
    return Format::S64;
  case MapType::F16:
    return Format::F16;
  case MapType::F32:
  case MapType::F32Ftz:
    return Format::F32;
  case MapType::F64:
    return Format::F64;
  case MapType::BF16:
    return Format::BF16;
  case MapType::TF32:
  case MapType::TF32Ftz:
    return Format::TF32;
  default:
    return Format::U8;
  }
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static uint64_t loadElement(const uint8_t *bytes, unsigned size) {
  uint64_t value = 0;
  std::memcpy(&value, bytes, size); // little-endian, as the device
  return value;
}

static void storeElement(uint8_t *bytes, unsigned size, uint64_t value) {
  std::memcpy(bytes, &value, size);
}

static uint32_t flushSubnormal(uint32_t bits) {
  return (bits & 0x7F800000) == 0 ? bits & 0x80000000 : bits;
}

static uint64_t reduceFloat(Format format, ReduceOp op, uint64_t target,
                            uint64_t operand, bool flushF32) {
  bool flush = format == Format::F32 && flushF32;
  if (flush) {
    target = flushSubnormal(uint32_t(target));
    operand = flushSubnormal(uint32_t(operand));
  }
  double x = decode(format, target), y = decode(format, operand);
  if (op != ReduceOp::Add) {
    if (std::isnan(x) || std::isnan(y)) {
      if (std::isnan(x) && std::isnan(y))
        return canonicalNaN(format);
      return std::isnan(x) ? operand : target;
    }
    // -0 is below +0 (PTX ISA, min and max).
    bool below = x < y || (x == y && std::signbit(x) && !std::signbit(y));
    return (op == ReduceOp::Min) == below ? target : operand;
  }
  // A double holds more than twice the digits of f32 and 16-bit formats plus
  // two, so that rounding its sum again is as good as rounding once.
  uint64_t sum = encode(format, x + y);
  return flush ? flushSubnormal(uint32_t(sum)) : sum;
}

static uint64_t reduceInteger(Format format, ReduceOp op, uint64_t target,
                              uint64_t operand) {
  bool isSigned = format == Format::S32 || format == Format::S64;
  auto below = [&](uint64_t x, uint64_t y) {
    if (!isSigned)
      return x < y;
    return format == Format::S32 ? int32_t(x) < int32_t(y)
                                 : int64_t(x) < int64_t(y);
  };
  switch (op) {
  case ReduceOp::Add:
    return target + operand; // the store drops the carry
  case ReduceOp::Min:
    return below(operand, target) ? operand : target;
  case ReduceOp::Max:
    return below(target, operand) ? operand : target;
  case ReduceOp::Inc:
    return target >= operand ? 0 : target + 1;
  case ReduceOp::Dec:
    return target == 0 || target > operand ? operand : target - 1;
  case ReduceOp::And:
    return target & operand;
  case ReduceOp::Or:
    return target | operand;
  case ReduceOp::Xor:
    return target ^ operand;
  }
  return target;
}

static llvm::Error checkReduction(Format format, ReduceOp op) {
  bool ok = false;
  switch (format) {
  case Format::F32:
  case Format::F64:
    ok = op == ReduceOp::Add;
    break;
  case Format::F16:
  case Format::BF16:
    ok = op == ReduceOp::Add || op == ReduceOp::Min || op == ReduceOp::Max;
    break;
  case Format::U32:
    ok = true;
    break;
  case Format::S32:
  case Format::U64:
  case Format::S64:
    ok = op != ReduceOp::Inc && op != ReduceOp::Dec;
    break;
  default:
    break;
  }
  if (ok)
    return llvm::Error::success();
  return refuse(Twine("there is no reduction .") + opName(op) + " of ." +
                formatName(format));
}

llvm::Error tilewright::sim::reduceElements(
    Format format, ReduceOp op, llvm::MutableArrayRef<uint8_t> target,
    llvm::ArrayRef<uint8_t> operand, bool flushF32) {
  if (llvm::Error error = checkReduction(format, op))
    return error;
  unsigned size = bitWidth(format) / 8;
  if (target.size() != operand.size() || target.size() % size != 0)
    return refuse("a reduction of " + Twine(operand.size()) + " bytes into " +
                  Twine(target.size()) + " is not one of whole ." +
                  formatName(format));
  for (size_t at = 0; at < target.size(); at += size) {
    uint64_t x = loadElement(&target[at], size);
    uint64_t y = loadElement(&operand[at], size);
    storeElement(&target[at], size,
                 isFloat(format) ? reduceFloat(format, op, x, y, flushF32)
                                 : reduceInteger(format, op, x, y));
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Boxes
//===----------------------------------------------------------------------===//

namespace {

/// One row of a box: where it lies in global memory and which of its elements
/// are within the tensor.
struct BoxRow {
  uint64_t global = 0; ///< Of element `first`.
  uint32_t first = 0;  ///< Elements before it are out of bounds.
  uint32_t count = 0;  ///< Elements in bounds; 0 for a row outside.
  uint64_t index = 0;  ///< Of the row in the box.
};

} // namespace

/// Calls `visit` for each row of the box, in shared-memory order, until one
/// fails.
static llvm::Error
forEachRow(const TensorMap &map, llvm::ArrayRef<int32_t> coordinates,
           llvm::function_ref<llvm::Error(const BoxRow &)> visit) {
  uint64_t rowCount = 1;
  for (unsigned d = 1; d < map.rank; ++d)
    rowCount *= map.boxExtent(d);
  for (uint64_t index = 0; index < rowCount; ++index) {
    BoxRow row;
    row.index = index;
    uint64_t rest = index, offset = 0;
    bool inside = true;
    for (unsigned d = 1; d < map.rank; ++d) {
      uint64_t step = rest % map.boxExtent(d);
      rest /= map.boxExtent(d);
      int64_t at = coordinates[d] + int64_t(step * map.elementStrides[d]);
      inside &= at >= 0 && uint64_t(at) < map.dims[d];
      offset += uint64_t(at) * map.strides[d];
    }
    int64_t begin = std::max<int64_t>(coordinates[0], 0);
    int64_t end = std::min<int64_t>(int64_t(coordinates[0]) + map.box[0],
                                    int64_t(map.dims[0]));
    if (inside && begin < end) {
      row.first = uint32_t(begin - coordinates[0]);
      row.count = uint32_t(end - begin);
      row.global = map.address + offset + uint64_t(begin) * map.elementBytes();
    }
    if (llvm::Error error = visit(row))
      return error;
  }
  return llvm::Error::success();
}

/// Coordinates that PTX ISA allows and the hardware does not take: an H200
/// (driver 580) raises CUDA_ERROR_ILLEGAL_INSTRUCTION (test/sim/oracle,
/// REFUSED_LOADS and REFUSED_STORES). A report here is worth more than a result
/// that no device gives.
static llvm::Error checkCoordinates(const TensorMap &map,
                                    llvm::ArrayRef<int32_t> coordinates,
                                    bool isStore) {
  if (coordinates.size() != map.rank)
    return refuse("a copy with " + Twine(coordinates.size()) +
                  " coordinates through a tensor map of rank " +
                  Twine(map.rank));
  if (int64_t(coordinates[0]) * map.elementBytes() % 16 != 0)
    return refuse("tensor copy: the innermost coordinate " +
                  Twine(coordinates[0]) + " (of " + Twine(map.elementBytes()) +
                  "-byte elements) is not a multiple of 16 bytes: an illegal "
                  "instruction on the device");
  if (isStore)
    for (unsigned d = 0; d < map.rank; ++d)
      if (coordinates[d] < 0)
        return refuse("tensor copy: a store at the negative coordinate " +
                      Twine(coordinates[d]) + " of dimension " + Twine(d) +
                      ": an illegal instruction on the device");
  return llvm::Error::success();
}

static llvm::Error checkSharedBox(const TensorMap &map, uint64_t sharedBytes,
                                  uint32_t address) {
  if (address % 128 != 0)
    return refuse("tensor copy: the shared-memory address " + Twine(address) +
                  " is not aligned to 128 bytes");
  if (address + map.sharedExtent() > sharedBytes)
    return refuse("tensor copy: a box of " + Twine(map.sharedExtent()) +
                  " bytes at shared-memory address " + Twine(address) +
                  " ends beyond the " + Twine(sharedBytes) +
                  " bytes of shared memory");
  return llvm::Error::success();
}

/// Fills in the bytes of an out-of-bounds element and converts those of a
/// loaded one, where the map's type asks for it.
static void convertLoaded(const TensorMap &map,
                          llvm::MutableArrayRef<uint8_t> row,
                          const BoxRow &range) {
  size_t size = map.elementBytes();
  if (map.type == MapType::F32Ftz || map.type == MapType::TF32 ||
      map.type == MapType::TF32Ftz)
    for (uint32_t i = range.first; i < range.first + range.count; ++i) {
      uint32_t bits = uint32_t(loadElement(&row[i * size], unsigned(size)));
      if (map.type != MapType::TF32)
        bits = flushSubnormal(bits);
      if (map.type != MapType::F32Ftz)
        bits = uint32_t(encode(Format::TF32, asFloat(bits)));
      storeElement(&row[i * size], unsigned(size), bits);
    }
  if (map.fill == MapFill::NaN) {
    // Measured on an H200 for f32, f16 and bf16 alike: 0x7FF7 in each half
    // word, not the canonical NaN. (The driver calls it a special constant.)
    uint64_t nan = 0x7FF77FF77FF77FF7;
    for (uint32_t i = 0; i < map.box[0]; ++i)
      if (i < range.first || i >= range.first + range.count)
        storeElement(&row[i * size], unsigned(size), nan);
  }
}

/// Visits the 16-byte pieces of the box's row `index`: `visit(shared address,
/// byte offset in the row)`. The swizzle permutes 16-byte units by the bits of
/// the final address, whatever the alignment of the box.
template <typename Visit>
static void forEachUnit(const TensorMap &map, uint32_t address, uint64_t index,
                        Visit visit) {
  uint32_t begin = address + uint32_t(index * map.rowPitch());
  uint32_t bytes = map.box[0] * map.elementBytes();
  for (uint32_t byte = 0; byte < bytes; byte += 16)
    visit(swizzleAddress(map.swizzle, begin + byte), byte);
}

/// The shared bytes of the box: all of its extent, unless rows are padded to
/// the span of the swizzle.
static ByteRanges sharedRanges(const TensorMap &map, uint32_t address) {
  ByteRanges ranges;
  if (map.box[0] * map.elementBytes() == map.rowPitch()) {
    appendRange(ranges, {address, map.sharedExtent()});
    return ranges;
  }
  for (uint64_t i = 0; i < map.sharedExtent() / map.rowPitch(); ++i)
    forEachUnit(map, address, i, [&](uint32_t unit, uint32_t) {
      appendRange(ranges, {unit, 16});
    });
  return ranges;
}

llvm::Expected<CopyReport> tilewright::sim::loadBox(
    const TensorMap &map, llvm::ArrayRef<int32_t> coordinates,
    GlobalAccess &global, llvm::MutableArrayRef<uint8_t> shared,
    uint32_t address) {
  if (llvm::Error error = checkSharedBox(map, shared.size(), address))
    return std::move(error);
  if (llvm::Error error = checkCoordinates(map, coordinates, false))
    return std::move(error);
  CopyReport report;
  size_t size = map.elementBytes();
  std::vector<uint8_t> row(map.box[0] * size);
  llvm::Error error =
      forEachRow(map, coordinates, [&](const BoxRow &range) -> llvm::Error {
        std::fill(row.begin(), row.end(), 0);
        if (range.count != 0) {
          llvm::MutableArrayRef<uint8_t> inside(&row[range.first * size],
                                                range.count * size);
          if (llvm::Error error = global.read(range.global, inside))
            return error;
          appendRange(report.global, {range.global, inside.size()});
        }
        convertLoaded(map, row, range);
        forEachUnit(map, address, range.index,
                    [&](uint32_t unit, uint32_t byte) {
                      std::memcpy(&shared[unit], &row[byte], 16);
                    });
        return llvm::Error::success();
      });
  if (error)
    return std::move(error);
  report.shared = sharedRanges(map, address);
  report.bytes = map.boxBytes();
  return report;
}

llvm::Expected<CopyReport>
tilewright::sim::storeBox(const TensorMap &map,
                          llvm::ArrayRef<int32_t> coordinates,
                          GlobalAccess &global, llvm::ArrayRef<uint8_t> shared,
                          uint32_t address, std::optional<ReduceOp> op) {
  if (llvm::Error error = checkSharedBox(map, shared.size(), address))
    return std::move(error);
  if (llvm::Error error = checkCoordinates(map, coordinates, true))
    return std::move(error);
  Format format = mapFormat(map.type);
  if (op)
    if (llvm::Error error = checkReduction(format, *op))
      return std::move(error);
  CopyReport report;
  size_t size = map.elementBytes();
  std::vector<uint8_t> row(map.box[0] * size);
  llvm::Error error =
      forEachRow(map, coordinates, [&](const BoxRow &range) -> llvm::Error {
        if (range.count == 0)
          return llvm::Error::success();
        forEachUnit(map, address, range.index,
                    [&](uint32_t unit, uint32_t byte) {
                      std::memcpy(&row[byte], &shared[unit], 16);
                    });
        llvm::ArrayRef<uint8_t> inside(&row[range.first * size],
                                       range.count * size);
        appendRange(report.global, {range.global, inside.size()});
        if (!op)
          return global.write(range.global, inside);
        return global.update(range.global, inside.size(),
                             [&](llvm::MutableArrayRef<uint8_t> target) {
                               // Formats and sizes were checked above.
                               llvm::cantFail(
                                   reduceElements(format, *op, target, inside));
                             });
      });
  if (error)
    return std::move(error);
  report.shared = sharedRanges(map, address);
  report.bytes = map.boxBytes();
  return report;
}

llvm::Expected<ByteRanges>
tilewright::sim::boxRanges(const TensorMap &map,
                           llvm::ArrayRef<int32_t> coordinates) {
  if (llvm::Error error = checkCoordinates(map, coordinates, false))
    return std::move(error);
  ByteRanges ranges;
  llvm::Error error =
      forEachRow(map, coordinates, [&](const BoxRow &range) -> llvm::Error {
        appendRange(ranges,
                    {range.global, uint64_t(range.count) * map.elementBytes()});
        return llvm::Error::success();
      });
  if (error)
    return std::move(error);
  return ranges;
}

//===----------------------------------------------------------------------===//
// Runs of bytes
//===----------------------------------------------------------------------===//

static llvm::Error checkRun(uint64_t a, uint64_t b, uint32_t size) {
  if (size == 0 || size % 16 != 0)
    return refuse("bulk copy: the size " + Twine(size) +
                  " is not a positive multiple of 16 bytes");
  for (uint64_t address : {a, b})
    if (address % 16 != 0)
      return refuse("bulk copy: the address 0x" + Twine::utohexstr(address) +
                    " is not aligned to 16 bytes");
  return llvm::Error::success();
}

static llvm::Error checkSharedRun(uint64_t sharedBytes, uint32_t address,
                                  uint32_t size) {
  if (uint64_t(address) + size <= sharedBytes)
    return llvm::Error::success();
  return refuse("bulk copy: " + Twine(size) +
                " bytes at shared-memory address " + Twine(address) +
                " end beyond the " + Twine(sharedBytes) +
                " bytes of shared memory");
}

static llvm::Error checkRun(uint64_t global, uint64_t sharedBytes,
                            uint32_t address, uint32_t size) {
  if (llvm::Error error = checkRun(global, address, size))
    return error;
  return checkSharedRun(sharedBytes, address, size);
}

static CopyReport reportRun(uint64_t global, uint32_t shared, uint32_t size) {
  CopyReport report;
  report.global.push_back({global, size});
  report.shared.push_back({shared, size});
  report.bytes = size;
  return report;
}

llvm::Expected<CopyReport>
tilewright::sim::loadBytes(GlobalAccess &global, uint64_t source,
                           llvm::MutableArrayRef<uint8_t> shared,
                           uint32_t destination, uint32_t size) {
  if (llvm::Error error = checkRun(source, shared.size(), destination, size))
    return std::move(error);
  if (llvm::Error error = global.read(source, shared.slice(destination, size)))
    return std::move(error);
  return reportRun(source, destination, size);
}

llvm::Expected<CopyReport>
tilewright::sim::storeBytes(GlobalAccess &global, uint64_t destination,
                            llvm::ArrayRef<uint8_t> shared, uint32_t source,
                            uint32_t size) {
  if (llvm::Error error = checkRun(destination, shared.size(), source, size))
    return std::move(error);
  if (llvm::Error error = global.write(destination, shared.slice(source, size)))
    return std::move(error);
  return reportRun(destination, source, size);
}

llvm::Expected<CopyReport>
tilewright::sim::reduceBytes(GlobalAccess &global, uint64_t destination,
                             llvm::ArrayRef<uint8_t> shared, uint32_t source,
                             uint32_t size, Format format, ReduceOp op) {
  if (llvm::Error error = checkRun(destination, shared.size(), source, size))
    return std::move(error);
  if (llvm::Error error = checkReduction(format, op))
    return std::move(error);
  llvm::Error error = global.update(
      destination, size, [&](llvm::MutableArrayRef<uint8_t> target) {
        llvm::cantFail(
            reduceElements(format, op, target, shared.slice(source, size)));
      });
  if (error)
    return std::move(error);
  return reportRun(destination, source, size);
}

llvm::Expected<CopyReport>
tilewright::sim::copyShared(llvm::ArrayRef<uint8_t> sourceShared,
                            uint32_t source,
                            llvm::MutableArrayRef<uint8_t> shared,
                            uint32_t destination, uint32_t size) {
  if (llvm::Error error = checkRun(source, destination, size))
    return std::move(error);
  if (llvm::Error error = checkSharedRun(sourceShared.size(), source, size))
    return std::move(error);
  if (llvm::Error error = checkSharedRun(shared.size(), destination, size))
    return std::move(error);
  std::memmove(&shared[destination], &sourceShared[source], size);
  CopyReport report;
  report.shared.push_back({destination, size});
  report.bytes = size;
  return report;
}
