//===- HostTensor.cpp - Tensors in host memory ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/HostTensor.h"
#include "tilewright/Runtime/Errors.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <cstring>

using namespace tilewright;
using namespace tilewright::runtime;

Fill Fill::byType(DType type) {
  switch (type) {
  case DType::E4M3:
  case DType::E5M2:
    return {Kind::Normal, 128, 0};
  case DType::E2M1:
    return {Kind::Normal, 2, 0};
  case DType::F32:
    return {Kind::Uniform, 0.5 / 128, 1.5 / 128};
  case DType::E8M0:
    return {Kind::Uniform, 0.125, 8};
  case DType::BF16:
  case DType::F16:
  case DType::F64:
    return {Kind::Normal, 1, 0};
  case DType::Bool:
    return {Kind::Integer, 0, 1};
  default:
    return {Kind::Integer, 0, 15};
  }
}

llvm::Expected<HostTensor> HostTensor::create(llvm::StringRef name, DType type,
                                              llvm::ArrayRef<int64_t> shape,
                                              llvm::ArrayRef<int64_t> strides) {
  HostTensor tensor;
  tensor.tensorName = name.str();
  tensor.type = type;
  tensor.extents.assign(shape.begin(), shape.end());
  tensor.steps = contiguousStrides(shape);
  if (!strides.empty())
    tensor.steps.assign(strides.begin(), strides.end());
  auto refuse = [&](const llvm::Twine &why) {
    return argumentError("tensor '" + name + "': " + why);
  };
  if (tensor.steps.size() != tensor.extents.size())
    return refuse(llvm::Twine(strides.size()) + " strides for " +
                  llvm::Twine(shape.size()) + " dimensions");
  bool empty = false, overflow = false;
  int64_t last = 0;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] < 0 || tensor.steps[i] < 0)
      return refuse("negative extent or stride in dimension " + llvm::Twine(i));
    empty |= shape[i] == 0;
    int64_t span;
    overflow |= llvm::MulOverflow(std::max<int64_t>(shape[i] - 1, 0),
                                  tensor.steps[i], span);
    overflow |= llvm::AddOverflow(last, span, last) != 0;
  }
  // Far beyond any memory, and far from overflowing bits.
  if (overflow || last > (int64_t(1) << 48))
    return refuse("too large");
  tensor.storage.resize(empty ? 0 : byteSize(type, uint64_t(last) + 1));
  return std::move(tensor);
}

int64_t HostTensor::elements() const {
  int64_t count = 1;
  for (int64_t extent : extents)
    count *= extent;
  return count;
}

int64_t HostTensor::offset(llvm::ArrayRef<int64_t> index) const {
  int64_t result = 0;
  for (size_t i = 0; i < index.size(); ++i)
    result += index[i] * steps[i];
  return result;
}

double HostTensor::getAt(int64_t offset) const {
  unsigned width = bits(type);
  if (width == 4) // Even elements in the low half of a byte.
    return decode(type, (storage[offset / 2] >> (offset % 2 * 4)) & 15);
  uint64_t code = 0;
  std::memcpy(&code, storage.data() + offset * (width / 8), width / 8);
  return decode(type, code);
}

void HostTensor::setAt(int64_t offset, double value) {
  unsigned width = bits(type);
  uint64_t code = encode(type, value);
  if (width == 4) {
    unsigned shift = offset % 2 * 4;
    uint8_t &byte = storage[offset / 2];
    byte = uint8_t((byte & ~(15u << shift)) | ((code & 15) << shift));
    return;
  }
  std::memcpy(storage.data() + offset * (width / 8), &code, width / 8);
}

double HostTensor::get(llvm::ArrayRef<int64_t> index) const {
  return getAt(offset(index));
}

void HostTensor::set(llvm::ArrayRef<int64_t> index, double value) {
  setAt(offset(index), value);
}

