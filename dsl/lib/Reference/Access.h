//===- Access.h - walking a subscripted place -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_REFERENCE_ACCESS_H
#define TILEWRIGHT_REFERENCE_ACCESS_H

#include "Tile.h"

namespace tilewright::reference {

/// How a subscripted place is walked: for each dimension either a fixed offset
/// or a table over some axes of the frame.
struct Access {
  struct Term {
    std::vector<int64_t> table; ///< Element offsets; -1 outside the tensor.
    Strides strides;            ///< Along the frame, into the table.
  };
  int64_t base = 0;
  bool outside = false; ///< Nothing of it lies inside.
  llvm::SmallVector<Term, 4> terms;
};

/// Calls `visit(position, offset)` for every element of `frame`; the offset is
/// -1 outside. Returns false as soon as `visit` does.
template <typename Visit>
void walk(llvm::ArrayRef<TileAxis> frame, const Access &access, Visit visit) {
  int64_t total = elementCount(frame);
  if (total == 0)
    return;
  if (access.outside) {
    for (int64_t position = 0; position < total; ++position)
      visit(position, int64_t(-1));
    return;
  }
  size_t rank = frame.size(), last = rank ? rank - 1 : 0;
  int64_t length = rank ? frame[last].extent : 1;
  llvm::SmallVector<int64_t, 4> index(rank, 0);
  for (int64_t position = 0; position < total; position += length) {
    // Terms that do not change along the row, and those that do.
    int64_t base = access.base;
    struct Inner {
      const int64_t *table;
      int64_t step;
    };
    llvm::SmallVector<Inner, 4> inner;
    bool outside = false;
    for (const Access::Term &term : access.terms) {
      int64_t at = 0;
      for (size_t d = 0; d < last; ++d)
        at += term.strides[d] * index[d];
      if (rank && term.strides[last] != 0) {
        inner.push_back({term.table.data() + at, term.strides[last]});
      } else {
        int64_t offset = term.table[at];
        outside |= offset < 0;
        base += offset;
      }
    }
    if (outside) {
      for (int64_t i = 0; i < length; ++i)
        visit(position + i, int64_t(-1));
    } else if (inner.size() == 1 && inner[0].step == 1) {
      const int64_t *table = inner[0].table;
      for (int64_t i = 0; i < length; ++i)
        visit(position + i, table[i] < 0 ? -1 : base + table[i]);
    } else {
      for (int64_t i = 0; i < length; ++i) {
        int64_t offset = base;
        for (const Inner &term : inner) {
          int64_t part = term.table[i * term.step];
          offset = part < 0 || offset < 0 ? -1 : offset + part;
        }
        visit(position + i, offset);
      }
    }
    for (size_t d = last; d-- > 0;) {
      if (++index[d] < frame[d].extent)
        break;
      index[d] = 0;
    }
  }
}

} // namespace tilewright::reference

#endif // TILEWRIGHT_REFERENCE_ACCESS_H
