//===- Memory.cpp - reading and writing tensors ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Access.h"
#include "Machine.h"
#include "llvm/Support/Casting.h"
#include <cmath>
#include <cstring>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::reference;

TensorState *Process::tensor(const Tensor *tensor, SMLoc loc) {
  auto it = machine.tensors.find(tensor);
  if (it != machine.tensors.end())
    return &it->second;
  auto view = views.find(tensor);
  if (view == views.end() &&
      (!bindView(tensor) || (view = views.find(tensor)) == views.end())) {
    fail(loc, "'" + tensor->name + "' is not bound");
    return nullptr;
  }
  return &view->second;
}

bool Process::bindView(const Tensor *view) {
  if (!view->isView())
    return false;
  TensorState *base = tensor(view->base, view->loc);
  if (!base)
    return false;
  if (base->output)
    return unsupported(view->loc, "a view of a tensor that the kernel writes");
  TensorState state = *base;
  std::optional<runtime::DType> type = reference::storageType(view->elem);
  if (!type || runtime::bits(*type) < 8)
    return unsupported(view->loc, "a view as " + spelling(view->elem));
  state.type = *type;
  state.shape.clear();
  state.strides.clear();
  for (const Expr *extent : view->shape) {
    int64_t value;
    if (!integer(extent, value))
      return false;
    state.shape.push_back(value);
  }
  if (view->offset) {
    int64_t offset;
    if (!integer(view->offset, offset))
      return false;
    state.byteOffset += offset;
  }
  if (view->strides.empty())
    state.strides = runtime::contiguousStrides(state.shape);
  for (const Expr *stride : view->strides) {
    int64_t value;
    if (!integer(stride, value))
      return false;
    state.strides.push_back(value);
  }
  views[view] = state;
  return true;
}

/// The values of all codes of a type of 8 or 16 bits.
static const std::vector<double> &decodeTable(runtime::DType type) {
  static std::mutex mutex;
  static std::map<runtime::DType, std::vector<double>> tables;
  std::lock_guard<std::mutex> lock(mutex);
  std::vector<double> &table = tables[type];
  if (table.empty()) {
    table.resize(size_t(1) << runtime::bits(type));
    for (size_t code = 0; code < table.size(); ++code)
      table[code] = runtime::decode(type, code);
  }
  return table;
}

TilePtr Process::readOutput(const TensorRead &read, TensorState &state,
                            Frame frame) {
  auto rows = runtime::contiguousStrides(state.shape);
  Access where;
  if (!access(read.subs, state.shape, rows, frame, where))
    return nullptr;
  TilePtr out = makeTile(frame);
  out->magnitude.resize(out->value.size());
  bool unknown = false;
  walk(frame, where, [&](int64_t position, int64_t offset) {
    if (offset < 0) {
      if (out->absent.empty())
        out->absent.assign(out->value.size(), 0);
      out->absent[position] |= Tile::Outside;
      return;
    }
    switch (state.output->state(offset)) {
    case OutputValues::Evaluated:
      out->value[position] = state.output->value(offset);
      out->magnitude[position] =
          std::max(state.output->magnitude(offset),
                   static_cast<float>(std::fabs(out->value[position])));
      return;
    case OutputValues::Written:
      unknown = true;
      return;
    case OutputValues::Untouched:
      break;
    }
    SmallVector<int64_t, 5> index(rows.size());
    int64_t rest = offset;
    for (size_t d = 0; d < rows.size(); ++d) {
      index[d] = rest / rows[d];
      rest %= rows[d];
    }
    out->value[position] = state.host->get(index);
    out->magnitude[position] =
        static_cast<float>(std::fabs(out->value[position]));
  });
  if (unknown)
    return noTile(read.loc, "a sample cannot follow values that the kernel "
                            "writes and reads; use --check=full");
  out->exact = false;
  return out;
}

