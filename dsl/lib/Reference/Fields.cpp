//===- Fields.cpp - fields of slots and parts of tiles --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "Machine.h"
#include "llvm/Support/Casting.h"
#include <cmath>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::reference;

TilePtr Process::gather(const TilePtr &whole, ArrayRef<const Expr *> subs,
                        ArrayRef<TileAxis> frame) {
  if (whole->hollow)
    return makeHollow(frame);
  Strides strides = whole->stridesIn(whole->axes);
  SmallVector<int64_t, 4> shape;
  for (const TileAxis &axis : whole->axes)
    shape.push_back(axis.extent);
  Access part;
  if (!access(subs, shape, strides, frame, part, whole->axes))
    return nullptr;
  TilePtr out = makeTile(frame);
  out->exact = whole->exact;
  if (!whole->magnitude.empty())
    out->magnitude.resize(out->value.size());
  walk(frame, part, [&](int64_t position, int64_t offset) {
    if (offset < 0)
      return;
    out->value[position] = whole->value[offset];
    if (!out->magnitude.empty())
      out->magnitude[position] = whole->magnitude[offset];
  });
  return out;
}

bool Process::update(TilePtr &cell, const Type &type, TilePtr value, bool add) {
  Frame frame;
  if (!frameOf(type, frame))
    return false;
  if (machine.dry && isFloat(type.elem)) {
    // Keep what is known of the axes; a value without them fills all.
    TilePtr hollow = makeHollow(frame);
    for (TileAxis &axis : hollow->axes)
      if (int at = findAxis(value->axes, axis.name); at >= 0)
        axis.valid = value->axes[at].valid;
    cell = hollow;
    return true;
  }
  if (add) {
    cell = combine(Op::Add, type.elem, cell, value, SMLoc());
    if (cell)
      cell = expand(cell, frame);
    return cell != nullptr;
  }
  value = expand(value, frame);
  if (!value->absent.empty()) {
    value = std::make_shared<Tile>(*value); // What did not exist is 0 now.
    value->absent.clear();
  }
  cell = value;
  return true;
}

bool Process::storeField(const FieldRef &dst, const Expr *src,
                         bool accumulate) {
  SlotPtr slot = slots.lookup(dst.slot);
  if (!slot)
    return fail(dst.loc, "the slot is not open here");
  TilePtr value = evaluate(src);
  if (value)
    value = convert(value, src->type.elem, dst.type.elem);
  if (!value)
    return false;
  TilePtr &cell = slot->fields[dst.field->index];
  if (dst.subs.empty()) {
    if (accumulate && !cell)
      return fail(dst.loc, "field '" + dst.field->name +
                               "' is added to before it has a value");
    return update(cell, dst.field->type, value, accumulate);
  }
  // A part of the field; the rest is zero until it is filled.
  Frame declared, frame;
  if (!frameOf(dst.field->type, declared) || !frameOf(dst.type, frame))
    return false;
  if (machine.dry && isFloat(dst.field->type.elem)) {
    cell = makeHollow(declared);
    return true;
  }
  TilePtr whole = makeTile(declared);
  if (cell)
    *whole = *expand(cell, declared);
  whole->exact &= value->exact;
  if (whole->magnitude.empty()) {
    std::vector<float> scratch;
    const float *m = magnitudes(*whole, scratch);
    whole->magnitude.assign(m, m + whole->value.size());
  }
  SmallVector<int64_t, 4> shape;
  for (const TileAxis &axis : declared)
    shape.push_back(axis.extent);
  Access part;
  if (!access(dst.subs, shape, whole->stridesIn(declared), frame, part,
              declared))
    return false;
  value = expand(value, frame);
  std::vector<float> scratch;
  const float *m = magnitudes(*value, scratch);
  Strides order = value->stridesIn(frame);
  SmallVector<int64_t, 0> from(elementCount(frame));
  forEachRow<1>(frame, {order},
                [&](int64_t position, int64_t n,
                    const std::array<int64_t, 1> &at,
                    const std::array<int64_t, 1> &step) {
                  for (int64_t i = 0; i < n; ++i)
                    from[position + i] = at[0] + i * step[0];
                });
  walk(frame, part, [&](int64_t position, int64_t offset) {
    if (offset < 0)
      return;
    int64_t source = from[position];
    bool masked = !value->absent.empty() && value->absent[source];
    double sum = masked ? 0 : value->value[source];
    float size = masked ? 0 : m[source];
    if (accumulate) {
      sum += whole->value[offset];
      size += whole->magnitude[offset];
    }
    whole->value[offset] = sum;
    whole->magnitude[offset] = size;
  });
  cell = whole;
  return true;
}
