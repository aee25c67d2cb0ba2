//===- HostTensor.h - Tensors in host memory ------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_RUNTIME_HOSTTENSOR_H
#define TILEWRIGHT_RUNTIME_HOSTTENSOR_H

#include "tilewright/Runtime/Manifest.h"
#include "tilewright/Runtime/MiniFloat.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>
#include <vector>

namespace tilewright::runtime {

/// How to fill a tensor. Values depend on the seed and the element's position
/// in the shape only: not on strides, the machine or the C library.
struct Fill {
  enum class Kind {
    Normal,  ///< Mean 0, deviation `a` (12 uniforms summed: |x| <= 6a).
    Uniform, ///< In [a, b).
    Integer, ///< Whole numbers in a..b inclusive, equally likely.
    Constant ///< `a`.
  };
  Kind kind = Kind::Normal;
  double a = 1, b = 1;

  /// What suits a type if nothing else is known: 8-bit floats spread over
  /// their range as quantised values do (deviation 128, saturating), f32 like
  /// the scales that go with them (uniform in [0.5, 1.5) / 128), other floats
  /// standard normal, e8m0 powers of two from 2^-3 to 2^3, integers 0 to 15.
  static Fill byType(DType type);
};

/// A strided tensor in host memory. Elements are stored as the device stores
/// them; bytes between rows (padding of a stride) belong to the tensor too.
class HostTensor {
public:
  /// `strides` in elements, the one of the contiguous dimension being 1;
  /// empty: contiguous. Storage is zero. Fails where the extents or strides
  /// are negative or the size overflows.
  static llvm::Expected<HostTensor>
  create(llvm::StringRef name, DType type, llvm::ArrayRef<int64_t> shape,
         llvm::ArrayRef<int64_t> strides = {});

  /// Fills all elements; padding keeps its bytes.
  void fill(const Fill &fill, uint64_t seed);

  /// Sets every byte, padding included, to 0xff: NaN in every float type with
  /// a NaN, -1 in signed integers. What a kernel fails to write stays visible.
  void poison();
  /// How many elements still have that pattern.
  int64_t countPoisoned() const;

  /// Element at `index` as a double.
  double get(llvm::ArrayRef<int64_t> index) const;
  void set(llvm::ArrayRef<int64_t> index, double value);
  /// Element by storage offset (in elements).
  double getAt(int64_t offset) const;
  void setAt(int64_t offset, double value);
  int64_t offset(llvm::ArrayRef<int64_t> index) const;

  /// Calls `visit(position, offset)` for all elements, row-major; `position`
  /// counts 0, 1, …
  void forEach(llvm::function_ref<void(int64_t, int64_t)> visit) const;

  int64_t elements() const;
  const std::string &name() const { return tensorName; }
  DType dtype() const { return type; }
  llvm::ArrayRef<int64_t> shape() const { return extents; }
  llvm::ArrayRef<int64_t> strides() const { return steps; }
  std::vector<uint8_t> &bytes() { return storage; }
  const std::vector<uint8_t> &bytes() const { return storage; }
  /// True for storage bytes that belong to no element.
  std::vector<bool> paddingMask() const;

private:
  HostTensor() = default;
  std::string tensorName;
  DType type = DType::F32;
  llvm::SmallVector<int64_t, 5> extents, steps;
  std::vector<uint8_t> storage;
};

/// How an output differs from its reference.
struct Comparison {
  double relative = 0;       ///< ‖out − ref‖ / ‖ref‖ (0 if both are 0).
  double worst = 0;          ///< Largest |out − ref| − bound over all elements.
  int64_t failures = 0;      ///< Elements with |out − ref| > bound, or NaN.
  int64_t firstFailure = -1; ///< Row-major position.
  double firstOut = 0, firstRef = 0, firstBound = 0;
};

/// Compares `out` with `ref` element by element, both row-major positions;
/// `bound` gives the tolerance at a position.
Comparison compare(const HostTensor &out, llvm::ArrayRef<double> ref,
                   llvm::function_ref<double(int64_t)> bound);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_HOSTTENSOR_H
