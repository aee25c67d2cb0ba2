//===- RingProtocolTest.cpp - proved protocols never hang -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random kernels: what is proved for all trip counts is run for many, event by
// event, by an interpreter that knows nothing of the proof.
//
//===----------------------------------------------------------------------===//

#include "tilewright/Analysis/RingProtocol.h"
#include "tilewright/Dialect/InitDialects.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"
#include <array>
#include <map>
#include <random>
#include <set>

using namespace mlir;
using namespace tilewright;

namespace {

/// A statement of a role. Conditions and trip counts are numbers of variables;
/// the last condition is "the first iteration of the loop around".
struct Statement {
  enum Kind { Take, Close, Loop, If } kind = Take;
  int ring = 0; // Take: which ring; Close: of which take
  int id = 0;   // Take, Close: the same number for the same slot
  int variable = 0;
  std::vector<Statement> body, otherwise;
};
using Program = std::vector<Statement>;

struct Ring {
  int depth = 1, contributor = 0;
  std::vector<int> consumers;
  bool has(int role) const {
    return role == contributor || llvm::is_contained(consumers, role);
  }
};

struct Kernel {
  std::vector<Ring> rings;
  std::vector<Program> roles;
};

constexpr int numVariables = 2, firstIteration = 2;

//===----------------------------------------------------------------------===//
// Random kernels
//===----------------------------------------------------------------------===//

class Generator {
public:
  explicit Generator(unsigned seed) : rng(seed) {}

  Kernel make() {
    Kernel kernel;
    int roles = 2 + below(2);
    for (int i = 0, e = 1 + below(3); i < e; ++i) {
      Ring ring;
      ring.depth = 1 + below(3);
      ring.contributor = below(roles);
      for (int role = 0; role < roles; ++role)
        if (role != ring.contributor && (ring.consumers.empty() || chance(30)))
          ring.consumers.push_back(role);
      kernel.rings.push_back(ring);
    }
    // All roles follow one common program, each with its own rings, and most
    // of them change something.
    Program common = makeProgram(kernel.rings.size(), 3, /*inLoop=*/false);
    for (int role = 0; role < roles; ++role) {
      Program own = project(common, kernel.rings, role);
      if (chance(50))
        disturb(own);
      hold(own);
      kernel.roles.push_back(std::move(own));
    }
    // A role that takes from a ring nowhere is no consumer of it.
    for (auto [i, ring] : llvm::enumerate(kernel.rings))
      llvm::erase_if(ring.consumers, [&, ring = static_cast<int>(i)](int role) {
        return !takes(kernel.roles[role], ring);
      });
    return kernel;
  }

private:
  static bool takes(const Program &program, int ring) {
    return llvm::any_of(program, [&](const Statement &s) {
      return (s.kind == Statement::Take && s.ring == ring) ||
             takes(s.body, ring) || takes(s.otherwise, ring);
    });
  }

  int below(int bound) { return static_cast<int>(rng() % bound); }
  bool chance(int percent) { return below(100) < percent; }

  Program makeProgram(int rings, int levels, bool inLoop) {
    Program program;
    for (int i = 0, e = 1 + below(3); i < e; ++i) {
      Statement statement;
      int choice = levels == 0 ? 0 : below(10);
      if (choice < 6) {
        statement.ring = below(rings);
      } else if (choice < 9) {
        statement.kind = Statement::Loop;
        statement.variable = below(numVariables);
        statement.body = makeProgram(rings, levels - 1, true);
      } else {
        statement.kind = Statement::If;
        statement.variable = below(numVariables + (inLoop ? 1 : 0));
        statement.body = makeProgram(rings, levels - 1, inLoop);
        if (chance(50))
          statement.otherwise = makeProgram(rings, levels - 1, inLoop);
      }
      program.push_back(std::move(statement));
    }
    return program;
  }

  Program project(const Program &program, const std::vector<Ring> &rings,
                  int role) {
    Program own;
    for (const Statement &statement : program) {
      if (statement.kind == Statement::Take) {
        if (rings[statement.ring].has(role))
          own.push_back(statement);
        continue;
      }
      Statement copy = statement;
      copy.body = project(statement.body, rings, role);
      copy.otherwise = project(statement.otherwise, rings, role);
      if (!copy.body.empty() || !copy.otherwise.empty())
        own.push_back(std::move(copy));
    }
    return own;
  }

