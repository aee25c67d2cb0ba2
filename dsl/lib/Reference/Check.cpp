//===- Check.cpp - comparing outputs with the reference -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Machine.h"
#include "tilewright/DSL/Reference.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <cstring>

using namespace llvm;
using namespace tilewright;
using namespace tilewright::reference;

double reference::unitRoundoff(runtime::DType type) {
  if (!runtime::isFloat(type))
    return 0;
  if (type == runtime::DType::E8M0) // A power of two: one step is a factor 2.
    return 1;
  std::optional<Elem> elem = elemFromName(runtime::name(type));
  return elem ? std::ldexp(1.0, -int(mantissaBits(*elem)) - 1) : 0;
}

/// `D[3, 5]`
static std::string elementName(const runtime::HostTensor &tensor,
                               int64_t position) {
  SmallVector<int64_t, 5> index(tensor.shape().size());
  for (size_t d = index.size(); d-- > 0;) {
    index[d] = position % tensor.shape()[d];
    position /= tensor.shape()[d];
  }
  std::string text = tensor.name() + "[";
  for (size_t d = 0; d < index.size(); ++d)
    text += (d ? ", " : "") + std::to_string(index[d]);
  return text + "]";
}

CheckReport reference::check(const runtime::HostTensor &before,
                             const runtime::HostTensor &after,
                             const OutputValues &expected, bool initialised,
                             bool coverage) {
  CheckReport report;
  report.tensor = after.name();
  report.elements = after.elements();
  runtime::DType type = after.dtype();
  double unit = unitRoundoff(type);
  // The bound of a whole tensor: 3e-3 for what is kept in 16 bits or more, and
  // the format's own rounding for narrower types.
  report.limit = std::max(3e-3, runtime::bits(type) < 16 ? unit : 0);
  unsigned width = runtime::bits(type);
  double difference = 0, norm = 0;
  bool anyInfinite = false;
  // Is this element still what it was before the launch?
  auto unchanged = [&](int64_t at) {
    if (width < 8) {
      unsigned shift = at % 2 * 4;
      return ((before.bytes()[at / 2] ^ after.bytes()[at / 2]) >> shift & 15) ==
             0;
    }
    return std::memcmp(before.bytes().data() + at * (width / 8),
                       after.bytes().data() + at * (width / 8), width / 8) == 0;
  };
  // Poison is NaN in floats with a NaN; elsewhere it may be a result.
  bool poisonShows = runtime::isFloat(type) && width >= 8 && !initialised;
  after.forEach([&](int64_t position, int64_t at) {
    OutputValues::State state = expected.state(position);
    if (state == OutputValues::Untouched) {
      if (!coverage)
        return;
      ++report.untouched;
      if (!unchanged(at) && report.stray++ == 0)
        report.firstStray = elementName(after, position);
      return;
    }
    if (poisonShows && unchanged(at)) {
      if (report.missing++ == 0)
        report.firstMissing = elementName(after, position);
      return;
    }
    if (state == OutputValues::Written) {
      ++report.written;
      return;
    }
    ++report.compared;
    double out = after.getAt(at), ref = expected.value(position);
    float magnitude = expected.magnitude(position);
    double bound =
        magnitude == OutputValues::exact
            ? 0
            : unit * std::fabs(ref) + magnitudeScale * double(magnitude);
    double error = std::fabs(out - ref);
    // Both infinite, or both NaN: the same result.
    if (out == ref || (std::isnan(out) && std::isnan(ref)))
      error = 0;
    else if (std::isinf(ref) || std::isnan(ref))
      error = std::numeric_limits<double>::infinity();
    if (std::isfinite(ref)) {
      if (std::isfinite(error))
        difference += error * error;
      else
        anyInfinite = true;
      norm += ref * ref;
    }
    if (!(error <= bound))
      ++report.outOfBound;
    double ratio = bound > 0 ? error / bound : error > 0 ? INFINITY : 0;
    if (std::isnan(ratio))
      ratio = INFINITY;
    if (ratio > report.worst || report.worstElement.empty()) {
      report.worst = ratio;
      report.worstElement = elementName(after, position);
      report.worstOut = out;
      report.worstRef = ref;
      report.worstBound = bound;
    }
  });
  report.relative = anyInfinite ? INFINITY
                    : norm == 0 ? (difference == 0 ? 0 : INFINITY)
                                : std::sqrt(difference / norm);
  return report;
}

std::string CheckReport::failure() const {
  if (outOfBound)
    return formatv("{0}: {1} of {2} elements beyond their bound; the worst is "
                   "{3} = {4} where the reference has {5} (bound {6})",
                   tensor, outOfBound, compared, worstElement, worstOut,
                   worstRef, worstBound)
        .str();
  if (missing)
    return formatv("{0}: {1} elements were not written, the first is {2}",
                   tensor, missing, firstMissing)
        .str();
  if (stray)
    return formatv("{0}: {1} elements were written that must not be, the "
                   "first is {2}",
                   tensor, stray, firstStray)
        .str();
  if (!(relative <= limit))
    return formatv("{0}: ‖out − ref‖/‖ref‖ is {1:e2}, above {2:e2}", tensor,
                   relative, limit)
        .str();
  return "";
}
