//===- PTXLint.cpp - rules that emitted PTX must keep ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/PTXLint.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

#include <deque>
#include <tuple>

using namespace llvm;

namespace tilewright::target {

//===----------------------------------------------------------------------===//
// The rules
//===----------------------------------------------------------------------===//

namespace {
enum Rule : unsigned {
  ScopedRemoteArrive,
  UnscopedAtomic,
  UnknownEntryRegisters,
  CallWithWgmma,
  RuntimeBarrier,
  LocalMemory,
  AccumulatorInFlight,
  TensorLoadInFlight,
  DebugTarget,
  ClusterArriveAtStart,
  NumRules
};
} // namespace

static constexpr LintRule kRules[NumRules] = {
    {"TWP01", LintSeverity::Warning,
     "an arrive with .release.cluster on a remote mbarrier costs a memory "
     "fence of the whole GPU; releasing a slot after reads needs no scope",
     "measured: 1.54 to 1.70 times slower GEMMs on H100; PTX ISA, "
     "mbarrier.arrive"},
    {"TWP02", LintSeverity::Warning,
     "an atomic on global memory without scope is .relaxed.gpu: LLVM drops "
     "the scope and order of llvm.atomicrmw; write it as inline PTX",
     "45 combinations tested with LLVM 22; PTX ISA, atom and red"},
    {"TWP03", LintSeverity::Warning,
     "setmaxnreg in a kernel without .reqntid or .maxntid and .minnctapersm "
     "(or .maxnreg) is ignored: give the kernel nvvm.reqntid and "
     "nvvm.minctasm",
     "ptxas C7508; PTX ISA, setmaxnreg"},
    {"TWP04", LintSeverity::Warning,
     "a call in a kernel with wgmma makes ptxas serialise all wgmma "
     "instructions: use a trap and a status word instead of printf",
     "ptxas C7510"},
    {"TWP05", LintSeverity::Remark,
     "a named barrier with a run-time number makes ptxas reserve all 16",
     "ptxas 13.0; speed is the same"},
    {"TWP06", LintSeverity::Warning,
     "the kernel has a stack in local memory: an alloca was not promoted, or "
     "a by-value parameter lacks nvvm.grid_constant",
     "PTX ISA, .local; LLVM 22 copies a tensor map without it to 256 bytes "
     "of stack"},
    {"TWP07", LintSeverity::Warning,
     "an accumulator of wgmma is used before the wgmma.wait_group that "
     "completes it: its value is undefined, and ptxas serialises the "
     "pipeline",
     "ptxas C7514, C7515; PTX ISA, wgmma.wait_group"},
    {"TWP08", LintSeverity::Error,
     "a result of tcgen05.ld is used before tcgen05.wait::ld: its value is "
     "undefined; tie the wait to the registers",
     "seen with LLVM 22; PTX ISA, tcgen05.wait"},
    {"TWP09", LintSeverity::Warning,
     ".target …, debug makes ptxas build without optimisation: use the "
     "emission kind DebugDirectivesOnly",
     "PTX ISA, .target"},
    {"TWP10", LintSeverity::Remark,
     "barrier.cluster.arrive right after fence.mbarrier_init needs no "
     "release: .relaxed saves a memory fence of the whole GPU",
     "measured: up to 3 us a launch on H100; PTX ISA, barrier.cluster"},
};

ArrayRef<LintRule> lintRules() { return kRules; }

std::string lintRulesAsMarkdown() {
  std::string result;
  raw_string_ostream os(result);
  os << "| rule | severity | what and why | source |\n|---|---|---|---|\n";
  for (const LintRule &rule : kRules)
    os << "| " << rule.id << " | "
       << (rule.severity == LintSeverity::Error     ? "error"
           : rule.severity == LintSeverity::Warning ? "warning"
                                                    : "remark")
       << " | " << rule.text << " | " << rule.source << " |\n";
  return result;
}

//===----------------------------------------------------------------------===//
// The checks
//===----------------------------------------------------------------------===//

namespace {

/// Registers that asynchronous instructions still write.
class InFlight {
public:
  void issue(ArrayRef<StringRef> registers) {
    for (StringRef name : registers)
      open.insert(name);
  }
  void commit() {
    groups.push_back(std::move(open));
    open = {};
  }
  /// Leaves the newest `pending` groups in flight.
  void wait(unsigned pending) {
    while (groups.size() > pending)
      groups.pop_front();
  }
  void clear() {
    groups.clear();
    open = {};
  }
  bool contains(StringRef name) const {
    return open.contains(name) || any_of(groups, [&](const StringSet<> &g) {
             return g.contains(name);
           });
  }

private:
  StringSet<> open; // issued, not committed
  std::deque<StringSet<>> groups;
};

class Linter {
public:
  explicit Linter(const PTXText &ptx) : ptx(ptx) {}
  std::vector<LintFinding> run();

private:
  void add(Rule rule, const PTXFunction *function, unsigned line,
           StringRef detail);
  void checkFunction(const PTXFunction &function);
  void checkInstruction(const PTXFunction &function, const PTXStatement &s);
  void checkInFlight(const PTXFunction &function);

