//===- CudaABI.h - The part of the CUDA driver ABI the runtime calls ------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler builds and runs on machines without a CUDA toolkit, so nothing
// here includes cuda.h: the driver's stable ABI (handles, enumerators, two
// structures) is declared as far as the runtime needs it. Where a toolkit is
// installed, test/unit/runtime/CudaABITest.cpp compares every value and layout
// with its cuda.h.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_RUNTIME_CUDAABI_H
#define TILEWRIGHT_RUNTIME_CUDAABI_H

#include <cstddef>
#include <cstdint>

namespace tilewright::cuda {

using Result = int;
using Device = int;
using DevicePtr = unsigned long long;
using Context = struct ContextOpaque *;
using Stream = struct StreamOpaque *;
using Event = struct EventOpaque *;
using Module = struct ModuleOpaque *;
using Library = struct LibraryOpaque *;
using KernelHandle = struct KernelOpaque *;
using Function = struct FunctionOpaque *;

enum : Result {
  Success = 0,
  ErrorInvalidValue = 1,
  ErrorOutOfMemory = 2,
  ErrorNotInitialized = 3,
  ErrorStubLibrary = 34,
  ErrorNoDevice = 100,
  ErrorInvalidContext = 201,
  ErrorNotFound = 500,
};

/// CUdevice_attribute.
enum DeviceAttribute : int {
  MultiprocessorCount = 16,
  L2CacheSize = 38,
  ComputeCapabilityMajor = 75,
  ComputeCapabilityMinor = 76,
  CooperativeLaunch = 95,
  MaxSharedMemoryPerBlockOptin = 97,
  ClockRate = 13,
};

/// CUfunction_attribute.
enum FunctionAttribute : int {
  MaxThreadsPerBlock = 0,
  SharedSizeBytes = 1,
  LocalSizeBytes = 3,
  NumRegs = 4,
  MaxDynamicSharedSizeBytes = 8,
  NonPortableClusterSizeAllowed = 14,
};

/// CUjit_option.
enum JitOption : int {
  JitInfoLogBuffer = 3,
  JitInfoLogBufferSizeBytes = 4,
  JitErrorLogBuffer = 5,
  JitErrorLogBufferSizeBytes = 6,
};

/// CUlaunchAttributeID.
enum LaunchAttributeID : int {
  LaunchCooperative = 2,
  LaunchClusterDimension = 4,
  LaunchProgrammaticStreamSerialization = 6,
};

enum : unsigned { StreamDefault = 0, StreamNonBlocking = 1, EventDefault = 0 };

/// The two stream handles that name a stream rather than point to one.
inline Stream legacyStream() { return reinterpret_cast<Stream>(uintptr_t(1)); }
inline Stream perThreadStream() {
  return reinterpret_cast<Stream>(uintptr_t(2));
}

/// CUlaunchAttributeValue: a union padded to 64 bytes.
union LaunchAttributeValue {
  char pad[64];
  int cooperative;
  struct {
    unsigned x, y, z;
  } clusterDim;
  int programmaticStreamSerializationAllowed;
  void *align;
};

struct LaunchAttribute {
  int id;
  char pad[8 - sizeof(int)];
  LaunchAttributeValue value;
};

struct LaunchConfig {
  unsigned gridDimX, gridDimY, gridDimZ;
  unsigned blockDimX, blockDimY, blockDimZ;
  unsigned sharedMemBytes;
  Stream stream;
  LaunchAttribute *attrs;
  unsigned numAttrs;
};

/// CUtensorMap: 128 opaque bytes, passed to kernels by value. CUDA 12 aligns
/// it to 64 bytes, CUDA 13 to 128; the stricter serves both.
struct alignas(128) TensorMap {
  uint64_t opaque[16];
};

/// CUtensorMapDataType.
enum TensorMapType : int {
  MapU8 = 0,
  MapU16,
  MapU32,
  MapI32,
  MapU64,
  MapI64,
  MapF16,
  MapF32,
  MapF64,
  MapBF16,
  MapF32Ftz,
  MapTF32,
  MapTF32Ftz,
  MapU4Align8,
  MapU4Align16,
  MapU6Align16,
};

enum TensorMapInterleave : int {
  InterleaveNone = 0,
  Interleave16B,
  Interleave32B
};
enum TensorMapSwizzle : int {
  SwizzleNone = 0,
  Swizzle32B,
  Swizzle64B,
  Swizzle128B
};
enum TensorMapL2Promotion : int { L2None = 0, L2_64B, L2_128B, L2_256B };
enum TensorMapOobFill : int { OobZero = 0 };

} // namespace tilewright::cuda

