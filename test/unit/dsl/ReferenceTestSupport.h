//===- ReferenceTestSupport.h - a kernel, its tensors, its meaning --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_REFERENCE_TEST_SUPPORT_H
#define TILEWRIGHT_REFERENCE_TEST_SUPPORT_H

#include "tilewright/DSL/Frontend.h"
#include "tilewright/DSL/Reference.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <gtest/gtest.h>

namespace tilewright::reference::test {

using runtime::DType;
using runtime::Fill;
using runtime::HostTensor;

/// One kernel with its inputs, ready to evaluate.
class Example {
public:
  /// `source` is text, or the path of a file below the source tree that ends in
  /// `.tw`.
  Example(llvm::StringRef source, std::map<std::string, std::string> constants,
          std::map<std::string, int64_t> dims,
          dsl::typed::Target target = dsl::typed::Target::SM90a)
      : diags(sources, [this](const llvm::SMDiagnostic &diagnostic) {
          llvm::raw_string_ostream os(messages);
          diagnostic.print("", os, /*ShowColors=*/false);
        }) {
    std::unique_ptr<llvm::MemoryBuffer> buffer;
    if (source.ends_with(".tw")) {
      auto file = llvm::MemoryBuffer::getFile(
          llvm::Twine(TILEWRIGHT_SOURCE_DIR "/") + source);
      if (!file) {
        messages = "cannot read " + source.str();
        return;
      }
      buffer = std::move(*file);
    } else {
      buffer = llvm::MemoryBuffer::getMemBufferCopy(source, "test.tw");
    }
    sources.AddNewSourceBuffer(std::move(buffer), {});
    file = dsl::parse(sources, sources.getMainFileID(), context, diags);
    if (diags.hasErrors() || !dsl::check(file, diags))
      return;
    dsl::InstantiateOptions options;
    options.constants = std::move(constants);
    options.target = target;
    kernel = dsl::instantiate(file, options, diags);
    if (!kernel)
      return;
    problem.kernel = kernel.get();
    problem.sources = &sources;
    problem.dims = std::move(dims);
    for (const dsl::typed::Tensor *tensor : kernel->tensors) {
      auto type = storageType(problem, *tensor);
      auto shape = tensorShape(problem, *tensor);
      if (!type || !shape) {
        messages += type ? llvm::toString(shape.takeError())
                         : llvm::toString(type.takeError());
        kernel = nullptr;
        return;
      }
      auto host = HostTensor::create(tensor->name, *type, *shape);
      EXPECT_TRUE(bool(host));
      if (tensor->mode == dsl::typed::Tensor::In ||
          readsInitialValues(*kernel, *tensor))
        host->fill(Fill::byType(*type), tensors.size() + 1);
      else
        host->poison();
      tensors.push_back(std::move(*host));
    }
  }

  bool ok() const { return kernel != nullptr; }

  HostTensor &operator[](llvm::StringRef name) {
    for (HostTensor &tensor : tensors)
      if (tensor.name() == name)
        return tensor;
    ADD_FAILURE() << "no tensor " << name.str();
    return tensors.front();
  }

  llvm::Expected<Result> run(const Options &options = {}) {
    problem.tensors.clear();
    for (const HostTensor &tensor : tensors)
      problem.tensors.push_back(&tensor);
    return evaluate(problem, options);
  }

  /// Evaluates everything; the output `name`.
  std::unique_ptr<OutputValues> output(llvm::StringRef name,
                                       const Options &options = {}) {
    auto result = run(options);
    if (!result) {
      messages = llvm::toString(result.takeError());
      ADD_FAILURE() << messages;
      return nullptr;
    }
    last = std::move(*result);
    for (size_t i = 0; i < tensors.size(); ++i)
      if (tensors[i].name() == name)
        return std::move(last.outputs[i]);
    ADD_FAILURE() << "no tensor " << name.str();
    return nullptr;
  }

  /// The message of an evaluation that must fail.
  std::string failure(const Options &options = {}) {
    auto result = run(options);
    if (result)
      return "(it succeeded)";
    return llvm::toString(result.takeError());
  }

  std::string messages;
  llvm::SourceMgr sources;
  dsl::Diagnostics diags;
  dsl::ASTContext context;
  dsl::File file;
  std::unique_ptr<dsl::typed::InstantiatedKernel> kernel;
  Problem problem;
  std::vector<HostTensor> tensors;
  Result last;
};

#define ASSERT_READY(example) ASSERT_TRUE((example).ok()) << (example).messages

/// Value `position` of `output` is `value` up to the rounding of doubles.
inline ::testing::AssertionResult
near(const OutputValues &output, int64_t position, double value, double scale) {
  if (output.state(position) != OutputValues::Evaluated)
    return ::testing::AssertionFailure()
           << "element " << position << " was not evaluated";
  double got = output.value(position);
  if (std::fabs(got - value) <= 1e-12 * (scale + std::fabs(value)))
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "element " << position << " is " << got << ", not " << value;
}

/// A magnitude is kept in single precision.
inline ::testing::AssertionResult
magnitudeNear(const OutputValues &output, int64_t position, double value) {
  double got = output.magnitude(position);
  if (std::fabs(got - value) <= 1e-4 * std::fabs(value))
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "the magnitude of element " << position << " is " << got << ", not "
         << value;
}

} // namespace tilewright::reference::test

#endif // TILEWRIGHT_REFERENCE_TEST_SUPPORT_H
