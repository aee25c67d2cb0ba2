//===- Trace.cpp - A timeline as JSON trace events ------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tilewright/Sim/Trace.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace tilewright::sim;
using llvm::json::OStream;

std::string Trace::cuts() const {
  std::string text;
  if (ctas.size() < allCtas)
    text = llvm::formatv("{0} of {1} CTAs", ctas.size(), allCtas);
  unsigned cut =
      llvm::count_if(ctas, [](const CtaTrace &c) { return c.isCut; });
  if (cut)
    text += llvm::formatv("{0}only the first events of {1} CTA{2}",
                          text.empty() ? "" : "; ", cut, cut == 1 ? "" : "s");
  return text;
}

namespace {

class Writer {
public:
  explicit Writer(OStream &json) : json(json) {}
  void cta(const CtaTrace &trace);

private:
  /// The fields that all trace events have.
  void common(const char *phase, unsigned track) {
    json.attribute("ph", phase);
    json.attribute("pid", process);
    json.attribute("tid", thread(track));
  }
  /// Viewers take the numbers of threads to be unique in a trace.
  int64_t thread(unsigned track) const {
    return int64_t(process) * 1000 + track;
  }
  void metadata(const char *name, unsigned track, const char *key,
                llvm::json::Value value) {
    json.object([&] {
      json.attribute("name", name);
      common("M", track);
      json.attributeObject("args", [&] { json.attribute(key, value); });
    });
  }
  void begin(const TraceEvent &event, const char *phase) {
    json.attribute("name", event.name);
    json.attribute("ts", int64_t(event.begin));
    common(phase, event.track);
    if (!event.where.empty() || !event.note.empty())
      json.attributeObject("args", [&] {
        if (!event.where.empty())
          json.attribute("where", event.where);
        if (!event.note.empty())
          json.attribute("note", event.note);
      });
  }
  /// Slices of a thread, one after the other.
  void slice(const TraceEvent &event) {
    json.object([&] { begin(event, "B"); });
    json.object([&] {
      json.attribute("ts", int64_t(event.end));
      common("E", event.track);
    });
  }
  /// Slices that may overlap: each has an identity.
  void overlapping(const TraceEvent &event, llvm::StringRef category) {
    ++identity;
    json.object([&] {
      json.attribute("cat", category);
      json.attribute("id", identity);
      begin(event, "b");
    });
    json.object([&] {
      json.attribute("cat", category);
      json.attribute("id", identity);
      json.attribute("name", event.name);
      json.attribute("ts", int64_t(event.end));
      common("e", event.track);
    });
  }

  OStream &json;
  unsigned process = 0;
  int64_t identity = 0;
};

void Writer::cta(const CtaTrace &trace) {
  // Process 0 is the idle one to viewers.
  process = trace.cta + 1;
  metadata("process_name", 0, "name", trace.name);
  metadata("process_sort_index", 0, "sort_index", int64_t(trace.cta));
  for (auto [i, track] : llvm::enumerate(trace.tracks)) {
    metadata("thread_name", i, "name", track.name);
    metadata("thread_sort_index", i, "sort_index", int64_t(i));
  }
  // In the order of time, as viewers want the slices of a thread.
  std::vector<const TraceEvent *> events;
  for (const TraceEvent &event : trace.events)
    events.push_back(&event);
  // Addresses are the order in which events ended.
  llvm::sort(events, [](const TraceEvent *a, const TraceEvent *b) {
    return std::tie(a->track, a->begin, a) < std::tie(b->track, b->begin, b);
  });
  for (const TraceEvent *event : events) {
    const TraceTrack &track = trace.tracks[event->track];
    if (track.overlaps)
      overlapping(*event, track.name);
    else
      slice(*event);
  }
}

} // namespace

void tilewright::sim::writeTrace(const Trace &trace, llvm::StringRef title,
                                 llvm::raw_ostream &os) {
  OStream json(os);
  json.object([&] {
    json.attributeObject("otherData", [&] {
      json.attribute("title", title);
      json.attribute("time", "1 us is one step of the simulator: a warp "
                             "instruction of the CTA's cluster");
      if (std::string cuts = trace.cuts(); !cuts.empty())
        json.attribute("cut", cuts);
    });
    json.attributeArray("traceEvents", [&] {
      Writer writer(json);
      for (const CtaTrace &cta : trace.ctas)
        writer.cta(cta);
    });
  });
  os << "\n";
}
