//===- Trace.h - The timeline of a simulated launch -----------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times are the simulator's steps: warp instructions of the CTA's cluster,
// counted from the cluster's begin. They order what happened, and say nothing
// of how long it takes on a GPU.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_SIM_TRACE_H
#define TILEWRIGHT_SIM_TRACE_H

#include <cstdint>
#include <string>
#include <vector>

namespace llvm {
class raw_ostream;
class StringRef;
} // namespace llvm

namespace tilewright::sim {

/// How much of a launch is recorded: its first CTAs, in whole clusters, and the
/// first events of each.
struct TraceLimits {
  unsigned ctas = 0; ///< 0: no timeline.
  uint64_t events = 20000;
};

/// Something that lasted from one step to another.
struct TraceEvent {
  unsigned track = 0;
  uint64_t begin = 0, end = 0;
  std::string name;
  std::string where; ///< Source line, or "".
  std::string note;  ///< More words, or "".
};

struct TraceTrack {
  std::string name;
  /// Events of the track may overlap each other without being nested.
  bool overlaps = false;
};

struct CtaTrace {
  unsigned cta = 0;
  std::string name; ///< "CTA 1 (rank 1 of its cluster)".
  std::vector<TraceTrack> tracks;
  std::vector<TraceEvent> events; ///< In the order of their ends.
  bool isCut = false;             ///< Later events were left out.
};

struct Trace {
  std::vector<CtaTrace> ctas;
  uint64_t allCtas = 0; ///< That began.

  /// What was left out, as a line for a person, or "".
  std::string cuts() const;
};

/// Writes Chrome's JSON trace events, which ui.perfetto.dev opens: a process
/// for each CTA, a thread for each track. A step is shown as a microsecond.
void writeTrace(const Trace &trace, llvm::StringRef title,
                llvm::raw_ostream &os);

} // namespace tilewright::sim

#endif // TILEWRIGHT_SIM_TRACE_H
