//===- streaming_floor.cu - how fast the weights can be read at all -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Two kernels that read a matrix of N rows of K bytes and do nothing else: by
// ordinary loads, and by bulk copies in the order in which a GEMM of few rows
// reads its weights. For streaming_floor.py.
//
//===----------------------------------------------------------------------===//

#include <cstdint>
#include <cuda.h>
#include <cudaTypedefs.h>
#include <cuda_runtime.h>

static __device__ uint32_t address(const void *pointer) {
  return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

static __device__ void wait(uint32_t barrier, uint32_t parity) {
  asm volatile("{\n.reg .pred done;\nagain: mbarrier.try_wait.parity.shared::"
               "cta.b64 done, [%0], %1;\n@!done bra again;\n}" ::"r"(barrier),
               "r"(parity)
               : "memory");
}

/// 16 bytes a thread and load, eight in flight, evicted first.
__global__ void __launch_bounds__(1024, 1)
    readByLoads(const uint4 *data, int64_t count, float *sink) {
  int64_t step = int64_t(gridDim.x) * blockDim.x;
  int64_t at = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  uint32_t any = 0;
  for (; at + 7 * step < count; at += 8 * step) {
    uint4 values[8];
#pragma unroll
    for (int i = 0; i < 8; ++i)
      values[i] = __ldcs(data + at + i * step);
#pragma unroll
    for (int i = 0; i < 8; ++i)
      any ^= values[i].x ^ values[i].y ^ values[i].z ^ values[i].w;
  }
  for (; at < count; at += step)
    any ^= __ldcs(data + at).x;
  if (any == 0x5eed)
    *sink = 1; // Keeps the loads.
}

/// A tile is `rows` rows; `split` CTAs share one, of which CTA s takes every
/// split-th block of 128 bytes. One thread copies, one gives slots back.
__global__ void __launch_bounds__(256, 1)
    readByCopies(const __grid_constant__ CUtensorMap map, int tiles, int blocks,
                 int rows, int slots, int split, bool evictFirst, float *sink) {
  extern __shared__ __align__(1024) uint8_t data[];
  __shared__ __align__(8) uint64_t full[32], empty[32];
  if (threadIdx.x == 0) {
    for (int i = 0; i < slots; ++i)
      for (uint64_t *barrier : {full + i, empty + i})
        asm volatile(
            "mbarrier.init.shared.b64 [%0], 1;" ::"r"(address(barrier)));
    asm volatile("fence.mbarrier_init.release.cluster;");
  }
  __syncthreads();
  bool copies = threadIdx.x == 0;
  if (!copies && threadIdx.x != 128)
    return;
  uint64_t policy;
  asm volatile("createpolicy.fractional.L2::evict_first.b64 %0, 1.0;"
               : "=l"(policy));
  int part = blockIdx.x % split, groups = gridDim.x / split, taken = 0;
  for (int tile = blockIdx.x / split; tile < tiles; tile += groups)
    for (int block = part; block < blocks; block += split, ++taken) {
      int slot = taken % slots;
      uint32_t parity = taken / slots & 1;
      if (!copies) {
        wait(address(full + slot), parity);
        asm volatile(
            "mbarrier.arrive.shared.b64 _, [%0];" ::"r"(address(empty + slot))
            : "memory");
        continue;
      }
      wait(address(empty + slot), parity ^ 1);
      asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(
                       address(full + slot)),
                   "r"(rows * 128)
                   : "memory");
      uint32_t to = address(data) + slot * rows * 128;
      if (evictFirst)
        asm volatile(
            "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::"
            "complete_tx::bytes.L2::cache_hint [%0], [%1, {%2, %3}], [%4], "
            "%5;" ::"r"(to),
            "l"(&map), "r"(block * 128), "r"(tile * rows),
            "r"(address(full + slot)), "l"(policy)
            : "memory");
      else
        asm volatile(
            "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::"
            "complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" ::"r"(to),
            "l"(&map), "r"(block * 128), "r"(tile * rows),
            "r"(address(full + slot))
            : "memory");
    }
  if (taken < 0)
    *sink = 1;
}

/// 0, or a CUDA error. `rows` 0 reads by loads.
extern "C" int streamingFloor(void *data, int64_t n, int64_t k, int rows,
                              int split, int evictFirst, int ctas, float *sink,
                              cudaStream_t stream) {
  if (rows == 0) {
    readByLoads<<<ctas, 1024, 0, stream>>>(static_cast<uint4 *>(data),
                                           n * k / 16, sink);
    return cudaGetLastError();
  }
  static PFN_cuTensorMapEncodeTiled_v12000 encode = nullptr;
  if (!encode) {
    cudaDriverEntryPointQueryResult found;
    cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled",
                                     reinterpret_cast<void **>(&encode), 12000,
                                     cudaEnableDefault, &found);
    cudaFuncSetAttribute(
        readByCopies, cudaFuncAttributeMaxDynamicSharedMemorySize, 200 * 1024);
  }
  CUtensorMap map;
  cuuint64_t extents[] = {static_cast<cuuint64_t>(k),
                          static_cast<cuuint64_t>(n)};
  cuuint64_t stride[] = {static_cast<cuuint64_t>(k)};
  cuuint32_t box[] = {128, static_cast<cuuint32_t>(rows)}, steps[] = {1, 1};
  if (encode(&map, CU_TENSOR_MAP_DATA_TYPE_UINT8, 2, data, extents, stride, box,
             steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
             CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
             CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE))
    return cudaErrorInvalidValue;
  int slots = 24 * 64 / rows;
  readByCopies<<<ctas, 256, slots * rows * 128, stream>>>(
      map, static_cast<int>((n + rows - 1) / rows), static_cast<int>(k / 128),
      rows, slots, split, evictFirst != 0, sink);
  return cudaGetLastError();
}