TilePtr Process::read(const TensorRead &read) {
  TensorState *state = tensor(read.tensor, read.loc);
  Frame frame;
  if (!state || !checkRank(read.rank) || !frameOf(read.type, frame))
    return nullptr;
  Elem elem = read.tensor->elem;
  if (machine.dry && isFloat(elem)) {
    if (!clip(read.subs, state->shape, frame))
      return nullptr;
    addWork(4.0 * elementCount(frame));
    return makeHollow(frame);
  }
  if (state->output && !machine.dry)
    return readOutput(read, *state, frame);
  Access where;
  if (!access(read.subs, state->shape, state->strides, frame, where))
    return nullptr;
  TilePtr out = makeTile(frame);
  const std::vector<uint8_t> &bytes = state->host->bytes();
  unsigned width = runtime::bits(state->type);
  const uint8_t *from = bytes.data() + state->byteOffset;
  int64_t limit = bytes.empty() || state->byteOffset < 0
                      ? 0
                      : (int64_t(bytes.size()) - state->byteOffset) * 8 / width;
  bool beyond = false;
  auto copy = [&](auto decode) {
    walk(frame, where, [&](int64_t position, int64_t offset) {
      if (offset >= 0 && offset < limit) {
        out->value[position] = decode(offset);
        return;
      }
      beyond |= offset >= 0;
      if (out->absent.empty())
        out->absent.assign(out->value.size(), 0);
      out->absent[position] |= Tile::Outside;
    });
  };
  runtime::DType type = state->type;
  if (width == 4) {
    copy([&](int64_t at) {
      return runtime::decode(type, (from[at / 2] >> (at % 2 * 4)) & 15);
    });
  } else if (width == 8) {
    const double *table = decodeTable(type).data();
    copy([&](int64_t at) { return table[from[at]]; });
  } else if (width == 16) {
    const double *table = decodeTable(type).data();
    copy([&](int64_t at) {
      uint16_t code;
      std::memcpy(&code, from + 2 * at, 2);
      return table[code];
    });
  } else if (type == runtime::DType::F32) {
    copy([&](int64_t at) {
      float value;
      std::memcpy(&value, from + 4 * at, 4);
      return static_cast<double>(value);
    });
  } else {
    copy([&](int64_t at) {
      uint64_t code = 0;
      std::memcpy(&code, from + at * (width / 8), width / 8);
      return runtime::decode(type, code);
    });
  }
  if (beyond)
    return noTile(read.loc, "'" + read.tensor->name +
                                "' reaches outside the memory of its tensor");
  return out;
}

TilePtr Process::readCounters(const CounterRead &read) {
  Frame frame;
  if (!checkRank(read.rank) || !frameOf(read.type, frame))
    return nullptr;
  SmallVector<int64_t, 4> shape;
  for (const Expr *dim : read.counter->dims) {
    int64_t extent;
    if (!integer(dim, extent))
      return nullptr;
    shape.push_back(extent);
  }
  auto strides = runtime::contiguousStrides(shape);
  Access where;
  if (!access(read.subs, shape, strides, frame, where))
    return nullptr;
  TilePtr out = makeTile(frame);
  const std::vector<int64_t> &cells = machine.counters[read.counter];
  bool outside = false;
  walk(frame, where, [&](int64_t position, int64_t offset) {
    outside |= offset < 0;
    // Cells that nobody has counted in yet are 0.
    if (offset >= 0 && offset < int64_t(cells.size()))
      out->value[position] = static_cast<double>(cells[offset]);
  });
  if (outside)
    return noTile(read.loc,
                  "counter '" + read.counter->name + "' has no such cell");
  return out;
}

/// Integers go to memory exactly; floats as the reference holds them.
static float storedMagnitude(const Tile &tile, int64_t at, bool sameType) {
  if (tile.exact)
    return sameType ? OutputValues::exact : 0;
  return tile.magnitude.empty() ? static_cast<float>(std::fabs(tile.value[at]))
                                : tile.magnitude[at];
}

