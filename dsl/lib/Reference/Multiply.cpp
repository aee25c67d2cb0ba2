//===- Multiply.cpp - the inner loops of a contraction --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Register blocks of 4 rows by two vectors, from packed panels. Compiled twice
// on x86-64, the second time for AVX2 with fused multiply-adds, which is chosen
// where the machine has them. Both are doubles all along; they differ in the
// last bits, far below what results are compared to.
//
//===----------------------------------------------------------------------===//

#include "Tile.h"
#include <algorithm>

using namespace tilewright;

namespace {

constexpr int blockRows = 4;

template <typename T> struct Vector {
  static constexpr int lanes = 32 / sizeof(T);
  typedef T Type __attribute__((vector_size(32)));
};

/// One block: c[i][0 .. 2*lanes) for 4 rows i. `a` is packed [k][4], `b` [k][2
/// vectors].
template <typename T>
inline __attribute__((always_inline)) void
multiplyBlock(int64_t k, const T *a, const typename Vector<T>::Type *b,
              typename Vector<T>::Type (&c)[blockRows][2]) {
  typename Vector<T>::Type sum[blockRows][2] = {};
  for (int64_t x = 0; x < k; ++x)
#pragma clang loop unroll(full)
    for (int i = 0; i < blockRows; ++i) {
      typename Vector<T>::Type factor =
          a[x * blockRows + i] - typename Vector<T>::Type{};
      sum[i][0] += factor * b[2 * x];
      sum[i][1] += factor * b[2 * x + 1];
    }
  for (int i = 0; i < blockRows; ++i)
    for (int j = 0; j < 2; ++j)
      c[i][j] = sum[i][j];
}

template <typename T>
inline __attribute__((always_inline)) void
multiplyAll(int64_t m, int64_t n, int64_t k, const T *a, const T *b, T *c) {
  using V = typename Vector<T>::Type;
  constexpr int blockColumns = 2 * Vector<T>::lanes;
  int64_t rowBlocks = (m + blockRows - 1) / blockRows;
  std::vector<T> packedA(size_t(rowBlocks * k * blockRows));
  for (int64_t r = 0; r < m; ++r) {
    T *panel = packedA.data() + r / blockRows * k * blockRows + r % blockRows;
    for (int64_t x = 0; x < k; ++x)
      panel[x * blockRows] = a[r * k + x];
  }
  // vector_size types want their own alignment; operator new honours it.
  std::vector<V> packedB(size_t(2 * k));
  V block[blockRows][2];
  for (int64_t j = 0; j < n; j += blockColumns) {
    T *panel = reinterpret_cast<T *>(packedB.data());
    int64_t width = std::min<int64_t>(blockColumns, n - j);
    for (int64_t y = 0; y < blockColumns; ++y)
      for (int64_t x = 0; x < k; ++x)
        panel[x * blockColumns + y] = y < width ? b[(j + y) * k + x] : T(0);
    for (int64_t i = 0; i < m; i += blockRows) {
      multiplyBlock<T>(k, packedA.data() + i * k, packedB.data(), block);
      int64_t height = std::min<int64_t>(blockRows, m - i);
      for (int64_t r = 0; r < height; ++r)
        for (int64_t y = 0; y < width; ++y)
          c[(i + r) * n + j + y] =
              block[r][y / Vector<T>::lanes][y % Vector<T>::lanes];
    }
  }
}

#if defined(__x86_64__)
template <typename T>
__attribute__((target("avx2,fma"))) void
multiplyFast(int64_t m, int64_t n, int64_t k, const T *a, const T *b, T *c) {
  multiplyAll<T>(m, n, k, a, b, c);
}
#endif

template <typename T>
void multiplyHere(int64_t m, int64_t n, int64_t k, const T *a, const T *b,
                  T *c) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return multiplyFast<T>(m, n, k, a, b, c);
#endif
  multiplyAll<T>(m, n, k, a, b, c);
}

} // namespace

void reference::multiply(int64_t m, int64_t n, int64_t k, const double *a,
                         const double *b, double *c) {
  multiplyHere(m, n, k, a, b, c);
}

void reference::multiply(int64_t m, int64_t n, int64_t k, const float *a,
                         const float *b, float *c) {
  multiplyHere(m, n, k, a, b, c);
}
