//===- FakeCudaState.h - What the fake CUDA driver remembers --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_TEST_UNIT_RUNTIME_FAKECUDASTATE_H
#define TILEWRIGHT_TEST_UNIT_RUNTIME_FAKECUDASTATE_H

#include "FakeCuda.h"
#include "tilewright/Runtime/CudaABI.h"
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace tilewright::cuda {
struct ContextOpaque {
  int device;
  unsigned long long id;
};
struct StreamOpaque {
  Context context;
};
struct EventOpaque {
  double time = -1;
};
struct LibraryOpaque {
  std::string image;
};
struct ModuleOpaque {
  std::string image;
  Context context;
};
struct KernelOpaque {
  std::string symbol, image;
};
struct FunctionOpaque {
  std::string symbol, image;
  Context context;
  std::map<int, int> attributes;
};
} // namespace tilewright::cuda

namespace fake {
using namespace tilewright::cuda;

struct Fault {
  int code, skip;
};

struct State {
  std::mutex mutex;
  bool initialised = false;
  int devices = 2, major = 9, minor = 0;
  int blocks = 1, clusters = 66;
  std::map<std::string, Fault> faults;
  std::set<std::string> hidden;
  std::map<std::string, int> calls;
  std::vector<FakeLaunch> launches;
  void (*callback)(const FakeLaunch *, void *) = nullptr;
  void *user = nullptr;
  std::map<int, Context> primary;
  std::vector<std::unique_ptr<ContextOpaque>> contexts;
  std::vector<std::unique_ptr<StreamOpaque>> streams;
  std::vector<std::unique_ptr<FunctionOpaque>> functions;
  std::vector<std::unique_ptr<KernelOpaque>> kernels;
  std::map<uint64_t, size_t> memory;
  double clock = 0, base = 10, step = 0;
  int timed = 0;
};
State &state();

/// The calling thread's contexts.
std::vector<Context> &stack();
inline Context current() { return stack().empty() ? nullptr : stack().back(); }
/// A new context; the state must be locked.
Context makeContext(int device);

} // namespace fake

#endif // TILEWRIGHT_TEST_UNIT_RUNTIME_FAKECUDASTATE_H
