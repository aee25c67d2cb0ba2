//===- Shadow.cpp - What is known of each byte of shared memory -----------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Shadow.h"

using namespace tilewright::sim;

void Releases::meet(unsigned first, uint32_t mask, uint32_t time) {
  for (uint32_t rest = mask; rest; rest &= rest - 1)
    met[first + __builtin_ctz(rest)] = time;
}

void Releases::release(unsigned first, uint32_t mask, uint32_t time) {
  uint32_t latest = 0;
  for (uint32_t rest = mask; rest; rest &= rest - 1)
    latest = std::max(latest, met[first + __builtin_ctz(rest)]);
  std::unique_ptr<History> &history = warps[first / 32];
  if (!history)
    history = std::make_unique<History>();
  Event &event = history->events[history->next];
  history->next = (history->next + 1) % history->events.size();
  event.time = time;
  for (unsigned l = 0; l < 32; ++l) {
    unsigned t = first + l;
    uint32_t covered = mask >> l & 1 ? time : std::min(met[t], latest);
    released[t] = std::max(released[t], covered);
    event.covered[l] = released[t];
  }
}

bool Releases::covers(unsigned thread, uint32_t time, unsigned by,
                      uint32_t lastSync) const {
  if (thread == by ||
      (thread / 32 == by / 32 && std::min(met[thread], met[by]) > time))
    return true;
  if (released[thread] <= time)
    return false;
  // Backwards from the last one; each covers what those before it did.
  const History &history = *warps[thread / 32];
  unsigned size = history.events.size();
  for (unsigned i = 1; i <= size; ++i) {
    const Event &event = history.events[(history.next + size - i) % size];
    if (event.time <= lastSync)
      return event.covered[thread % 32] > time;
  }
  return true;
}

bool Releases::warpCovers(unsigned first, uint32_t time, unsigned by,
                          uint32_t lastSync) const {
  for (unsigned l = 0; l < 32; ++l)
    if (covers(first + l, time, by, lastSync))
      return true;
  return false;
}

std::optional<Conflict> Shadow::genericRead(uint32_t address, uint32_t size,
                                            unsigned thread, uint32_t time) {
  for (uint32_t a = address, e = address + size; a < e; ++a) {
    reader[a] = thread;
    read[a] = time;
  }
  for (uint32_t a = address, e = address + size; a < e; ++a) {
    if (flags[a] == Initialised)
      continue;
    if (flags[a] & Barrier)
      return Conflict{Hazard::BarrierMisuse, a};
    if (flags[a] & AsyncWriting)
      return Conflict{Hazard::ReadBeforeArrival, a};
    return Conflict{Hazard::UninitialisedShared, a};
  }
  return std::nullopt;
}

std::optional<Conflict> Shadow::genericWrite(uint32_t address, uint32_t size,
                                             unsigned thread, uint32_t time) {
  std::optional<Conflict> conflict;
  for (uint32_t a = address, e = address + size; a < e; ++a) {
    if (!conflict && (flags[a] & Barrier))
      conflict = {Hazard::BarrierMisuse, a};
    if (!conflict && readers[a])
      conflict = {Hazard::OverwrittenWhileRead, a};
    if (!conflict && (flags[a] & AsyncWriting))
      conflict = {Hazard::ReadBeforeArrival, a};
    flags[a] |= Initialised;
    writer[a] = thread;
    written[a] = time;
  }
  return conflict;
}

std::optional<Conflict> Shadow::asyncReadBegin(llvm::ArrayRef<ByteRange> ranges,
                                               const ProxyFences &fences,
                                               bool checkInit) {
  std::optional<Conflict> conflict;
  for (ByteRange range : ranges)
    for (uint32_t a = range.begin, e = range.end(); a < e; ++a) {
      ++readers[a];
      if (conflict)
        continue;
      if (flags[a] & AsyncWriting)
        conflict = {Hazard::ReadBeforeArrival, a};
      else if (written[a] && !fences.covers(writer[a], written[a]))
        conflict = {Hazard::MissingProxyFence, a};
      else if (checkInit && !(flags[a] & Initialised))
        conflict = {Hazard::UninitialisedShared, a};
    }
  return conflict;
}

void Shadow::asyncReadEnd(llvm::ArrayRef<ByteRange> ranges) {
  for (ByteRange range : ranges)
    for (uint32_t a = range.begin, e = range.end(); a < e; ++a)
      --readers[a];
}

std::optional<Conflict>
Shadow::uninitialised(llvm::ArrayRef<ByteRange> ranges) const {
  for (ByteRange range : ranges)
    for (uint32_t a = range.begin, e = range.end(); a < e; ++a)
      if (!(flags[a] & Initialised))
        return Conflict{Hazard::UninitialisedShared, a};
  return std::nullopt;
}

std::optional<Conflict> Shadow::unreleased(ByteRange range,
                                           const Releases &releases,
                                           unsigned by,
                                           uint32_t lastSync) const {
  for (uint32_t a = range.begin, e = range.end(); a < e; ++a)
    if (read[a] && !releases.covers(reader[a], read[a], by, lastSync))
      return Conflict{Hazard::UnreleasedRead, a};
  return std::nullopt;
}

std::optional<Conflict> Shadow::asyncWriteBegin(ByteRange range,
                                                const ProxyFences *fences) {
  std::optional<Conflict> conflict;
  for (uint32_t a = range.begin, e = range.end(); a < e; ++a) {
    if (!conflict) {
      if (flags[a] & Barrier)
        conflict = {Hazard::BarrierMisuse, a};
      else if (readers[a])
        conflict = {Hazard::OverwrittenWhileRead, a};
      else if (flags[a] & AsyncWriting)
        conflict = {Hazard::ReadBeforeArrival, a};
      else if (fences && written[a] && !fences->covers(writer[a], written[a]))
        conflict = {Hazard::MissingProxyFence, a};
    }
    flags[a] |= AsyncWriting;
    written[a] = read[a] = 0;
  }
  return conflict;
}

void Shadow::asyncWriteEnd(ByteRange range, llvm::ArrayRef<ByteRange> touched) {
  for (uint32_t a = range.begin, e = range.end(); a < e; ++a)
    flags[a] &= ~AsyncWriting;
  for (ByteRange part : touched)
    for (uint32_t a = part.begin, e = part.end(); a < e; ++a)
      flags[a] |= Initialised;
}

void Shadow::setBarrier(uint32_t address, bool isBarrier) {
  for (uint32_t a = address; a < address + 8; ++a)
    flags[a] = isBarrier ? Barrier : 0;
}