  /// Exchanges neighbours, drops or repeats a statement, here or inside one.
  void disturb(Program &program) {
    if (program.empty())
      return;
    size_t at = below(static_cast<int>(program.size()));
    if (program[at].kind != Statement::Take && chance(60)) {
      disturb(program[at].body);
      return;
    }
    switch (below(4)) {
    case 0:
      program.push_back(program[at]);
      break;
    case 1:
      if (chance(30))
        program.erase(program.begin() + at);
      break;
    default:
      std::swap(program[at], program[below(static_cast<int>(program.size()))]);
    }
  }

  /// Numbers the takes and gives each slot back, sometimes a few statements
  /// later.
  void hold(Program &program) {
    for (size_t i = 0; i < program.size(); ++i) {
      Statement &statement = program[i];
      hold(statement.body);
      hold(statement.otherwise);
      if (statement.kind != Statement::Take)
        continue;
      statement.id = nextId++;
      Statement close = statement;
      close.kind = Statement::Close;
      size_t after = i + 1;
      if (chance(25))
        after = std::min(program.size(), after + below(3));
      program.insert(program.begin() + after, close);
    }
  }

  std::mt19937 rng;
  int nextId = 0;
};

//===----------------------------------------------------------------------===//
// As IR
//===----------------------------------------------------------------------===//

class Printer {
public:
  std::string print(const Kernel &kernel) {
    text = "tile.kernel @k(%n0: index {tile.name = \"N\"}, %n1: index "
           "{tile.name = \"M\"}) target \"sm_90a\" {\n";
    for (auto [i, ring] : llvm::enumerate(kernel.rings))
      text += llvm::formatv("pipe.ring @r{0} depth({1}) fields [\"a\"] [{2}]\n",
                            i, ring.depth, view);
    for (auto [i, program] : llvm::enumerate(kernel.roles)) {
      text += llvm::formatv(
          "tile.role \"role{0}\" warps(4) {{\n%c0 = arith.constant 0 : index\n"
          "%c1 = arith.constant 1 : index\n%f = arith.constant 0.0 : f32\n"
          "%x = tile.splat %f : f32 -> !tile.tile<[x: 8], f32>\n",
          i);
      print(program, kernel, static_cast<int>(i), /*loop=*/-1);
      text += "}\n";
    }
    return text + "}\n";
  }

private:
  void print(const Program &program, const Kernel &kernel, int role, int loop) {
    for (const Statement &s : program) {
      bool put = kernel.rings[s.ring].contributor == role;
      int number = next++;
      switch (s.kind) {
      case Statement::Take:
        text += llvm::formatv(
            "%s{0} = pipe.acquire_{1} @r{2} : !pipe.slot<@r{2}>\n", s.id,
            put ? "put" : "get", s.ring);
        if (put)
          text += llvm::formatv(
              "%v{0} = pipe.field %s{0}[\"a\"] : !pipe.slot<@r{1}> -> {2}\n"
              "tile.put %x to %v{0} : !tile.tile<[x: 8], f32>, {2}\n",
              s.id, s.ring, view);
        break;
      case Statement::Close:
        text += llvm::formatv("pipe.{0} %s{1} : !pipe.slot<@r{2}>\n",
                              put ? "commit" : "release", s.id, s.ring);
        break;
      case Statement::Loop:
        text += llvm::formatv("scf.for %i{0} = %c0 to %n{1} step %c1 {{\n",
                              number, s.variable);
        print(s.body, kernel, role, number);
        text += "}\n";
        break;
      case Statement::If:
        text +=
            llvm::formatv("%b{0} = arith.cmpi eq, {1}, %c0 : index\n", number,
                          s.variable == firstIteration
                              ? llvm::formatv("%i{0}", loop).str()
                              : llvm::formatv("%n{0}", s.variable).str());
        text += llvm::formatv("scf.if %b{0} {{\n", number);
        print(s.body, kernel, role, loop);
        text += "} else {\n";
        print(s.otherwise, kernel, role, loop);
        text += "}\n";
        break;
      }
    }
  }

  static constexpr const char *view = "!tile.view<[x: 8], f32>";
  std::string text;
  int next = 0;
};

//===----------------------------------------------------------------------===//
// As events
//===----------------------------------------------------------------------===//

struct Event {
  bool take;
  int ring;
  int slot;
};

class Interpreter {
public:
  Interpreter(const Kernel &kernel, std::array<int, numVariables> values)
      : kernel(kernel), values(values) {}

