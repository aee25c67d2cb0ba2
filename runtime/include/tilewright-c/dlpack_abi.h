//===- dlpack_abi.h - The DLPack structures the C API takes ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
/*
 * DLPack (https://dmlc.github.io/dlpack) describes a tensor in memory with a C
 * structure of fixed layout. These are our own declarations of that layout, so
 * that nothing needs DLPack's header; a `DLTensor *` from any framework may be
 * passed where a `const twTensor *` is asked for. ABI version 1.x, 64-bit:
 *
 *   offset  0  void *data          allocation; element 0 is at data+byte_offset
 *           8  int32 device type   2 CUDA, 13 CUDA managed (others are refused)
 *          12  int32 device id     CUDA ordinal
 *          16  int32 ndim
 *          20  uint8 code, uint8 bits, uint16 lanes
 *          24  int64 *shape        ndim extents, elements
 *          32  int64 *strides      ndim strides, elements; NULL: row-major
 *          40  uint64 byte_offset
 */
#ifndef TILEWRIGHT_C_DLPACK_ABI_H
#define TILEWRIGHT_C_DLPACK_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct twDevice {
  int32_t type;
  int32_t id;
} twDevice;

enum { TW_DEVICE_CPU = 1, TW_DEVICE_CUDA = 2, TW_DEVICE_CUDA_MANAGED = 13 };

typedef struct twDataType {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} twDataType;

enum {
  TW_CODE_INT = 0,
  TW_CODE_UINT = 1,
  TW_CODE_FLOAT = 2,
  TW_CODE_BFLOAT = 4,
  TW_CODE_BOOL = 6,
  TW_CODE_E4M3 = 10, /* float8_e4m3fn */
  TW_CODE_E5M2 = 12, /* float8_e5m2 */
  TW_CODE_E8M0 = 14, /* float8_e8m0fnu */
  TW_CODE_E2M1 = 17  /* float4_e2m1fn; lanes 2: two to an item */
};

typedef struct twTensor {
  void *data;
  twDevice device;
  int32_t ndim;
  twDataType dtype;
  int64_t *shape;
  int64_t *strides;
  uint64_t byte_offset;
} twTensor;

#ifdef __cplusplus
}
#endif

#endif /* TILEWRIGHT_C_DLPACK_ABI_H */
