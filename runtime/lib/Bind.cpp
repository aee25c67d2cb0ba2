//===- Bind.cpp - Binding dimensions and checking arguments ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Errors.h"
#include "tilewright/Runtime/Manifest.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"

using namespace tilewright;
using namespace tilewright::runtime;

llvm::SmallVector<int64_t, 5>
runtime::contiguousStrides(llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t, 5> strides(shape.size(), 1);
  for (size_t i = shape.size(); i > 1; --i)
    strides[i - 2] = strides[i - 1] * std::max<int64_t>(shape[i - 1], 1);
  return strides;
}

static void printList(llvm::raw_ostream &os, llvm::ArrayRef<int64_t> values,
                      char open, char close) {
  os << open;
  llvm::interleave(values, os, ", ");
  os << close;
}

/// "e4m3", or "8-bit" for untyped bytes.
static std::string typeName(const TensorArg &arg) {
  if (arg.dtype)
    return name(*arg.dtype).str();
  return std::to_string(arg.rawBits) + "-bit";
}

std::string runtime::describe(llvm::StringRef name, const TensorArg &arg) {
  std::string out;
  llvm::raw_string_ostream os(out);
  os << name << " = " << typeName(arg);
  printList(os, arg.shape, '[', ']');
  os << " stride ";
  printList(os, arg.strides, '(', ')');
  os << " at " << llvm::format_hex(arg.data, 1) << " on device " << arg.device;
  return out;
}

namespace {
class Binder {
public:
  Binder(const Manifest &manifest, llvm::ArrayRef<TensorArg> args)
      : manifest(manifest), args(args) {}

  llvm::Expected<Bindings> run() {
    if (args.size() != manifest.tensors.size())
      return refuse("takes " + llvm::Twine(manifest.tensors.size()) +
                    " tensors (" + tensorNames() + "), not " +
                    llvm::Twine(args.size()));
    bindings.dims.assign(manifest.baked.begin(), manifest.baked.end());
    bindings.origin.resize(manifest.dims.size());
    for (size_t i = 0; i < manifest.dims.size(); ++i)
      if (manifest.baked[i])
        bindings.origin[i] = "fixed when the kernel was compiled";
    for (size_t i = 0; i < args.size(); ++i)
      if (llvm::Error error = checkType(manifest.tensors[i], args[i]))
        return std::move(error);
    for (size_t i = 0; i < args.size(); ++i)
      bindLetters(manifest.tensors[i], args[i]);
    for (size_t i = 0; i < args.size(); ++i) {
      if (llvm::Error error = checkShape(manifest.tensors[i], args[i]))
        return std::move(error);
      if (llvm::Error error = checkLayout(manifest.tensors[i], args[i]))
        return std::move(error);
    }
    for (const Requirement &requirement : manifest.requirements)
      if (llvm::Error error = checkRequirement(requirement))
        return std::move(error);
    return std::move(bindings);
  }

private:
  llvm::Error refuse(const llvm::Twine &message) {
    return argumentError(manifest.kernel + ": " + message);
  }
  llvm::Error refuse(const TensorSpec &spec, const llvm::Twine &message) {
    return refuse("tensor '" + spec.name + "': " + message);
  }

  std::string tensorNames() const {
    std::string out;
    for (const TensorSpec &spec : manifest.tensors)
      out += (out.empty() ? "" : ", ") + spec.name;
    return out;
  }

  llvm::Error checkType(const TensorSpec &spec, const TensorArg &arg) {
    bool matches =
        arg.dtype ? *arg.dtype == spec.dtype : arg.rawBits == bits(spec.dtype);
    if (!matches)
      return refuse(spec, "must have element type " + name(spec.dtype).str() +
                              ", got " + typeName(arg));
    if (arg.shape.size() != spec.shape.size())
      return refuse(spec, "must have " + llvm::Twine(spec.shape.size()) +
                              " dimensions " + shapeText(spec) + ", got " +
                              llvm::Twine(arg.shape.size()));
    if (arg.strides.size() != arg.shape.size())
      return refuse(spec, "has " + llvm::Twine(arg.strides.size()) +
                              " strides for " + llvm::Twine(arg.shape.size()) +
                              " dimensions");
    if (arg.device != args.front().device)
      return refuse(spec, "is on device " + llvm::Twine(arg.device) +
                              ", but '" + manifest.tensors.front().name +
                              "' is on device " +
                              llvm::Twine(args.front().device));
    if (arg.readOnly && spec.mode != Mode::In)
      return refuse(spec, "is written by the kernel, but the given tensor is "
                          "read-only");
    for (auto [dim, extent] : llvm::enumerate(arg.shape))
      if (extent < 0)
        return refuse(spec, "dimension " + llvm::Twine(dim) +
                                " has negative extent " + llvm::Twine(extent));
    return llvm::Error::success();
  }

  static std::string shapeText(const TensorSpec &spec) {
    std::string out = "[";
    for (const Expr &extent : spec.shape)
      out += (out.size() == 1 ? "" : ", ") + extent.str();
    return out + "]";
  }

  void bindLetters(const TensorSpec &spec, const TensorArg &arg) {
    for (auto [dim, extent] : llvm::enumerate(spec.shape)) {
      if (!extent.isDim() || bindings.dims[extent.value()])
        continue;
      bindings.dims[extent.value()] = arg.shape[dim];
      bindings.origin[extent.value()] =
          "from '" + spec.name + "' dimension " + std::to_string(dim);
    }
  }

