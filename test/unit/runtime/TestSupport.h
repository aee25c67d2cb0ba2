//===- TestSupport.h - Shared by the runtime's unit tests -----------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_TEST_UNIT_RUNTIME_TESTSUPPORT_H
#define TILEWRIGHT_TEST_UNIT_RUNTIME_TESTSUPPORT_H

#include "FakeCuda.h"
#include "tilewright/Runtime/Kernel.h"
#include "gtest/gtest.h"

namespace tilewright::runtime::test {

/// The message of an error, "" for success.
inline std::string text(llvm::Error error) {
  return llvm::toString(std::move(error));
}
template <typename T> std::string text(llvm::Expected<T> value) {
  return value ? "" : llvm::toString(value.takeError());
}

/// The value, or a test failure and an abort with the message.
template <typename T> T get(llvm::Expected<T> value) {
  if (value)
    return std::move(*value);
  ADD_FAILURE() << llvm::toString(value.takeError());
  abort();
}

#define EXPECT_OK(error) EXPECT_EQ(::tilewright::runtime::test::text(error), "")
#define EXPECT_REFUSED(error, message)                                         \
  EXPECT_EQ(::tilewright::runtime::test::text(error), message)
#define EXPECT_MENTIONS(error, part)                                           \
  EXPECT_NE(::tilewright::runtime::test::text(error).find(part),               \
            std::string::npos)                                                 \
      << ::tilewright::runtime::test::text(error)

/// The manifest of an FP8 GEMM in the form the compiler writes; `replace`
/// substitutes one piece of its text for a test.
std::string gemmManifest(llvm::StringRef from = "", llvm::StringRef to = "");

/// A fake cubin for it, with matching parameter sizes.
std::string gemmImage(llvm::StringRef extra = "");

/// Contiguous argument tensors for M, N, K, with SA's rows padded to a
/// multiple of 4; addresses are arbitrary but aligned.
std::vector<TensorArg> gemmArgs(int64_t m, int64_t n, int64_t k,
                                int device = 0);

/// The fake driver, initialised and reset.
Driver &fakeDriver();

std::shared_ptr<Kernel> gemmKernel(llvm::StringRef from = "",
                                   llvm::StringRef to = "");

/// A fresh directory, removed at exit of the scope.
class TemporaryDirectory {
public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  std::string path;
};

} // namespace tilewright::runtime::test

#endif // TILEWRIGHT_TEST_UNIT_RUNTIME_TESTSUPPORT_H