  const PTXText &ptx;
  std::vector<LintFinding> findings;
};

} // namespace

/// `text` with every run of white space as one blank.
static std::string oneLine(StringRef text) {
  SmallVector<StringRef> words;
  for (StringRef rest = text.ltrim(" \t\r\n"); !rest.empty();
       rest = rest.ltrim(" \t\r\n")) {
    words.push_back(rest.take_front(rest.find_first_of(" \t\r\n")));
    rest = rest.drop_front(words.back().size());
  }
  return join(words, " ");
}

void Linter::add(Rule rule, const PTXFunction *function, unsigned line,
                 StringRef detail) {
  LintFinding finding{&kRules[rule], function ? function->name.str() : "",
                      oneLine(detail), line, ptx.sourceAt(line)};
  if (finding.detail.size() > 100)
    finding.detail = finding.detail.substr(0, 100) + "…";
  findings.push_back(std::move(finding));
}

static bool hasScope(StringRef opcode) {
  return hasPart(opcode, "cta") || hasPart(opcode, "cluster") ||
         hasPart(opcode, "gpu") || hasPart(opcode, "sys");
}

/// The barrier operand of bar.* and barrier.* (barrier.cluster has none).
static bool isNamedBarrier(StringRef opcode) {
  if (opcode.starts_with("barrier.cluster"))
    return false;
  return opcode.starts_with("bar.sync") || opcode.starts_with("bar.arrive") ||
         opcode.starts_with("bar.red") || opcode.starts_with("bar.cta") ||
         opcode.starts_with("barrier.sync") ||
         opcode.starts_with("barrier.arrive") ||
         opcode.starts_with("barrier.red") || opcode.starts_with("barrier.cta");
}

void Linter::checkInstruction(const PTXFunction &function,
                              const PTXStatement &s) {
  StringRef opcode = s.opcode();
  if (opcode.starts_with("mbarrier.arrive") &&
      opcode.contains(".release.cluster") && hasPart(opcode, "shared::cluster"))
    add(ScopedRemoteArrive, &function, s.line, s.text);

  if ((opcode.starts_with("atom.") || opcode.starts_with("red.")) &&
      !opcode.starts_with("red.async") && !hasScope(opcode) &&
      !opcode.contains(".shared"))
    add(UnscopedAtomic, &function, s.line, s.text);

  if (isNamedBarrier(opcode)) {
    SmallVector<StringRef> operands = splitOperands(s.operands());
    // bar.red has its result first.
    unsigned index = opcode.contains(".red") ? 1 : 0;
    if (operands.size() > index && operands[index].starts_with("%"))
      add(RuntimeBarrier, &function, s.line, s.text);
  }
}

/// Uses of registers that wgmma or tcgen05.ld still writes, along straight
/// lines of code. Back edges are not followed, so an accumulator in flight
/// over one is left to ptxas.
void Linter::checkInFlight(const PTXFunction &function) {
  InFlight wgmma, tmem;
  bool reportedWgmma = false, reportedTmem = false, unreachable = false;
  for (const PTXStatement &s : function.body) {
    if (s.kind == PTXStatementKind::Label && unreachable) {
      // Nothing falls through to here.
      wgmma.clear();
      tmem.clear();
    }
    if (s.kind != PTXStatementKind::Instruction)
      continue;
    StringRef opcode = s.opcode();
    unreachable = s.guard().empty() &&
                  (opcode == "bra" || opcode.starts_with("bra.uni") ||
                   opcode.starts_with("ret") || opcode.starts_with("exit") ||
                   opcode.starts_with("trap") || opcode.starts_with("brx"));

    SmallVector<StringRef> operands = splitOperands(s.operands());
    if (opcode.starts_with("wgmma.mma_async")) {
      // Accumulating into one's own registers again is in order.
      if (!operands.empty())
        wgmma.issue(registersIn(operands[0]));
      continue;
    }
    if (opcode.starts_with("wgmma.commit_group")) {
      wgmma.commit();
      continue;
    }
    if (opcode.starts_with("wgmma.wait_group")) {
      unsigned pending = 0;
      s.operands().getAsInteger(0, pending);
      wgmma.wait(pending);
      reportedWgmma = false;
      continue;
    }
    if (opcode.starts_with("tcgen05.ld")) {
      if (!operands.empty())
        tmem.issue(registersIn(operands[0]));
      continue;
    }
    if (opcode.starts_with("tcgen05.wait::ld")) {
      tmem.clear();
      reportedTmem = false;
      continue;
    }
    for (StringRef name : registersIn(s.text)) {
      if (!reportedWgmma && wgmma.contains(name)) {
        reportedWgmma = true;
        add(AccumulatorInFlight, &function, s.line, s.text);
      }
      if (!reportedTmem && tmem.contains(name)) {
        reportedTmem = true;
        add(TensorLoadInFlight, &function, s.line, s.text);
      }
    }
  }
}

void Linter::checkFunction(const PTXFunction &function) {
  bool hasWgmma = any_of(function.body, [](const PTXStatement &s) {
    return s.opcode().starts_with("wgmma.mma_async");
  });
  bool registersKnown = function.hasDirective(".maxnreg") ||
                        ((function.hasDirective(".maxntid") ||
                          function.hasDirective(".reqntid")) &&
                         function.hasDirective(".minnctapersm"));
  bool reportedRegisters = false, afterMbarrierInit = false;

  for (const PTXStatement &s : function.body) {
    if (s.kind == PTXStatementKind::Directive) {
      if (s.text.starts_with(".local"))
        add(LocalMemory, &function, s.line, s.text);
      continue;
    }
    if (s.kind == PTXStatementKind::Label)
      afterMbarrierInit = false;
    if (s.kind != PTXStatementKind::Instruction)
      continue;
    StringRef opcode = s.opcode();
    checkInstruction(function, s);
    if (opcode.starts_with("setmaxnreg") && function.isEntry &&
        !registersKnown && !reportedRegisters) {
      reportedRegisters = true;
      add(UnknownEntryRegisters, &function, s.line, s.text);
    }
    if (hasWgmma && opcode.starts_with("call"))
      add(CallWithWgmma, &function, s.line, s.text);

    if (opcode.starts_with("fence.mbarrier_init"))
      afterMbarrierInit = true;
    else if (opcode.starts_with("barrier.cluster.arrive")) {
      if (afterMbarrierInit && !hasPart(opcode, "relaxed"))
        add(ClusterArriveAtStart, &function, s.line, s.text);
      afterMbarrierInit = false;
    } else if (opcode.starts_with("st.") || opcode.starts_with("atom.") ||
               opcode.starts_with("red."))
      afterMbarrierInit = false; // a store may need the release
  }
  checkInFlight(function);
}

std::vector<LintFinding> Linter::run() {
  for (const PTXStatement &directive : ptx.directives())
    if (directive.text.starts_with(".target") &&
        is_contained(splitOperands(directive.text.drop_front(7)), "debug"))
      add(DebugTarget, nullptr, directive.line, directive.text);
  for (const PTXFunction &function : ptx.functions())
    checkFunction(function);
  llvm::sort(findings, [](const LintFinding &a, const LintFinding &b) {
    return std::tie(a.ptxLine, a.rule) < std::tie(b.ptxLine, b.rule);
  });
  return std::move(findings);
}

std::vector<LintFinding> lintPTX(const PTXText &ptx) {
  return Linter(ptx).run();
}

} // namespace tilewright::target
