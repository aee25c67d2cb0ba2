//===- Errors.h - Kinds of runtime failure --------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Callers act on the kind (a test skips on NoGpuError, Python raises
// ArgumentError for ArgumentError), people read the message.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_ERRORS_H
#define TILEWRIGHT_RUNTIME_ERRORS_H

#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <system_error>

namespace tilewright::runtime {

namespace detail {
/// Shared body of the error kinds below: a message.
template <typename Self> class MessageError : public llvm::ErrorInfo<Self> {
public:
  explicit MessageError(const llvm::Twine &message) : message(message.str()) {}
  void log(llvm::raw_ostream &os) const override { os << message; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }

private:
  std::string message;
};
} // namespace detail

/// No usable GPU: no driver library, no device, or a driver that is too old.
class NoGpuError : public detail::MessageError<NoGpuError> {
public:
  using MessageError::MessageError;
  static char ID;
};

/// An argument that the kernel's manifest refuses: wrong count, type, device,
/// shape, stride, alignment, or a failed `require`.
class ArgumentError : public detail::MessageError<ArgumentError> {
public:
  using MessageError::MessageError;
  static char ID;
};

/// A malformed artefact: the manifest does not follow the contract.
class ManifestError : public detail::MessageError<ManifestError> {
public:
  using MessageError::MessageError;
  static char ID;
};

/// A driver call that failed; `code()` is the CUresult.
class DriverError : public llvm::ErrorInfo<DriverError> {
public:
  DriverError(int result, const llvm::Twine &message)
      : result(result), message(message.str()) {}
  void log(llvm::raw_ostream &os) const override { os << message; }
  std::error_code convertToErrorCode() const override {
    return llvm::inconvertibleErrorCode();
  }
  int code() const { return result; }
  static char ID;

private:
  int result;
  std::string message;
};

/// The compiler refused the source, or this library has no compiler.
class CompileError : public detail::MessageError<CompileError> {
public:
  using MessageError::MessageError;
  static char ID;
};

inline llvm::Error argumentError(const llvm::Twine &message) {
  return llvm::make_error<ArgumentError>(message);
}
inline llvm::Error manifestError(const llvm::Twine &message) {
  return llvm::make_error<ManifestError>(message);
}

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_ERRORS_H
