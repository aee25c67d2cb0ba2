//===- Bench.cpp - Timing launches with events ----------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tilewright/Runtime/Bench.h"
#include "tilewright/Runtime/Device.h"
#include "llvm/ADT/ScopeExit.h"
#include <algorithm>

using namespace tilewright;
using namespace tilewright::runtime;

llvm::Expected<Timing>
runtime::timeLaunches(Driver &driver, int ordinal,
                      llvm::function_ref<llvm::Error(cuda::Stream)> launch,
                      const BenchOptions &options) {
  auto device = driver.device(ordinal);
  if (!device)
    return device.takeError();
  auto scope = ContextScope::enter(driver, ordinal);
  if (!scope)
    return scope.takeError();
  cuda::Stream stream = nullptr;
  if (llvm::Error error =
          driver.check(driver.cuStreamCreate(&stream, cuda::StreamNonBlocking),
                       "cuStreamCreate"))
    return std::move(error);
  std::vector<cuda::Event> events;
  llvm::scope_exit cleanup([&] {
    for (cuda::Event event : events)
      (void)driver.cuEventDestroy(event);
    (void)driver.cuStreamDestroy(stream);
  });
  DeviceBuffer flush;
  if (options.flushL2) {
    auto buffer =
        DeviceBuffer::allocate(driver, ordinal, uint64_t(device->l2Bytes) * 2);
    if (!buffer)
      return buffer.takeError();
    flush = std::move(*buffer);
  }
  auto makeEvent = [&]() -> llvm::Error {
    cuda::Event event = nullptr;
    if (llvm::Error error = driver.check(
            driver.cuEventCreate(&event, cuda::EventDefault), "cuEventCreate"))
      return error;
    events.push_back(event);
    return llvm::Error::success();
  };
  for (int i = 0; i < 2 * options.rounds; ++i)
    if (llvm::Error error = makeEvent())
      return std::move(error);

  for (int i = 0; i < options.warmup; ++i)
    if (llvm::Error error = launch(stream))
      return std::move(error);
  for (int i = 0; i < options.rounds; ++i) {
    // The flush also keeps the GPU busy while the launch is being enqueued,
    // so that the events do not measure the host.
    if (flush.size())
      if (llvm::Error error = driver.check(
              driver.cuMemsetD8Async(flush.address(), (unsigned char)i,
                                     flush.size(), stream),
              "cuMemsetD8Async"))
        return std::move(error);
    if (llvm::Error error = driver.check(
            driver.cuEventRecord(events[2 * i], stream), "cuEventRecord"))
      return std::move(error);
    if (llvm::Error error = launch(stream))
      return std::move(error);
    if (llvm::Error error = driver.check(
            driver.cuEventRecord(events[2 * i + 1], stream), "cuEventRecord"))
      return std::move(error);
  }
  if (llvm::Error error = driver.check(driver.cuStreamSynchronize(stream),
                                       "cuStreamSynchronize"))
    return std::move(error);
  Timing timing;
  for (int i = 0; i < options.rounds; ++i) {
    float milliseconds = 0;
    if (llvm::Error error =
            driver.check(driver.cuEventElapsedTime(&milliseconds, events[2 * i],
                                                   events[2 * i + 1]),
                         "cuEventElapsedTime"))
      return std::move(error);
    timing.microseconds.push_back(double(milliseconds) * 1000);
  }
  if (timing.microseconds.empty())
    return std::move(timing);
  std::vector<double> sorted = timing.microseconds;
  std::sort(sorted.begin(), sorted.end());
  size_t middle = sorted.size() / 2;
  timing.median = sorted.size() % 2 ? sorted[middle]
                                    : (sorted[middle - 1] + sorted[middle]) / 2;
  timing.minimum = sorted.front();
  timing.maximum = sorted.back();
  return std::move(timing);
}
