//===- Timeline.h - Records what a CTA does -------------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TILEWRIGHT_SIM_TIMELINE_H
#define TILEWRIGHT_SIM_TIMELINE_H

#include "tilewright/Sim/Program.h"
#include "tilewright/Sim/Trace.h"
#include <map>
#include <optional>

namespace tilewright::sim {

struct AsyncOp;
struct Cta;
struct MBarrier;
class Names;
class Warp;

/// Records the timeline of one CTA: its warps' waits, the states of slots that
/// have named barriers, copies, and groups of wgmma. Times are the machine's.
class Timeline {
public:
  Timeline(const Cta &cta, uint64_t maxEvents);

  /// A warp executes `inst`; it was blocked or is at its begin if it has not
  /// executed since `blocked`.
  void executed(const Warp &warp, const Inst &inst);
  /// All paths of a warp are blocked, or it has finished.
  void blocked(const Warp &warp);
  /// A thread has waited for a phase of the barrier at `address`.
  void passed(uint32_t address);
  /// A phase of the barrier at `address` is over.
  void completed(uint32_t address);
  /// A copy into or from this CTA's shared memory is over; `note` says why it
  /// ends where it was not completed.
  void copied(const AsyncOp &op, const char *note = "");
  /// `count` wgmma of a group of the warpgroup, from `begin` on.
  void multiplied(unsigned group, const Inst &first, uint64_t begin,
                  unsigned count);
  /// The cluster has ended: closes what is open.
  CtaTrace finish();

private:
  struct WarpState {
    uint64_t since = 0;
    bool isRunning = false, isDone = false;
    const Inst *first = nullptr, *last = nullptr;
    /// Instructions by source line, of the one that stands for the line.
    std::map<std::pair<unsigned, unsigned>, std::pair<uint64_t, const Inst *>>
        lines;
    std::string waitsFor, waitsAt;
  };
  enum class SlotState : uint8_t { Free, Filling, Full, Read };
  struct SlotTrack {
    unsigned track = 0;
    SlotState state = SlotState::Free;
    uint64_t since = 0;
  };

  uint64_t now() const;
  const Names &names() const;
  void add(TraceEvent event);
  void endRun(WarpState &state, unsigned warp);
  void endWait(WarpState &state, unsigned warp);
  void change(SlotTrack &slot, SlotState state);
  SlotTrack *slotOf(uint32_t address, bool &isFull);

  const Cta &cta;
  uint64_t maxEvents;
  CtaTrace trace;
  std::vector<WarpState> warps;
  std::map<std::pair<std::string, unsigned>, SlotTrack> slots;
  unsigned copyTrack = 0, firstGroupTrack = 0;
};

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TIMELINE_H
