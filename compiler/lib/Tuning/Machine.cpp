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
  return {FIELD(launch),  FIELD(firstLoad),    FIELD(tensor),
          FIELD(shared),  FIELD(fill),         FIELD(reads),
          FIELD(lane),    FIELD(scale),        FIELD(select),
          FIELD(slot),    FIELD(clusterSlot),  FIELD(wave),
          FIELD(hidden),  FIELD(memoryHidden), FIELD(hbm),
          FIELD(copy),    FIELD(l2),           FIELD(miss),
          FIELD(smLoad),  FIELD(outside),      FIELD(loadLatency),
          FIELD(tile),    FIELD(store),        FIELD(chunk),
          FIELD(cluster), FIELD(exchange),     FIELD(part),
          FIELD(cached)};
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
  c.launch = 2.06;
  c.firstLoad = 0.6767;
  c.tensor = 1.104;
  c.shared = 0.6545;
  c.fill = 0.1812;
  c.reads = 0.7595;
  c.lane = 0.501;
  c.scale = 10.64;
  c.select = 17.39;
  c.slot = 87.69;
  c.clusterSlot = 32.33;
  c.wave = 53.21;
  c.hidden = 0.05516;
  c.memoryHidden = 0.2823;
  c.hbm = 3997.0;
  c.copy = 0.112;
  c.l2 = 1.358e+04;
  c.miss = 0.133;
  c.smLoad = 186.6;
  c.outside = 0.01464;
  c.loadLatency = 1307.0;
  c.tile = 0.003936;
  c.store = 0.0284;
  c.chunk = 281.7;
  c.cluster = 0.1181;
  c.exchange = 0.2818;
  c.part = 0.168;
  c.cached = 59.27;
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