bool Process::store(const TensorRead &dst, const Expr *src, bool accumulate) {
  TensorState *state = tensor(dst.tensor, dst.loc);
  Frame frame;
  // A rank for each element: a dimension with the one rank that there is.
  bool scatters = dst.rank && !dst.rank->type.isScalar();
  if (!state || (!scatters && !checkRank(dst.rank)) ||
      !frameOf(dst.type, frame))
    return false;
  if (!state->output)
    return unsupported(dst.loc, "a store to '" + dst.tensor->name +
                                    "', which is a view");
  // The last rounding belongs to the output's own bound.
  Elem elem = src->type.elem;
  auto *where = dyn_cast<WhereExpr>(src);
  auto *conversion = dyn_cast<ConvertExpr>(where ? where->value : src);
  bool stripped = conversion && conversion->type.elem == dst.tensor->elem &&
                  isFloat(conversion->operand->type.elem) &&
                  isFloat(conversion->type.elem) &&
                  bitWidth(conversion->type.elem) > 8;
  TilePtr value;
  if (stripped) {
    elem = conversion->operand->type.elem;
    if (where) {
      WhereExpr inner = *where;
      inner.value = conversion->operand;
      value = evaluate(&inner);
    } else {
      value = evaluate(conversion->operand);
    }
  } else {
    value = evaluate(src);
    if (value)
      value = convert(value, elem, dst.tensor->elem);
  }
  if (!value)
    return false;
  auto rows = runtime::contiguousStrides(state->shape);
  Access places;
  SmallVector<const Expr *, 5> subs(dst.subs);
  SmallVector<int64_t, 5> shape(state->shape), strides(rows);
  if (scatters) {
    subs.insert(subs.begin(), dst.rank);
    shape.insert(shape.begin(), 1);
    strides.insert(strides.begin(), 0);
  }
  if (!access(subs, shape, strides, frame, places))
    return false;
  for (const TileAxis &axis : value->axes)
    if (findAxis(frame, axis.name) < 0)
      return fail(dst.loc, "axis '" + axis.name +
                               "' of the value is not an axis of the "
                               "destination");
  value = expand(value, frame);
  if (machine.dry && value->unknownMask) {
    machine.coverageKnown = false;
    return true;
  }
  addWork(4.0 * elementCount(frame));
  // Elements of the value in the order of the frame.
  SmallVector<int64_t, 0> order;
  bool sameOrder = true;
  for (size_t d = 0; d < frame.size(); ++d)
    sameOrder &= frame[d].name == value->axes[d].name;
  if (!sameOrder) {
    order.resize(elementCount(frame));
    forEachRow<1>(frame, {value->stridesIn(frame)},
                  [&](int64_t position, int64_t n,
                      const std::array<int64_t, 1> &at,
                      const std::array<int64_t, 1> &step) {
                    for (int64_t i = 0; i < n; ++i)
                      order[position + i] = at[0] + i * step[0];
                  });
  }
  bool sameType = !stripped || elem == dst.tensor->elem;
  OutputValues &output = *state->output;
  const runtime::HostTensor &host = *state->host;
  walk(frame, places, [&](int64_t position, int64_t offset) {
    if (offset < 0)
      return;
    int64_t from = sameOrder ? position : order[position];
    if (!value->absent.empty() && (value->absent[from] & Tile::Masked))
      return;
    // Integers have their values in a dry run too: indices that a kernel
    // writes for itself are followed.
    if (value->hollow) {
      output.setWritten(offset);
      return;
    }
    double result = value->value[from];
    float magnitude = storedMagnitude(*value, from, sameType);
    if (accumulate) {
      double old;
      float oldMagnitude;
      if (output.state(offset) == OutputValues::Evaluated) {
        old = output.value(offset);
        oldMagnitude = output.magnitude(offset);
      } else {
        SmallVector<int64_t, 5> index(rows.size());
        int64_t rest = offset;
        for (size_t d = 0; d < rows.size(); ++d) {
          index[d] = rest / rows[d];
          rest %= rows[d];
        }
        old = host.get(index);
        oldMagnitude = static_cast<float>(std::fabs(old));
      }
      bool integers = !isFloat(dst.tensor->elem);
      if (integers && magnitude < 0)
        oldMagnitude = OutputValues::exact;
      else
        magnitude = std::max(magnitude, static_cast<float>(std::fabs(result))) +
                    std::max(oldMagnitude, 0.0f);
      if (integers && oldMagnitude < 0)
        magnitude = OutputValues::exact;
      result += old;
    }
    output.set(offset, result, magnitude);
  });
  return true;
}
