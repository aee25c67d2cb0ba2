//===- FakeCudaControls.cpp - Controls of the fake CUDA driver ------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "FakeCudaState.h"

using namespace fake;

namespace fake {
State &state() {
  static State *instance = new State();
  return *instance;
}

std::vector<Context> &stack() {
  static thread_local std::vector<Context> contexts;
  return contexts;
}

Context makeContext(int device) {
  static unsigned long long next = 100;
  state().contexts.push_back(
      std::make_unique<ContextOpaque>(ContextOpaque{device, next++}));
  return state().contexts.back().get();
}
} // namespace fake

extern "C" {

void fakeCudaReset(void) {
  std::lock_guard<std::mutex> lock(state().mutex);
  State &s = state();
  s.initialised = true;
  s.devices = 2;
  s.major = 9;
  s.minor = 0;
  s.blocks = 1;
  s.clusters = 66;
  s.faults.clear();
  s.hidden.clear();
  s.calls.clear();
  s.launches.clear();
  s.callback = nullptr;
  s.clock = 0;
  s.base = 10;
  s.step = 0;
  s.timed = 0;
  stack().clear();
}

void fakeCudaSetDevices(int count) {
  std::lock_guard<std::mutex> lock(state().mutex);
  state().devices = count;
}

void fakeCudaSetCapability(int major, int minor) {
  std::lock_guard<std::mutex> lock(state().mutex);
  state().major = major;
  state().minor = minor;
}

void fakeCudaFail(const char *function, int code, int skip) {
  std::lock_guard<std::mutex> lock(state().mutex);
  state().faults[function] = {code, skip};
}

void fakeCudaHide(const char *function) {
  std::lock_guard<std::mutex> lock(state().mutex);
  state().hidden.insert(function);
}

int fakeCudaCalls(const char *function) {
  std::lock_guard<std::mutex> lock(state().mutex);
  return state().calls[function];
}

int fakeCudaLaunches(void) {
  std::lock_guard<std::mutex> lock(state().mutex);
  return int(state().launches.size());
}

int fakeCudaGetLaunch(int index, FakeLaunch *out) {
  std::lock_guard<std::mutex> lock(state().mutex);
  int count = int(state().launches.size());
  if (index < 0)
    index += count;
  if (index < 0 || index >= count)
    return 0;
  *out = state().launches[index];
  return 1;
}

void fakeCudaOnLaunch(void (*callback)(const FakeLaunch *, void *),
                      void *user) {
  std::lock_guard<std::mutex> lock(state().mutex);
  state().callback = callback;
  state().user = user;
}

void *fakeCudaCreateContext(int device) {
  std::lock_guard<std::mutex> lock(state().mutex);
  return makeContext(device);
}

void *fakeCudaCreateStream(void *context) {
  std::lock_guard<std::mutex> lock(state().mutex);
  Context owner = static_cast<Context>(context);
  if (!owner) {
    Context &primary = state().primary[0];
    if (!primary)
      primary = makeContext(0);
    owner = primary;
  }
  state().streams.push_back(
      std::make_unique<StreamOpaque>(StreamOpaque{owner}));
  return state().streams.back().get();
}

int fakeCudaContextDepth(void) { return int(stack().size()); }

void fakeCudaSetCurrent(void *context) {
  stack().clear();
  if (context)
    stack().push_back(static_cast<Context>(context));
}

int fakeCudaAllocations(void) {
  std::lock_guard<std::mutex> lock(state().mutex);
  return int(state().memory.size());
}

void fakeCudaSetTime(double base, double step) {
  std::lock_guard<std::mutex> lock(state().mutex);
  state().base = base;
  state().step = step;
  state().timed = 0;
}

int fakeCudaContexts(void) {
  std::lock_guard<std::mutex> lock(state().mutex);
  return int(state().contexts.size());
}

void fakeCudaSetOccupancy(int blocks, int clusters) {
  std::lock_guard<std::mutex> lock(state().mutex);
  state().blocks = blocks;
  state().clusters = clusters;
}

} // extern "C"
