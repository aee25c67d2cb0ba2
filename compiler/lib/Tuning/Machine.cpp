//===- Machine.cpp - the chips, and the fitted coefficients ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// SMs, clock, cache: NVIDIA's data sheets of H100 SXM and H200, and the CUDA
// programming guide's tables for compute capability 9.0. Resident clusters of
// 4 and 8 follow from measured times (docs/rationale/cost-model.md).
//
//===----------------------------------------------------------------------===//

#include "tilewright/Tuning/Machine.h"

using namespace llvm;
using namespace tilewright::tuning;

SmallVector<std::pair<StringRef, double Coefficients::*>, 24>
tilewright::tuning::coefficientFields() {
#define FIELD(name)                                                            \
  {                                                                            \
    #name, &Coefficients::name                                                 \
  }
  return {FIELD(launch),  FIELD(firstLoad), FIELD(tensor),
          FIELD(shared),  FIELD(lane),      FIELD(scale),
          FIELD(select),  FIELD(slot),      FIELD(clusterSlot),
          FIELD(wave),    FIELD(hidden),    FIELD(memoryHidden),
          FIELD(hbm),     FIELD(copy),      FIELD(l2),
          FIELD(smLoad),  FIELD(outside),   FIELD(loadLatency),
          FIELD(tile),    FIELD(store),     FIELD(chunk),
          FIELD(cluster), FIELD(exchange),  FIELD(cached)};
#undef FIELD
}

int64_t Machine::residentCTAs(int64_t size) const {
  if (size <= 1)
    return sms;
  if (size == 2)
    return 2 * residentClusters2;
  if (size <= 4)
    return size * residentClusters4;
  return size * residentClusters8;
}

/// Fitted by bench/fit_cost_model.py to the measurements on an H200 in
/// docs/measurements/2026-11-29-h200.
static Coefficients fittedOnH200() {
  Coefficients c;
  c.launch = 2.17;
  c.firstLoad = 0.8186;
  c.tensor = 1.255;
  c.shared = 0.7976;
  c.lane = 0.5;
  c.scale = 12.51;
  c.select = 13.14;
  c.slot = 115.7;
  c.clusterSlot = 40.82;
  c.wave = 42.63;
  c.hidden = 0.0172;
  c.memoryHidden = 0.2492;
  c.hbm = 3788;
  c.copy = 0.04055;
  c.l2 = 19010;
  c.smLoad = 236.3;
  c.outside = 0.02542;
  c.loadLatency = 824.5;
  c.tile = 0.1558;
  c.store = 0.001942;
  c.chunk = 328.4;
  c.cluster = 0.009878;
  c.exchange = 1; // Not measured: a round trip between the CTAs of a cluster.
  c.cached = 14.68;
  return c;
}

ArrayRef<Machine> tilewright::tuning::machines() {
  static const Machine *chips = [] {
    auto *list = new Machine[2];
    list[0].name = "h200";
    list[0].fitted = fittedOnH200();
    // The same processor; only the memory is slower: 3.35 TB/s against 4.8.
    list[1] = list[0];
    list[1].name = "h100";
    list[1].fitted.hbm *= 3.35 / 4.8;
    return list;
  }();
  return ArrayRef(chips, 2);
}

const Machine *tilewright::tuning::findMachine(StringRef name) {
  std::string lower = name.lower();
  for (const Machine &machine : machines())
    if (StringRef(lower).contains(machine.name))
      return &machine;
  return nullptr;
}

const Machine &tilewright::tuning::defaultMachine() {
  return machines().front();
}
