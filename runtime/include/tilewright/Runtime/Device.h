//===- Device.h - Device memory for running and checking kernels ----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_RUNTIME_DEVICE_H
#define TILEWRIGHT_RUNTIME_DEVICE_H

#include "tilewright/Runtime/Driver.h"
#include "tilewright/Runtime/HostTensor.h"

namespace tilewright::runtime {

/// An allocation in a device's primary context; freed with the object.
class DeviceBuffer {
public:
  DeviceBuffer() = default;
  static llvm::Expected<DeviceBuffer> allocate(Driver &driver, int ordinal,
                                               uint64_t bytes);
  DeviceBuffer(DeviceBuffer &&other);
  DeviceBuffer &operator=(DeviceBuffer &&other);
  ~DeviceBuffer();

  uint64_t address() const { return pointer; }
  uint64_t size() const { return bytes; }
  llvm::Error write(uint64_t offset, const void *from, uint64_t count);
  llvm::Error read(uint64_t offset, void *to, uint64_t count) const;

private:
  void release();
  Driver *driver = nullptr;
  int ordinal = 0;
  cuda::DevicePtr pointer = 0;
  uint64_t bytes = 0;
};

/// A copy of a host tensor on a device between two guard bands of
/// `guardBytes`, whose pattern no kernel may change. Copies are synchronous.
class DeviceTensor {
public:
  static constexpr uint64_t guardBytes = 256;

  /// Allocates and uploads `host` (its padding too).
  static llvm::Expected<DeviceTensor> create(Driver &driver, int ordinal,
                                             const HostTensor &host);

  /// Uploads the tensor again (not the guards).
  llvm::Error upload(const HostTensor &host);
  /// Downloads all storage bytes into `host`, which has the same layout.
  llvm::Error download(HostTensor &host) const;

  /// Fails, naming tensor, band and offset, if a guard byte changed.
  llvm::Error checkGuards() const;
  /// Fails if a padding byte of `after` (downloaded) differs from `before`.
  static llvm::Error checkPadding(const HostTensor &before,
                                  const HostTensor &after);

  TensorArg arg() const;
  uint64_t address() const { return buffer.address() + guardBytes; }

private:
  DeviceTensor() = default;
  DeviceBuffer buffer;
  std::string name;
  DType type = DType::F32;
  int ordinal = 0;
  llvm::SmallVector<int64_t, 5> shape, strides;
  uint64_t bytes = 0;
};

} // namespace tilewright::runtime

#endif // TILEWRIGHT_RUNTIME_DEVICE_H
