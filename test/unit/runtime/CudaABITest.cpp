//===- CudaABITest.cpp - Our CUDA declarations against cuda.h -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything here is checked by the compiler; the test exists so that a build
// without a toolkit says that it compared nothing.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Runtime/CudaABI.h"
#include "gtest/gtest.h"

#if __has_include(<cudaTypedefs.h>)
#include <cuda.h>
#include <cudaTypedefs.h>
#include <type_traits>

using namespace tilewright;

#define SAME(ours, theirs)                                                     \
  static_assert(int(cuda::ours) == int(theirs), #ours " differs "              \
                                                      "from " #theirs)
SAME(Success, CUDA_SUCCESS);
SAME(ErrorInvalidValue, CUDA_ERROR_INVALID_VALUE);
SAME(ErrorOutOfMemory, CUDA_ERROR_OUT_OF_MEMORY);
SAME(ErrorNotInitialized, CUDA_ERROR_NOT_INITIALIZED);
SAME(ErrorStubLibrary, CUDA_ERROR_STUB_LIBRARY);
SAME(ErrorNoDevice, CUDA_ERROR_NO_DEVICE);
SAME(ErrorInvalidContext, CUDA_ERROR_INVALID_CONTEXT);
SAME(ErrorNotFound, CUDA_ERROR_NOT_FOUND);
SAME(MultiprocessorCount, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
SAME(L2CacheSize, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE);
SAME(ComputeCapabilityMajor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
SAME(ComputeCapabilityMinor, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
SAME(CooperativeLaunch, CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH);
SAME(MaxSharedMemoryPerBlockOptin,
     CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
SAME(ClockRate, CU_DEVICE_ATTRIBUTE_CLOCK_RATE);
SAME(MaxThreadsPerBlock, CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
SAME(SharedSizeBytes, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES);
SAME(LocalSizeBytes, CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES);
SAME(NumRegs, CU_FUNC_ATTRIBUTE_NUM_REGS);
SAME(MaxDynamicSharedSizeBytes,
     CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
SAME(NonPortableClusterSizeAllowed,
     CU_FUNC_ATTRIBUTE_NON_PORTABLE_CLUSTER_SIZE_ALLOWED);
SAME(JitInfoLogBuffer, CU_JIT_INFO_LOG_BUFFER);
SAME(JitInfoLogBufferSizeBytes, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES);
SAME(JitErrorLogBuffer, CU_JIT_ERROR_LOG_BUFFER);
SAME(JitErrorLogBufferSizeBytes, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES);
SAME(LaunchCooperative, CU_LAUNCH_ATTRIBUTE_COOPERATIVE);
SAME(LaunchClusterDimension, CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION);
SAME(LaunchProgrammaticStreamSerialization,
     CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION);
SAME(StreamNonBlocking, CU_STREAM_NON_BLOCKING);
SAME(MapU8, CU_TENSOR_MAP_DATA_TYPE_UINT8);
SAME(MapU16, CU_TENSOR_MAP_DATA_TYPE_UINT16);
SAME(MapU32, CU_TENSOR_MAP_DATA_TYPE_UINT32);
SAME(MapI32, CU_TENSOR_MAP_DATA_TYPE_INT32);
SAME(MapU64, CU_TENSOR_MAP_DATA_TYPE_UINT64);
SAME(MapI64, CU_TENSOR_MAP_DATA_TYPE_INT64);
SAME(MapF16, CU_TENSOR_MAP_DATA_TYPE_FLOAT16);
SAME(MapF32, CU_TENSOR_MAP_DATA_TYPE_FLOAT32);
SAME(MapF64, CU_TENSOR_MAP_DATA_TYPE_FLOAT64);
SAME(MapBF16, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16);
SAME(MapF32Ftz, CU_TENSOR_MAP_DATA_TYPE_FLOAT32_FTZ);
SAME(MapTF32, CU_TENSOR_MAP_DATA_TYPE_TFLOAT32);
SAME(MapTF32Ftz, CU_TENSOR_MAP_DATA_TYPE_TFLOAT32_FTZ);
#if CUDA_VERSION >= 12080
SAME(MapU4Align8, CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN8B);
SAME(MapU4Align16, CU_TENSOR_MAP_DATA_TYPE_16U4_ALIGN16B);
SAME(MapU6Align16, CU_TENSOR_MAP_DATA_TYPE_16U6_ALIGN16B);
#endif
SAME(InterleaveNone, CU_TENSOR_MAP_INTERLEAVE_NONE);
SAME(Interleave16B, CU_TENSOR_MAP_INTERLEAVE_16B);
SAME(Interleave32B, CU_TENSOR_MAP_INTERLEAVE_32B);
SAME(SwizzleNone, CU_TENSOR_MAP_SWIZZLE_NONE);
SAME(Swizzle32B, CU_TENSOR_MAP_SWIZZLE_32B);
SAME(Swizzle64B, CU_TENSOR_MAP_SWIZZLE_64B);
SAME(Swizzle128B, CU_TENSOR_MAP_SWIZZLE_128B);
SAME(L2None, CU_TENSOR_MAP_L2_PROMOTION_NONE);
SAME(L2_64B, CU_TENSOR_MAP_L2_PROMOTION_L2_64B);
SAME(L2_128B, CU_TENSOR_MAP_L2_PROMOTION_L2_128B);
SAME(L2_256B, CU_TENSOR_MAP_L2_PROMOTION_L2_256B);
SAME(OobZero, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);

#define SAME_FIELD(ours, theirs, field, theirField)                            \
  static_assert(offsetof(cuda::ours, field) == offsetof(theirs, theirField) && \
                    sizeof(cuda::ours::field) == sizeof(theirs::theirField),   \
                #ours "::" #field)
static_assert(sizeof(cuda::LaunchConfig) == sizeof(CUlaunchConfig));
SAME_FIELD(LaunchConfig, CUlaunchConfig, gridDimX, gridDimX);
SAME_FIELD(LaunchConfig, CUlaunchConfig, gridDimZ, gridDimZ);
SAME_FIELD(LaunchConfig, CUlaunchConfig, blockDimX, blockDimX);
SAME_FIELD(LaunchConfig, CUlaunchConfig, sharedMemBytes, sharedMemBytes);
SAME_FIELD(LaunchConfig, CUlaunchConfig, stream, hStream);
SAME_FIELD(LaunchConfig, CUlaunchConfig, attrs, attrs);
SAME_FIELD(LaunchConfig, CUlaunchConfig, numAttrs, numAttrs);
static_assert(sizeof(cuda::LaunchAttribute) == sizeof(CUlaunchAttribute));
SAME_FIELD(LaunchAttribute, CUlaunchAttribute, id, id);
SAME_FIELD(LaunchAttribute, CUlaunchAttribute, value, value);
static_assert(sizeof(cuda::LaunchAttributeValue) ==
              sizeof(CUlaunchAttributeValue));
static_assert(alignof(cuda::LaunchAttributeValue) ==
              alignof(CUlaunchAttributeValue));
SAME_FIELD(LaunchAttributeValue, CUlaunchAttributeValue, clusterDim,
           clusterDim);
static_assert(sizeof(cuda::TensorMap) == sizeof(CUtensorMap));
static_assert(alignof(cuda::TensorMap) % alignof(CUtensorMap) == 0);

/// Equal number of parameters, each of the same size and class.
template <typename A, typename B>
constexpr bool sameParameter =
    sizeof(A) == sizeof(B) && std::is_pointer_v<A> == std::is_pointer_v<B>;
template <typename F, typename G> struct SameFunction : std::false_type {};
template <typename... A, typename... B>
struct SameFunction<cuda::Result (*)(A...), CUresult (*)(B...)> {
  static constexpr bool check() {
    if constexpr (sizeof...(A) == sizeof...(B))
      return (sameParameter<A, B> && ...);
    else
      return false;
  }
  static constexpr bool value = check();
};
using namespace tilewright::cuda;
#define CHECK_FUNCTION(name, version, params)                                  \
  static_assert(                                                               \
      SameFunction<cuda::Result(*) params, PFN_##name##_v##version>::value,    \
      #name);
TILEWRIGHT_CUDA_FUNCTIONS(CHECK_FUNCTION)

TEST(CudaABI, MatchesTheToolkitsHeader) { SUCCEED(); }
#else
TEST(CudaABI, MatchesTheToolkitsHeader) {
  GTEST_SKIP() << "no CUDA toolkit to compare with";
}
#endif