  /// Whether all roles end, and all users of a ring have taken equally many
  /// slots.
  bool run() {
    size_t roles = kernel.roles.size();
    std::vector<std::vector<Event>> events(roles);
    // By ring and role: slots taken, and which are given back.
    std::vector<std::vector<int>> taken(kernel.rings.size(),
                                        std::vector<int>(roles));
    for (size_t role = 0; role < roles; ++role) {
      count.assign(kernel.rings.size(), 0);
      flatten(kernel.roles[role], -1, events[role]);
      for (size_t ring = 0; ring < kernel.rings.size(); ++ring)
        taken[ring][role] = count[ring];
    }
    for (size_t ring = 0; ring < kernel.rings.size(); ++ring)
      // Puts that nobody gets are wrong, whether or not they hang.
      for (int consumer : kernel.rings[ring].consumers)
        if (taken[ring][consumer] !=
            taken[ring][kernel.rings[ring].contributor])
          return false;
    std::vector<std::vector<std::set<int>>> done(
        kernel.rings.size(), std::vector<std::set<int>>(roles));
    std::vector<size_t> at(roles);
    bool moved = true;
    while (moved) {
      moved = false;
      for (size_t role = 0; role < roles; ++role)
        while (at[role] < events[role].size() &&
               mayHappen(events[role][at[role]], role, done)) {
          const Event &event = events[role][at[role]++];
          if (!event.take)
            done[event.ring][role].insert(event.slot);
          moved = true;
        }
    }
    for (size_t role = 0; role < roles; ++role)
      if (at[role] != events[role].size())
        return false;
    return true;
  }

private:
  bool mayHappen(const Event &event, size_t role,
                 const std::vector<std::vector<std::set<int>>> &done) {
    const Ring &ring = kernel.rings[event.ring];
    if (!event.take)
      return true;
    if (static_cast<int>(role) != ring.contributor)
      return done[event.ring][ring.contributor].count(event.slot);
    int freed = event.slot - ring.depth;
    return freed < 0 || llvm::all_of(
                            ring.consumers,
                            [&](int consumer) {
                              return done[event.ring][consumer].count(freed);
                            });
  }

  void flatten(const Program &program, int iteration,
               std::vector<Event> &events) {
    std::map<int, int> slots;
    for (const Statement &s : program)
      switch (s.kind) {
      case Statement::Take:
        slots[s.id] = count[s.ring]++;
        events.push_back({true, s.ring, slots[s.id]});
        break;
      case Statement::Close:
        events.push_back({false, s.ring, slots[s.id]});
        break;
      case Statement::Loop:
        for (int i = 0; i < values[s.variable]; ++i)
          flatten(s.body, i, events);
        break;
      case Statement::If: {
        int value =
            s.variable == firstIteration ? iteration : values[s.variable];
        flatten(value == 0 ? s.body : s.otherwise, iteration, events);
        break;
      }
      }
  }

  const Kernel &kernel;
  std::array<int, numVariables> values;
  std::vector<int> count;
};

TEST(RingProtocol, ProvedKernelsComeThrough) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  DialectRegistry registry;
  registerDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
  ScopedDiagnosticHandler quiet(&context, [](Diagnostic &) {});

  int proved = 0, withLoops = 0, rejected = 0, wronglyRejected = 0;
  for (unsigned seed = 0; seed < 1500; ++seed) {
    Kernel kernel = Generator(seed).make();
    std::string text = Printer().print(kernel);
    OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module) << text;
    auto kernelOp = *module->getOps<tile::KernelOp>().begin();
    FailureOr<std::unique_ptr<RingProtocol>> protocol =
        RingProtocol::build(kernelOp);
    bool ok = succeeded(protocol) && succeeded(checkSlotUses(**protocol)) &&
              succeeded(checkRingCounts(**protocol)) &&
              succeeded(proveRingProgress(**protocol));

    bool all = true;
    for (int n = 0; n <= 5 && all; ++n)
      for (int m = 0; m <= 5 && all; ++m)
        all = Interpreter(kernel, {n, m}).run();
    if (ok) {
      ASSERT_TRUE(all) << "seed " << seed << "\n" << text;
      ++proved;
      withLoops += text.find("scf.for") != std::string::npos;
    } else {
      ++rejected;
      wronglyRejected += all;
    }
  }
  // The test is empty unless much is proved, and the proof unless much of what
  // it rejects is wrong.
  EXPECT_GT(proved, 500);
  EXPECT_GT(withLoops, 200);
  EXPECT_LT(wronglyRejected * 5, rejected);
  RecordProperty("proved", proved);
  RecordProperty("wrongly_rejected", wronglyRejected);
  RecordProperty("rejected", rejected);
}

} // namespace
