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
  c.launch = 2.08;
  c.firstLoad = 0.9536;
  c.tensor = 1.277;
  c.shared = 0.8696;
  c.lane = 0.5196;
  c.scale = 10.64;
  c.select = 13.78;
  c.slot = 85.36;
  c.clusterSlot = 15.51;
  c.wave = 77.3;
  c.hidden = 0.01128;
  c.memoryHidden = 0.2122;
  c.hbm = 3937.0;
  c.copy = 0.07494;
  c.l2 = 14630.0;
  c.smLoad = 196.0;
  c.outside = 0.0219;
  c.loadLatency = 1203.0;
  c.tile = 0.1616;
  c.store = 0.01615;
  c.chunk = 284.9;
  c.cluster = 0.03877;
  c.exchange = 1.056;
  c.cached = 27.16;
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
