//===- Device.cpp - Device memory for running and checking kernels --------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Device.h"
#include <array>
#include <utility>

using namespace tilewright;
using namespace tilewright::runtime;

llvm::Expected<DeviceBuffer> DeviceBuffer::allocate(Driver &driver, int ordinal,
                                                    uint64_t bytes) {
  auto scope = ContextScope::enter(driver, ordinal);
  if (!scope)
    return scope.takeError();
  DeviceBuffer buffer;
  if (llvm::Error error = driver.check(
          driver.cuMemAlloc(&buffer.pointer, std::max<uint64_t>(bytes, 1)),
          "cuMemAlloc(" + llvm::Twine(bytes) + " bytes)"))
    return std::move(error);
  buffer.driver = &driver;
  buffer.ordinal = ordinal;
  buffer.bytes = bytes;
  return std::move(buffer);
}

DeviceBuffer::DeviceBuffer(DeviceBuffer &&other)
    : driver(std::exchange(other.driver, nullptr)), ordinal(other.ordinal),
      pointer(std::exchange(other.pointer, 0)), bytes(other.bytes) {}

DeviceBuffer &DeviceBuffer::operator=(DeviceBuffer &&other) {
  if (this != &other) {
    release();
    driver = std::exchange(other.driver, nullptr);
    ordinal = other.ordinal;
    pointer = std::exchange(other.pointer, 0);
    bytes = other.bytes;
  }
  return *this;
}

DeviceBuffer::~DeviceBuffer() { release(); }

void DeviceBuffer::release() {
  if (!driver || !pointer)
    return;
  auto scope = ContextScope::enter(*driver, ordinal);
  if (scope)
    (void)driver->cuMemFree(pointer);
  else
    llvm::consumeError(scope.takeError());
  pointer = 0;
}

llvm::Error DeviceBuffer::write(uint64_t offset, const void *from,
                                uint64_t count) {
  if (count == 0)
    return llvm::Error::success();
  auto scope = ContextScope::enter(*driver, ordinal);
  if (!scope)
    return scope.takeError();
  return driver->check(driver->cuMemcpyHtoD(pointer + offset, from, count),
                       "cuMemcpyHtoD(" + llvm::Twine(count) + " bytes)");
}

llvm::Error DeviceBuffer::read(uint64_t offset, void *to,
                               uint64_t count) const {
  if (count == 0)
    return llvm::Error::success();
  auto scope = ContextScope::enter(*driver, ordinal);
  if (!scope)
    return scope.takeError();
  return driver->check(driver->cuMemcpyDtoH(to, pointer + offset, count),
                       "cuMemcpyDtoH(" + llvm::Twine(count) + " bytes)");
}

/// Position-dependent, and no poison byte, so that neither a shifted copy nor
/// a copied poison goes unnoticed.
static uint8_t guardByte(uint64_t position) {
  return uint8_t(0xa5 ^ (position * 7)) & 0x7f;
}

llvm::Expected<DeviceTensor> DeviceTensor::create(Driver &driver, int ordinal,
                                                  const HostTensor &host) {
  DeviceTensor tensor;
  tensor.name = host.name();
  tensor.type = host.dtype();
  tensor.ordinal = ordinal;
  tensor.shape.assign(host.shape().begin(), host.shape().end());
  tensor.strides.assign(host.strides().begin(), host.strides().end());
  tensor.bytes = host.bytes().size();
  auto buffer =
      DeviceBuffer::allocate(driver, ordinal, tensor.bytes + 2 * guardBytes);
  if (!buffer)
    return buffer.takeError();
  tensor.buffer = std::move(*buffer);
  std::array<uint8_t, guardBytes> guard;
  for (uint64_t i = 0; i < guardBytes; ++i)
    guard[i] = guardByte(i);
  if (llvm::Error error = tensor.buffer.write(0, guard.data(), guardBytes))
    return std::move(error);
  if (llvm::Error error = tensor.buffer.write(guardBytes + tensor.bytes,
                                              guard.data(), guardBytes))
    return std::move(error);
  if (llvm::Error error = tensor.upload(host))
    return std::move(error);
  return std::move(tensor);
}

llvm::Error DeviceTensor::upload(const HostTensor &host) {
  if (host.bytes().size() != bytes)
    return argumentError("tensor '" + name + "': upload of another layout");
  return buffer.write(guardBytes, host.bytes().data(), bytes);
}

llvm::Error DeviceTensor::download(HostTensor &host) const {
  if (host.bytes().size() != bytes)
    return argumentError("tensor '" + name + "': download to another layout");
  return buffer.read(guardBytes, host.bytes().data(), bytes);
}

llvm::Error DeviceTensor::checkGuards() const {
  std::array<uint8_t, guardBytes> guard;
  for (bool after : {false, true}) {
    if (llvm::Error error = buffer.read(after ? guardBytes + bytes : 0,
                                        guard.data(), guardBytes))
      return error;
    for (uint64_t i = 0; i < guardBytes; ++i)
      if (guard[i] != guardByte(i))
        return llvm::createStringError(
            llvm::inconvertibleErrorCode(),
            "tensor '" + name + "': the kernel wrote outside it, " +
                (after ? llvm::Twine(i) + " bytes after its end"
                       : llvm::Twine(guardBytes - i) +
                             " bytes before its start"));
  }
  return llvm::Error::success();
}

llvm::Error DeviceTensor::checkPadding(const HostTensor &before,
                                       const HostTensor &after) {
  std::vector<bool> padding = before.paddingMask();
  for (size_t i = 0; i < padding.size(); ++i)
    if (padding[i] && before.bytes()[i] != after.bytes()[i])
      return llvm::createStringError(
          llvm::inconvertibleErrorCode(),
          "tensor '" + before.name() +
              "': the kernel wrote between its rows, at byte " +
              llvm::Twine(i));
  return llvm::Error::success();
}

TensorArg DeviceTensor::arg() const {
  TensorArg result;
  result.data = bytes == 0 ? 0 : address();
  result.dtype = type;
  result.device = ordinal;
  result.shape = shape;
  result.strides = strides;
  return result;
}