/// Every driver entry point the runtime uses: name, the CUDA version whose
/// variant of the function is meant (what cuGetProcAddress is asked for; see
/// cudaTypedefs.h, `PFN_<name>_v<version>`), and the parameter types.
#define TILEWRIGHT_CUDA_FUNCTIONS(X)                                           \
  X(cuInit, 2000, (unsigned))                                                  \
  X(cuDriverGetVersion, 2020, (int *))                                         \
  X(cuGetErrorName, 6000, (Result, const char **))                             \
  X(cuGetErrorString, 6000, (Result, const char **))                           \
  X(cuDeviceGetCount, 2000, (int *))                                           \
  X(cuDeviceGet, 2000, (Device *, int))                                        \
  X(cuDeviceGetName, 2000, (char *, int, Device))                              \
  X(cuDeviceGetAttribute, 2000, (int *, DeviceAttribute, Device))              \
  X(cuDevicePrimaryCtxRetain, 7000, (Context *, Device))                       \
  X(cuCtxGetCurrent, 4000, (Context *))                                        \
  X(cuCtxPushCurrent, 4000, (Context))                                         \
  X(cuCtxPopCurrent, 4000, (Context *))                                        \
  X(cuCtxGetDevice, 2000, (Device *))                                          \
  X(cuCtxGetId, 12000, (Context, unsigned long long *))                        \
  X(cuCtxSynchronize, 2000, ())                                                \
  X(cuStreamGetCtx, 9020, (Stream, Context *))                                 \
  X(cuStreamCreate, 2000, (Stream *, unsigned))                                \
  X(cuStreamDestroy, 4000, (Stream))                                           \
  X(cuStreamSynchronize, 2000, (Stream))                                       \
  X(cuLibraryLoadData, 12000,                                                  \
    (Library *, const void *, JitOption *, void **, unsigned, int *, void **,  \
     unsigned))                                                                \
  X(cuLibraryUnload, 12000, (Library))                                         \
  X(cuLibraryGetKernel, 12000, (KernelHandle *, Library, const char *))        \
  X(cuKernelGetFunction, 12000, (Function *, KernelHandle))                    \
  X(cuModuleLoadDataEx, 2010,                                                  \
    (Module *, const void *, unsigned, JitOption *, void **))                  \
  X(cuModuleUnload, 2000, (Module))                                            \
  X(cuModuleGetFunction, 2000, (Function *, Module, const char *))             \
  X(cuFuncSetAttribute, 9000, (Function, FunctionAttribute, int))              \
  X(cuFuncGetAttribute, 2020, (int *, FunctionAttribute, Function))            \
  X(cuLaunchKernelEx, 11060,                                                   \
    (const LaunchConfig *, Function, void **, void **))                        \
  X(cuOccupancyMaxActiveBlocksPerMultiprocessor, 6050,                         \
    (int *, Function, int, size_t))                                            \
  X(cuOccupancyMaxActiveClusters, 11070,                                       \
    (int *, Function, const LaunchConfig *))                                   \
  X(cuTensorMapEncodeTiled, 12000,                                             \
    (TensorMap *, TensorMapType, uint32_t, void *, const uint64_t *,           \
     const uint64_t *, const uint32_t *, const uint32_t *,                     \
     TensorMapInterleave, TensorMapSwizzle, TensorMapL2Promotion,              \
     TensorMapOobFill))                                                        \
  X(cuMemAlloc, 3020, (DevicePtr *, size_t))                                   \
  X(cuMemFree, 3020, (DevicePtr))                                              \
  X(cuMemGetInfo, 3020, (size_t *, size_t *))                                  \
  X(cuMemcpyHtoD, 3020, (DevicePtr, const void *, size_t))                     \
  X(cuMemcpyDtoH, 3020, (void *, DevicePtr, size_t))                           \
  X(cuMemcpyHtoDAsync, 3020, (DevicePtr, const void *, size_t, Stream))        \
  X(cuMemcpyDtoHAsync, 3020, (void *, DevicePtr, size_t, Stream))              \
  X(cuMemsetD8Async, 3020, (DevicePtr, unsigned char, size_t, Stream))         \
  X(cuEventCreate, 2000, (Event *, unsigned))                                  \
  X(cuEventDestroy, 4000, (Event))                                             \
  X(cuEventRecord, 2000, (Event, Stream))                                      \
  X(cuEventSynchronize, 2000, (Event))                                         \
  X(cuEventElapsedTime, 2000, (float *, Event, Event))

#endif // TILEWRIGHT_RUNTIME_CUDAABI_H