void HostTensor::forEach(
    llvm::function_ref<void(int64_t, int64_t)> visit) const {
  if (storage.empty())
    return;
  llvm::SmallVector<int64_t, 5> index(extents.size(), 0);
  int64_t at = 0;
  for (int64_t position = 0, count = elements(); position < count; ++position) {
    visit(position, at);
    for (size_t i = extents.size(); i-- > 0;) {
      at += steps[i];
      if (++index[i] < extents[i])
        break;
      at -= steps[i] * extents[i];
      index[i] = 0;
    }
  }
}

/// A well-mixed 64-bit value of a counter (the finaliser of SplitMix64).
static uint64_t mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

void HostTensor::fill(const Fill &fill, uint64_t seed) {
  uint64_t base = mix(seed ^ 0x7469'6c65'7772'6974u);
  auto uniform = [](uint64_t bits) { return double(bits >> 11) * 0x1p-53; };
  forEach([&](int64_t position, int64_t at) {
    uint64_t counter = base + 4 * uint64_t(position);
    double value = fill.a;
    switch (fill.kind) {
    case Fill::Kind::Normal: {
      // Twelve 16-bit uniforms have variance 1 together: exact sums, so the
      // same on every machine, unlike a library's logarithm and cosine.
      int64_t sum = 0;
      for (int draw = 0; draw < 3; ++draw)
        for (uint64_t bits = mix(counter + draw), i = 0; i < 4; ++i)
          sum += int64_t((bits >> (16 * i)) & 0xffff);
      value = fill.a * (double(2 * sum - 12 * 65535) * 0x1p-17);
      break;
    }
    case Fill::Kind::Uniform:
      value = fill.a + (fill.b - fill.a) * uniform(mix(counter));
      break;
    case Fill::Kind::Integer:
      value =
          fill.a + std::floor(uniform(mix(counter)) * (fill.b - fill.a + 1));
      break;
    case Fill::Kind::Constant:
      break;
    }
    setAt(at, value);
  });
}

void HostTensor::poison() {
  if (!storage.empty())
    std::memset(storage.data(), 0xff, storage.size());
}

int64_t HostTensor::countPoisoned() const {
  int64_t count = 0;
  unsigned width = bits(type);
  forEach([&](int64_t, int64_t at) {
    if (width == 4) {
      count += ((storage[at / 2] >> (at % 2 * 4)) & 15) == 15;
      return;
    }
    const uint8_t *begin = storage.data() + at * (width / 8);
    bool all = true;
    for (unsigned i = 0; i < width / 8; ++i)
      all &= begin[i] == 0xff;
    count += all;
  });
  return count;
}

std::vector<bool> HostTensor::paddingMask() const {
  std::vector<bool> padding(storage.size(), true);
  unsigned width = bits(type);
  forEach([&](int64_t, int64_t at) {
    uint64_t first = uint64_t(at) * width / 8;
    for (unsigned i = 0; i < std::max(1u, width / 8); ++i)
      padding[first + i] = false;
  });
  return padding;
}

Comparison runtime::compare(const HostTensor &out, llvm::ArrayRef<double> ref,
                            llvm::function_ref<double(int64_t)> bound) {
  Comparison result;
  double difference = 0, norm = 0;
  result.worst = -std::numeric_limits<double>::infinity();
  out.forEach([&](int64_t position, int64_t at) {
    double value = out.getAt(at), expected = ref[position];
    double error = std::fabs(value - expected), limit = bound(position);
    difference += error * error;
    norm += expected * expected;
    // Written so that a NaN counts as a failure.
    if (!(error <= limit)) {
      if (result.failures++ == 0) {
        result.firstFailure = position;
        result.firstOut = value;
        result.firstRef = expected;
        result.firstBound = limit;
      }
    }
    result.worst = std::isnan(error) ? std::numeric_limits<double>::infinity()
                                     : std::max(result.worst, error - limit);
  });
  if (out.elements() == 0)
    result.worst = 0;
  result.relative = norm == 0 ? (difference == 0 ? 0 : INFINITY)
                              : std::sqrt(difference / norm);
  return result;
}
