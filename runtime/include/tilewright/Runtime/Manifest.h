//===- Manifest.h - What a launcher knows of a kernel ---------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The contract is docs/architecture.md, "The artefact and its manifest".
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_MANIFEST_H
#define TILEWRIGHT_RUNTIME_MANIFEST_H

#include "tilewright/Runtime/DType.h"
#include "tilewright/Runtime/Expr.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include <array>
#include <string>
#include <vector>

namespace tilewright::runtime {

enum class Mode { In, Out, InOut };

/// One tensor argument, in the order of the kernel's signature.
struct TensorSpec {
  std::string name;
  DType dtype = DType::F32;
  Mode mode = Mode::In;
  std::vector<Expr> shape; ///< Elements.
  unsigned major = 0;      ///< The dimension whose stride is 1.
  unsigned align = 1;      ///< Bytes the base address must be aligned to.
};

/// A constraint checked at launch.
struct Requirement {
  Expr expr;
  std::string text; ///< As written in the source.
  int line = 0;
};

/// How a tensor map is built from its tensor.
struct MapSpec {
  cuda::TensorMapType type = cuda::MapU8;
  llvm::SmallVector<unsigned, 5> dims; ///< Tensor dimensions, innermost first.
  llvm::SmallVector<unsigned, 5> box;  ///< Elements, in the order of `dims`.
  unsigned swizzle = 0;                ///< Bytes: 0, 32, 64 or 128.
  unsigned interleave = 0;             ///< Bytes: 0, 16 or 32.
  unsigned l2 = 0;                     ///< Bytes of L2 promotion.
};

/// One kernel parameter.
struct Param {
  enum class Kind { TensorMap, Pointer, Dim, Stride };
  Kind kind = Kind::Pointer;
  unsigned tensor = 0; ///< Index into `tensors` (all kinds but Dim).
  MapSpec map;         ///< TensorMap.
  Expr expr;           ///< Dim.
  unsigned dim = 0;    ///< Stride: the tensor's dimension.
  bool is64 = true;    ///< Dim, Stride: i64, else i32.
  int line = 0;        ///< Source line of the copy that needs the map.
};

struct LaunchSpec {
  unsigned threads = 0;
  std::array<unsigned, 3> cluster = {1, 1, 1};
  int64_t smem = 0; ///< Dynamic shared memory, bytes.
  bool persistent = false;
  Expr tiles;
  bool pdl = false;
  bool cooperative = false;
};

/// A parsed and validated manifest.
class Manifest {
public:
  /// Parses `json`; every departure from the contract is a ManifestError that
  /// names the field.
  static llvm::Expected<Manifest> parse(llvm::StringRef json);

  std::string kernel, symbol, arch;
  /// Dimension names that expressions may use: the run-time ones first, then
  /// the baked ones. `baked[i]` is the value of a baked name.
  std::vector<std::string> dims;
  std::vector<std::optional<int64_t>> baked;
  std::vector<TensorSpec> tensors;
  std::vector<Requirement> requirements;
  std::vector<Param> params;
  LaunchSpec launch;
  /// The text `parse` was given, and its value (constants, resources, …).
  std::string text;
  llvm::json::Value json = nullptr;

  /// Index of the tensor called `name`.
  std::optional<unsigned> findTensor(llvm::StringRef name) const;
};

/// One tensor given to a launch. Nothing in it is copied to the device.
struct TensorArg {
  uint64_t data = 0; ///< Device address of element (0, …, 0).
  /// Element type; nothing if the caller has raw bytes (`rawBits` wide), which
  /// stand for any type of that width.
  std::optional<DType> dtype;
  unsigned rawBits = 0;
  int device = 0; ///< CUDA device ordinal.
  bool readOnly = false;
  llvm::SmallVector<int64_t, 5> shape, strides; ///< Elements.

  bool empty() const {
    for (int64_t extent : shape)
      if (extent == 0)
        return true;
    return false;
  }
};

/// Contiguous row-major strides of `shape`, in elements.
llvm::SmallVector<int64_t, 5> contiguousStrides(llvm::ArrayRef<int64_t> shape);

/// Values of the dimension names for one launch.
struct Bindings {
  llvm::SmallVector<std::optional<int64_t>, 8> dims; ///< As Manifest::dims.
  /// Where each value came from: "A dimension 1", or "baked".
  std::vector<std::string> origin;
};

/// Binds dimension letters from the shapes of `args` (a letter alone in a
/// shape binds on first use in tensor order), then checks all shapes, element
/// types, devices, strides along `major`, alignments and requirements.
/// Messages name kernel, tensor, dimension, the expected expression and value,
/// and the actual value.
llvm::Expected<Bindings> bindArguments(const Manifest &manifest,
                                       llvm::ArrayRef<TensorArg> args);

/// The grid of a launch in CTAs; 0 means there is nothing to launch.
/// `sms` is the number of multiprocessors to use.
llvm::Expected<unsigned> gridSize(const Manifest &manifest,
                                  const Bindings &bindings, int sms);

/// "A = e4m3[4096, 7168] stride (7168, 1) at 0x7f00…" for messages.
std::string describe(llvm::StringRef name, const TensorArg &arg);

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_MANIFEST_H
