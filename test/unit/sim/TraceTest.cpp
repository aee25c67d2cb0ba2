//===- TraceTest.cpp - The timeline and its JSON --------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "RingProgram.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"
#include <map>
#include <set>

using namespace tilewright::sim;

namespace {

/// The trace of a launch, read back: slices by the name of their thread.
class ReadBack {
public:
  struct Slice {
    std::string name, where;
    int64_t begin, end;
  };

  explicit ReadBack(const Trace &trace) {
    std::string text;
    llvm::raw_string_ostream os(text);
    writeTrace(trace, "a title", os);
    auto parsed = llvm::json::parse(text);
    if (!parsed) {
      ADD_FAILURE() << llvm::toString(parsed.takeError());
      return;
    }
    root = *parsed->getAsObject();
    for (const auto &value : *root.getArray("traceEvents"))
      read(*value.getAsObject());
    for (auto &[thread, stack] : open)
      EXPECT_TRUE(stack.empty()) << "slices of " << thread << " do not end";
    EXPECT_TRUE(overlapping.empty());
  }

  /// The slices of thread `name`, in all processes.
  std::vector<Slice> operator[](const std::string &name) const {
    std::vector<Slice> all;
    for (auto &[thread, slices] : slices)
      if (names.at(thread) == name)
        all.insert(all.end(), slices.begin(), slices.end());
    return all;
  }

  llvm::json::Object root;
  std::map<int64_t, std::string> processes;
  std::map<int64_t, std::string> names; ///< Of threads.

private:
  void read(const llvm::json::Object &event) {
    std::string phase = event.getString("ph")->str();
    int64_t process = *event.getInteger("pid"),
            thread = *event.getInteger("tid");
    if (phase == "M") {
      std::string what = event.getString("name")->str();
      if (auto name = event.getObject("args")->getString("name"))
        (what == "process_name" ? processes[process] : names[thread]) =
            name->str();
      return;
    }
    // Who has slices has a name.
    EXPECT_TRUE(names.count(thread)) << thread;
    EXPECT_TRUE(processes.count(process)) << process;
    int64_t time = *event.getInteger("ts");
    if (phase == "B" || phase == "b") {
      Slice slice;
      slice.name = event.getString("name")->str();
      if (const auto *args = event.getObject("args"))
        slice.where = args->getString("where").value_or("").str();
      slice.begin = time;
      if (phase == "b") {
        EXPECT_TRUE(
            overlapping.try_emplace(*event.getInteger("id"), slice).second);
        return;
      }
      EXPECT_GE(time, last[thread]) << "slices of a thread are in order";
      last[thread] = time;
      open[thread].push_back(slice);
      EXPECT_EQ(open[thread].size(), 1u) << "slices of a thread do not overlap";
    } else if (phase == "E") {
      ASSERT_FALSE(open[thread].empty());
      Slice slice = open[thread].back();
      open[thread].pop_back();
      close(thread, slice, time);
      last[thread] = time;
    } else {
      ASSERT_EQ(phase, "e");
      auto it = overlapping.find(*event.getInteger("id"));
      ASSERT_NE(it, overlapping.end());
      close(thread, it->second, time);
      overlapping.erase(it);
    }
  }
  void close(int64_t thread, Slice slice, int64_t time) {
    EXPECT_LE(slice.begin, time) << slice.name;
    slice.end = time;
    slices[thread].push_back(slice);
  }

  std::map<int64_t, std::vector<Slice>> slices, open;
  std::map<int64_t, Slice> overlapping; ///< By identity.
  std::map<int64_t, int64_t> last;
};

Trace record(RingProgram &program, unsigned ctas = 4, uint64_t events = 20000) {
  Options options;
  options.trace.ctas = ctas;
  options.trace.events = events;
  return program.run(options).trace;
}

std::vector<std::string> namesOf(const std::vector<ReadBack::Slice> &slices) {
  std::vector<std::string> names;
  for (const auto &slice : slices)
    names.push_back(slice.name);
  return names;
}

TEST(Trace, IsEmptyUnlessAskedFor) {
  RingProgram program(3, 3);
  EXPECT_TRUE(program.run().trace.ctas.empty());
}

TEST(Trace, RolesSlotsAndCopies) {
  RingProgram program(3, 3);
  Trace trace = record(program);
  EXPECT_EQ(trace.cuts(), "");
  ReadBack read(trace);
  EXPECT_EQ(read.root.getObject("otherData")->getString("title"), "a title");
  EXPECT_EQ(read.processes.size(), 1u);
  EXPECT_EQ(read.processes.begin()->second, "CTA 0");

  // A slot goes round: its states in order.
  std::vector<std::string> round = {"free", "filling", "full", "being read"};
  std::vector<std::string> states = namesOf(read["slot 1 of pipe p"]);
  ASSERT_GE(states.size(), 3u);
  for (size_t i = 1; i < states.size(); ++i) {
    // Slices without length are left out, so a state may be skipped.
    auto at = [&](const std::string &state) {
      return std::find(round.begin(), round.end(), state) - round.begin();
    };
    EXPECT_LT(at(states[i]), 4) << states[i];
    EXPECT_NE(states[i], states[i - 1]);
  }
  EXPECT_EQ(states.front(), "free");

  std::vector<ReadBack::Slice> copies = read["bulk copies"];
  ASSERT_EQ(copies.size(), 3u);
  EXPECT_EQ(copies[0].name, "load to field x of slot 0 of pipe p");
  EXPECT_EQ(copies[0].where, "ring.tw:20:7");
  EXPECT_EQ(copies[1].name, "load to field x of slot 1 of pipe p");

  // A warp runs, waits, runs, …, without gaps longer than its instructions.
  std::vector<ReadBack::Slice> warp = read["role math (warp 2)"];
  std::vector<std::string> names = namesOf(warp);
  EXPECT_NE(std::find(names.begin(), names.end(),
                      "wait for slot 0 of pipe p to be full"),
            names.end());
  EXPECT_NE(std::find(names.begin(), names.end(), "run ring.tw:32:7"),
            names.end());
  for (size_t i = 1; i < warp.size(); ++i)
    EXPECT_LE(warp[i].begin - warp[i - 1].end, 1);
  EXPECT_FALSE(read["role load (warp 4)"].empty());
}

TEST(Trace, OfADeadlockShowsTheWaitsToTheEnd) {
  RingProgram program(3, 4);
  ReadBack read(record(program));
  std::vector<ReadBack::Slice> warp = read["role math (warp 0)"];
  ASSERT_FALSE(warp.empty());
  EXPECT_EQ(warp.back().name, "wait for slot 1 of pipe p to be full");
  EXPECT_EQ(warp.back().where, "ring.tw:30:7");
}

TEST(Trace, ClustersAndLimits) {
  RingProgram program(3, 3);
  program.launch.grid[0] = 6;
  program.launch.cluster[0] = 2;
  // A limit inside a cluster takes the whole of it.
  Trace trace = record(program, 3, 5);
  ASSERT_EQ(trace.ctas.size(), 4u);
  EXPECT_EQ(trace.cuts(), "4 of 6 CTAs; only the first events of 4 CTAs");
  for (const CtaTrace &cta : trace.ctas)
    EXPECT_EQ(cta.events.size(), 5u);
  ReadBack read(trace);
  std::set<std::string> processes;
  for (auto &[number, name] : read.processes)
    processes.insert(name);
  EXPECT_TRUE(processes.count("CTA 3 (rank 1 of its cluster)"));
  EXPECT_EQ(read.root.getObject("otherData")->getString("cut"),
            llvm::StringRef(trace.cuts()));
}

} // namespace
