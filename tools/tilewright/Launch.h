//===- Launch.h - what `run` and `bench` share ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TOOLS_LAUNCH_H
#define TILEWRIGHT_TOOLS_LAUNCH_H

#include "Commands.h"
#include "tilewright/DSL/Frontend.h"
#include "tilewright/DSL/Reference.h"
#include "tilewright/Runtime/Device.h"
#include "tilewright/Runtime/Kernel.h"

#include "llvm/Support/SourceMgr.h"
#include <memory>

namespace tilewright::cli {

/// What every failure is: a line on standard error, and an exit status.
enum Exit { Ok = 0, Failed = 1, NoGpu = 2 };

/// What a launch is of, in place of the command line's file, -D, --hint and
/// --shape.
struct LaunchSubject {
  std::string path;
  std::map<std::string, std::string> constants;
  std::map<std::string, int64_t> hints, extents;
};

/// A kernel instance, the extents of one launch, and its tensors on the host.
class Launch {
public:
  Launch() = default;
  explicit Launch(LaunchSubject subject) : subject(std::move(subject)) {}

  /// Reads and instantiates the input file, and binds `--shape` and `--arg`.
  /// False after an error, which is reported.
  bool prepare();

  /// The driver's device `ordinal`; Exit::NoGpu with a line `no GPU: …` where
  /// there is none.
  Exit findDevice(int ordinal);

  /// Compiles the kernel for the GPU, unless `loaded` is set.
  bool compile();

  /// Allocates and fills the tensors: random values by type and seed in inputs
  /// (and in outputs whose old values the kernel uses), poison in outputs and
  /// in the padding between rows. Rows of inputs, and of whatever the kernel
  /// moves by tensor maps, start at multiples of 16 bytes.
  bool allocate();

  /// Copies all tensors to the device.
  bool upload();

  /// Enqueues one launch on `stream`.
  llvm::Error enqueue(cuda::Stream stream);
  /// One launch, and waits for its end.
  bool runOnce();

  /// `M=4096 N=4096 K=7168`
  std::string extents() const;
  /// `A e4m3[4096, 7168]`
  std::string describe(size_t tensor) const;
  /// Bytes of all elements, each tensor once.
  uint64_t bytes() const;
  /// The kernel uses this tensor's values from before the launch.
  bool initialised(size_t tensor) const;

  const dsl::typed::InstantiatedKernel &kernel() const { return *instance; }

  CompileOptions options;
  reference::Problem problem;
  std::vector<runtime::HostTensor> tensors;
  std::vector<runtime::DeviceTensor> deviceTensors;
  runtime::Driver *driver = nullptr;
  const runtime::DeviceInfo *device = nullptr;
  int ordinal = 0;
  uint64_t seed = 0;
  std::optional<CompileResult> compiled;
  std::shared_ptr<runtime::Kernel> loaded;

private:
  bool instantiate();
  bool bindExtents();
  bool bindScalars();

  std::optional<LaunchSubject> subject;
  llvm::SourceMgr sources;
  std::unique_ptr<dsl::Diagnostics> diags;
  dsl::ASTContext ast;
  std::unique_ptr<dsl::typed::InstantiatedKernel> instance;
};

/// Writes tensors where `--dump` says; false after an error, which is reported.
bool dump(llvm::ArrayRef<runtime::HostTensor> tensors);

/// Prints `error: …` and returns false.
bool report(const llvm::Twine &message);
bool report(llvm::Error error);

} // namespace tilewright::cli

#endif // TILEWRIGHT_TOOLS_LAUNCH_H