  /// "K = 576 from 'A' dimension 1, M = 4 …" for the names in `expr`.
  std::string values(const Expr &expr) const {
    std::string out;
    llvm::SmallSet<unsigned, 8> seen;
    expr.forEachDim([&](unsigned dim) {
      if (!seen.insert(dim).second || !bindings.dims[dim])
        return;
      out += (out.empty() ? "" : ", ") + manifest.dims[dim] + " = " +
             std::to_string(*bindings.dims[dim]) + " " + bindings.origin[dim];
    });
    return out;
  }

  llvm::Error checkShape(const TensorSpec &spec, const TensorArg &arg) {
    for (auto [dim, extent] : llvm::enumerate(spec.shape)) {
      auto expected = extent.evaluate(bindings.dims);
      if (!expected)
        return refuse(spec, "dimension " + llvm::Twine(dim) + ": " +
                                llvm::toString(expected.takeError()));
      if (*expected == arg.shape[dim])
        continue;
      std::string text = extent.str(), known = values(extent);
      // For a letter alone, "N = 512 from …" already says all of it.
      if (extent.isDim())
        return refuse(spec, "dimension " + llvm::Twine(dim) + " must be " +
                                known + ", got " + llvm::Twine(arg.shape[dim]));
      return refuse(spec, "dimension " + llvm::Twine(dim) + " must be " + text +
                              " = " + llvm::Twine(*expected) +
                              (known.empty() ? "" : " (" + known + ")") +
                              ", got " + llvm::Twine(arg.shape[dim]));
    }
    return llvm::Error::success();
  }

  llvm::Error checkLayout(const TensorSpec &spec, const TensorArg &arg) {
    // Strides of an empty tensor address nothing.
    if (arg.empty())
      return llvm::Error::success();
    for (auto [dim, stride] : llvm::enumerate(arg.strides)) {
      if (arg.shape[dim] <= 1)
        continue;
      if (dim == spec.major && stride != 1)
        return refuse(spec, "dimension " + llvm::Twine(dim) +
                                " must be contiguous (stride 1), got stride " +
                                llvm::Twine(stride));
      if (stride < 0)
        return refuse(spec, "dimension " + llvm::Twine(dim) +
                                " has negative stride " + llvm::Twine(stride));
      if (stride == 0 && spec.mode != Mode::In)
        return refuse(spec, "is written by the kernel, but dimension " +
                                llvm::Twine(dim) + " of extent " +
                                llvm::Twine(arg.shape[dim]) +
                                " has stride 0 (its elements overlap)");
    }
    if (arg.data == 0)
      return refuse(spec, "has a null address, but is not empty");
    unsigned align = std::max(spec.align, std::max(1u, bits(spec.dtype) / 8));
    if (arg.data % align != 0)
      return refuse(
          spec, llvm::Twine("address 0x") + llvm::utohexstr(arg.data, true) +
                    " is not aligned to " + llvm::Twine(align) + " bytes");
    return llvm::Error::success();
  }

  llvm::Error checkRequirement(const Requirement &requirement) {
    auto value = requirement.expr.evaluate(bindings.dims);
    std::string where = requirement.line
                            ? " (line " + std::to_string(requirement.line) + ")"
                            : "";
    if (!value)
      return refuse("requires " + requirement.text + where + ": " +
                    llvm::toString(value.takeError()));
    if (*value != 0)
      return llvm::Error::success();
    std::string known = values(requirement.expr);
    return refuse("requires " + requirement.text + where +
                  (known.empty() ? "" : ", but " + known));
  }

  const Manifest &manifest;
  llvm::ArrayRef<TensorArg> args;
  Bindings bindings;
};
} // namespace

llvm::Expected<Bindings>
runtime::bindArguments(const Manifest &manifest,
                       llvm::ArrayRef<TensorArg> args) {
  return Binder(manifest, args).run();
}

llvm::Expected<unsigned> runtime::gridSize(const Manifest &manifest,
                                           const Bindings &bindings, int sms) {
  const LaunchSpec &launch = manifest.launch;
  auto tiles = launch.tiles.evaluate(bindings.dims);
  if (!tiles)
    return argumentError(manifest.kernel + ": number of tiles: " +
                         llvm::toString(tiles.takeError()));
  if (*tiles < 0)
    return argumentError(manifest.kernel + ": the number of tiles " +
                         launch.tiles.str() +
                         " is negative: " + llvm::Twine(*tiles));
  if (*tiles == 0)
    return 0u;
  int64_t cluster = launch.cluster[0];
  if (launch.persistent) {
    // Whole clusters only, and at least one: the CTAs of a cluster wait for
    // each other, and a persistent kernel walks all tiles with any grid.
    int64_t grid = std::min<int64_t>(*tiles, sms);
    return unsigned(std::max(grid / cluster, int64_t(1)) * cluster);
  }
  if (*tiles > std::numeric_limits<int32_t>::max())
    return argumentError(manifest.kernel + ": " + llvm::Twine(*tiles) +
                         " tiles are more than a grid can hold");
  if (*tiles % cluster != 0)
    return argumentError(manifest.kernel + ": " + llvm::Twine(*tiles) +
                         " tiles are not whole clusters of " +
                         llvm::Twine(cluster));
  return unsigned(*tiles);
}
