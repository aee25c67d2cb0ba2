//===- CAPIInternal.h - Shared by the files of the C API ------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_RUNTIME_LIB_CAPI_CAPIINTERNAL_H
#define TILEWRIGHT_RUNTIME_LIB_CAPI_CAPIINTERNAL_H

#include "tilewright-c/tilewright.h"
#include "tilewright/Runtime/Kernel.h"
#include <atomic>

struct twKernelImpl {
  explicit twKernelImpl(std::shared_ptr<tilewright::runtime::Kernel> kernel)
      : kernel(std::move(kernel)) {}
  std::shared_ptr<tilewright::runtime::Kernel> kernel;
  std::atomic<int> references{1};
};

namespace tilewright::capi {

/// Records `error` as this thread's last error and returns its status; TW_OK
/// for success.
twStatus report(llvm::Error error);

/// Hands a kernel out as a handle.
twStatus publish(llvm::Expected<std::shared_ptr<runtime::Kernel>> kernel,
                 twKernel *out);

} // namespace tilewright::capi

#endif // TILEWRIGHT_RUNTIME_LIB_CAPI_CAPIINTERNAL_H
