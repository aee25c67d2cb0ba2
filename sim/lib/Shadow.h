//===- Shadow.h - What is known of each byte of shared memory -------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_SHADOW_H
#define TILEWRIGHT_SIM_SHADOW_H

#include "tilewright/Sim/Ranges.h"
#include "tilewright/Sim/Report.h"
#include "llvm/ADT/ArrayRef.h"
#include <array>
#include <memory>
#include <optional>
#include <vector>

namespace tilewright::sim {

/// Which generic writes are visible to the async proxy (PTX ISA, "Proxies" and
/// membar/fence.proxy.async). A fence by a thread covers its own earlier
/// writes, and the writes of others that came before the fencing warp's last
/// synchronisation. The second half is generous: it takes a synchronisation to
/// order everything before it, so a missing fence can go unreported there, but
/// no correct program is reported.
class ProxyFences {
public:
  explicit ProxyFences(unsigned threads) : own(threads) {}
  void fence(unsigned thread, uint32_t time, uint32_t lastSync) {
    own[thread] = time;
    cover = std::max(cover, lastSync);
  }
  bool covers(unsigned writer, uint32_t time) const {
    return own[writer] > time || cover > time;
  }

private:
  std::vector<uint32_t> own;
  uint32_t cover = 0;
};

/// Which accesses of a thread others can know to be over. A thread's release
/// (an arrival at a barrier, a fence, an atomic) covers its own accesses before
/// it, and those of other lanes of its warp before the last bar.warp.sync of
/// both (PTX ISA, bar.warp.sync: it orders memory among the lanes; shfl, vote,
/// elect and .aligned do not). Others know of it from their next
/// synchronisation on; which one that has to be is not told, so no correct
/// program is reported.
class Releases {
public:
  explicit Releases(unsigned threads)
      : released(threads), met(threads), warps(threads / 32) {}
  /// Lanes `mask` of the warp of thread `first` meet.
  void meet(unsigned first, uint32_t mask, uint32_t time);
  /// They release, each for itself.
  void release(unsigned first, uint32_t mask, uint32_t time);
  /// Whether thread `by`, which has last synchronised at `lastSync`, can know
  /// that an access of `thread` is over.
  bool covers(unsigned thread, uint32_t time, unsigned by,
              uint32_t lastSync) const;
  /// Whether any thread of the warp of thread `first` has released so.
  bool warpCovers(unsigned first, uint32_t time, unsigned by,
                  uint32_t lastSync) const;

private:
  /// What was released at `time`: of each lane, all before.
  struct Event {
    uint32_t time = 0;
    std::array<uint32_t, 32> covered = {};
  };
  /// The last releases of a warp, as many as come between two
  /// synchronisations of others: what went before counts as known.
  struct History {
    std::array<Event, 32> events;
    unsigned next = 0;
  };
  std::vector<uint32_t> released, met;
  std::vector<std::unique_ptr<History>> warps;
};

/// A byte that must not be accessed so.
struct Conflict {
  Hazard hazard;
  uint32_t address;
};

/// Shadow bytes of one CTA's shared memory. Times are the machine's count of
/// warp instructions; `writer` is a thread of the cluster.
class Shadow {
public:
  explicit Shadow(uint32_t size)
      : flags(size), readers(size), writer(size), reader(size), written(size),
        read(size) {}

  std::optional<Conflict> genericRead(uint32_t address, uint32_t size,
                                      unsigned thread, uint32_t time);
  std::optional<Conflict> genericWrite(uint32_t address, uint32_t size,
                                       unsigned thread, uint32_t time);
  /// A bulk copy or a tensor core begins to read; `checkInit` where all of the
  /// ranges are known to be read.
  std::optional<Conflict> asyncReadBegin(llvm::ArrayRef<ByteRange> ranges,
                                         const ProxyFences &fences,
                                         bool checkInit);
  void asyncReadEnd(llvm::ArrayRef<ByteRange> ranges);
  std::optional<Conflict> uninitialised(llvm::ArrayRef<ByteRange> ranges) const;
  /// Without `fences` the writer is one of the generic proxy (st.async).
  std::optional<Conflict> asyncWriteBegin(ByteRange range,
                                          const ProxyFences *fences);
  /// A byte of a range that is to be overwritten by what thread `by` does,
  /// which has last synchronised at `lastSync`, and whose last reader has not
  /// released it by then.
  std::optional<Conflict> unreleased(ByteRange range, const Releases &releases,
                                     unsigned by, uint32_t lastSync) const;
  /// `range` as at the begin, `touched` the bytes that were really written.
  void asyncWriteEnd(ByteRange range, llvm::ArrayRef<ByteRange> touched);
  /// The thread of the cluster that wrote a byte last, of those not written by
  /// a copy since.
  unsigned lastWriter(uint32_t address) const { return writer[address]; }
  unsigned lastReader(uint32_t address) const { return reader[address]; }
  /// Marks the 8 bytes of an mbarrier, or frees them.
  void setBarrier(uint32_t address, bool isBarrier);

private:
  enum Flag : uint8_t { Initialised = 1, AsyncWriting = 2, Barrier = 4 };
  std::vector<uint8_t> flags;
  std::vector<uint16_t> readers;
  std::vector<uint16_t> writer, reader;
  std::vector<uint32_t> written; ///< Time of a generic write; 0: none.
  std::vector<uint32_t> read;    ///< Of the last generic read; 0: none.
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_SHADOW_H
