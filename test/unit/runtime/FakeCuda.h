//===- FakeCuda.h - Controls of the fake CUDA driver ----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// libcuda-fake.so stands in for libcuda.so.1 in tests: device memory is host
// memory, launches are recorded (and may call back into the test), failures
// are injected by function name. C linkage and plain types, so that the Python
// tests drive it through ctypes.
//
// A fake image is text: lines "symbol=NAME", "regs=N", "maxthreads=N",
// "params=8,4,128" (parameter sizes in bytes, as a cubin records them). A cubin
// starts with "\x7fELF"; PTX that contains "BADPTX" does not assemble.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_TEST_UNIT_RUNTIME_FAKECUDA_H
#define TILEWRIGHT_TEST_UNIT_RUNTIME_FAKECUDA_H

#include <stddef.h>
#include <stdint.h>

extern "C" {

/// What the fake writes into a tensor map's 128 bytes.
struct FakeTensorMap {
  uint64_t address;
  uint64_t dims[5];
  uint64_t strides[4]; ///< Bytes, of dimensions 1 to 4.
  uint16_t box[5];
  uint8_t type, rank, swizzle, interleave, l2, oob;
  uint64_t magic;
};

struct FakeLaunch {
  char symbol[64];
  unsigned grid[3], block[3], cluster[3], smem;
  uint64_t stream;
  int device; ///< Of the current context.
  int pdl, cooperative, numAttrs;
  int numParams;
  unsigned paramSize[32];
  alignas(64) unsigned char params[32][128];
};

/// Forgets all state, faults and calls: 2 devices of compute capability 9.0
/// with 132 multiprocessors.
void fakeCudaReset(void);
void fakeCudaSetDevices(int count);
void fakeCudaSetCapability(int major, int minor);
/// `function` returns `code` after `skip` successful calls, until reset.
void fakeCudaFail(const char *function, int code, int skip);
/// cuGetProcAddress does not know `function`.
void fakeCudaHide(const char *function);
/// Calls of `function` since the reset.
int fakeCudaCalls(const char *function);
int fakeCudaLaunches(void);
/// Copies launch `index` (negative: from the end); 0 if there is none.
int fakeCudaGetLaunch(int index, FakeLaunch *out);
/// Calls `callback` for every launch, on the launching thread.
void fakeCudaOnLaunch(void (*callback)(const FakeLaunch *, void *), void *user);
/// A context of `device` other than its primary one.
void *fakeCudaCreateContext(int device);
/// A stream of a context (null: of device 0's primary context).
void *fakeCudaCreateStream(void *context);
/// Depth of the calling thread's context stack.
int fakeCudaContextDepth(void);
void fakeCudaSetCurrent(void *context);
/// Live allocations.
int fakeCudaAllocations(void);
/// Microseconds a launch takes; the n-th launch takes base + n * step.
void fakeCudaSetTime(double base, double step);
/// Contexts that exist.
int fakeCudaContexts(void);
/// Occupancy reported to the caller.
void fakeCudaSetOccupancy(int blocks, int clusters);
}

#endif // TILEWRIGHT_TEST_UNIT_RUNTIME_FAKECUDA_H
