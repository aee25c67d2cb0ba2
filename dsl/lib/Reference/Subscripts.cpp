//===- Subscripts.cpp - where subscripts lead -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "llvm/Support/Casting.h"
#include <cmath>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::reference;

bool Process::access(ArrayRef<const Expr *> subs, ArrayRef<int64_t> shape,
                     ArrayRef<int64_t> strides, ArrayRef<TileAxis> frame,
                     Access &result, ArrayRef<TileAxis> names) {
  for (size_t d = 0; d < subs.size(); ++d) {
    Affine subscript;
    bool simple = true;
    if (!subs[d])
      subscript = {names[d].name, 0, 1};
    else
      simple = affine(subs[d], subscript);
    if (machine.failed())
      return false;
    if (simple && subscript.axis.empty()) {
      if (subscript.base < 0 || subscript.base >= shape[d])
        result.outside = true;
      else
        result.base += subscript.base * strides[d];
      continue;
    }
    Access::Term term;
    if (simple) {
      int at = findAxis(frame, subscript.axis);
      if (at < 0)
        return fail(subs[d] ? subs[d]->loc : SMLoc(),
                    "axis '" + subscript.axis + "' has no extent here");
      term.strides.assign(frame.size(), 0);
      term.strides[at] = 1;
      term.table.resize(frame[at].extent);
      for (size_t x = 0; x < term.table.size(); ++x) {
        int64_t index = subscript.base + int64_t(x) * subscript.slope;
        term.table[x] =
            index >= 0 && index < shape[d] ? index * strides[d] : -1;
      }
    } else {
      TilePtr indices = evaluate(subs[d]);
      if (!indices)
        return false;
      if (indices->hollow) {
        machine.dataDependent = true;
        return fail(subs[d]->loc, "this subscript depends on floating-point "
                                  "values");
      }
      for (const TileAxis &axis : indices->axes)
        if (findAxis(frame, axis.name) < 0)
          return fail(subs[d]->loc,
                      "axis '" + axis.name + "' has no extent here");
      term.strides = indices->stridesIn(frame);
      term.table.resize(indices->value.size());
      for (size_t x = 0; x < term.table.size(); ++x) {
        auto index = static_cast<int64_t>(indices->value[x]);
        term.table[x] =
            index >= 0 && index < shape[d] ? index * strides[d] : -1;
      }
    }
    result.terms.push_back(std::move(term));
  }
  return true;
}

bool Process::clip(ArrayRef<const Expr *> subs, ArrayRef<int64_t> shape,
                   Frame &frame) {
  bool outside = false;
  for (size_t d = 0; d < subs.size(); ++d) {
    Affine subscript;
    bool simple = affine(subs[d], subscript);
    if (machine.failed())
      return false;
    if (!simple)
      continue;
    if (subscript.axis.empty()) {
      outside |= subscript.base < 0 || subscript.base >= shape[d];
      continue;
    }
    int at = findAxis(frame, subscript.axis);
    if (at < 0 || subscript.slope != 1)
      continue;
    int64_t low = std::max<int64_t>(0, -subscript.base);
    int64_t high = std::min(frame[at].extent, shape[d] - subscript.base);
    frame[at].valid =
        std::min(frame[at].valid, std::max<int64_t>(0, high - low));
  }
  for (TileAxis &axis : frame)
    if (outside)
      axis.valid = 0;
  return true;
}
