//===- AssemblerLog.cpp - what ptxas and nvJitLink print ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The forms read here were captured from ptxas 12.9, 13.0 and 13.5 and from
// nvJitLink 12.9, 13.0 and 13.5 (test/unit/target/AssemblerLogTest.cpp):
//
//   ptxas FILE, line 9; error   : Unknown modifier '.bar'
//   ptxas warning : Registers are spilled to local memory in function 'k', …
//   ptxas info    : (C7508) Potential Performance Loss: 'setmaxnreg' ignored…
//   ptxas info    : Used 90 registers, used 4 barriers, 3000 bytes smem
//       0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
//   ptxas         .     0 bytes stack frame, …              (nvJitLink)
//   info    : used 58 registers, used 0 barriers, 0 stack, … (nvJitLink)
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/AssemblerLog.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace tilewright::target {

bool AssemblerReport::hasErrors() const {
  return any_of(messages, [](const AssemblerMessage &message) {
    return message.severity == AssemblerSeverity::Error;
  });
}

bool AssemblerReport::hasAdvisories() const {
  return any_of(messages, [](const AssemblerMessage &message) {
    return message.isAdvisory();
  });
}

const KernelUsage *AssemblerReport::kernel(StringRef name) const {
  for (const KernelUsage &usage : kernels)
    if (usage.name == name)
      return &usage;
  return nullptr;
}

namespace {

/// Reads one log; keeps the kernel that statistics lines speak of.
class LogReader {
public:
  AssemblerReport read(StringRef log);

private:
  void readLine(StringRef line);
  bool readStatistics(StringRef text);
  void addMessage(StringRef severity, StringRef text, unsigned ptxLine);
  KernelUsage &usageOf(StringRef name);

  AssemblerReport report;
  std::string kernel; // of the last "Compiling …" or "Function properties …"
};

} // namespace

KernelUsage &LogReader::usageOf(StringRef name) {
  for (KernelUsage &usage : report.kernels)
    if (usage.name == name)
      return usage;
  report.kernels.emplace_back();
  report.kernels.back().name = name.str();
  return report.kernels.back();
}

/// The text between the first pair of single quotes after `prefix`.
static StringRef quotedAfter(StringRef text, StringRef prefix) {
  size_t at = text.find(prefix);
  if (at == StringRef::npos)
    return {};
  StringRef rest = text.drop_front(at + prefix.size());
  size_t close = rest.find('\'');
  return close == StringRef::npos ? StringRef() : rest.take_front(close);
}

/// `12` for "… around line 12 …"; 0 without one.
static unsigned lineIn(StringRef text) {
  size_t at = text.find("around line ");
  if (at == StringRef::npos)
    return 0;
  StringRef rest = text.drop_front(at + 12);
  unsigned line = 0;
  rest.consumeInteger(10, line);
  return line;
}

/// Reads lists such as "0 bytes stack frame, 8 bytes spill stores" and "Used
/// 32 registers, used 0 barriers, 64 bytes smem" into `usage`.
static bool readUsage(StringRef text, KernelUsage &usage) {
  bool any = false;
  SmallVector<StringRef> parts;
  text.split(parts, ',');
  for (StringRef part : parts) {
    part = part.trim();
    if (!part.consume_front("Used "))
      part.consume_front("used ");
    unsigned value;
    if (part.consumeInteger(10, value))
      continue;
    part = part.ltrim();
    part.consume_front("bytes ");
    unsigned *field = StringSwitch<unsigned *>(part)
                          .Case("registers", &usage.registers)
                          .Case("barriers", &usage.barriers)
                          .Case("smem", &usage.sharedBytes)
                          .Case("stack frame", &usage.stackBytes)
                          .Case("spill stores", &usage.spillStoreBytes)
                          .Case("spill loads", &usage.spillLoadBytes)
                          .Default(nullptr);
    if (!field)
      continue;
    *field = value;
    any = true;
  }
  return any;
}

/// Lines of `-v`: statistics, not messages.
bool LogReader::readStatistics(StringRef text) {
  if (text.starts_with("Compiling entry function '") ||
      text.starts_with("Compiling function '")) {
    kernel = quotedAfter(text, "function '").str();
    usageOf(kernel).arch = quotedAfter(text, "for '").str();
    return true;
  }
  if (text.consume_front("Function properties for ")) {
    kernel = text.trim().trim('\'').rtrim(':').rtrim('\'').str();
    usageOf(kernel);
    return true;
  }
  if (text.starts_with("Used ") || text.contains("bytes stack frame")) {
    readUsage(text, usageOf(kernel));
    return true;
  }
  if (text.consume_front("Compile time = ")) {
    double value = 0;
    if (!text.take_until([](char c) { return c == ' '; }).getAsDouble(value))
      usageOf(kernel).compileMs = value;
    return true;
  }
  return text.contains(" bytes gmem") || text.contains(" bytes cmem");
}

void LogReader::addMessage(StringRef severity, StringRef text,
                           unsigned ptxLine) {
  AssemblerMessage message;
  message.severity = StringSwitch<AssemblerSeverity>(severity)
                         .Case("info", AssemblerSeverity::Info)
                         .Case("warning", AssemblerSeverity::Warning)
                         .Default(AssemblerSeverity::Error);
  // "(C7514) Potential Performance Loss: …", or "C7514: …" in some versions.
  StringRef rest = text;
  bool parenthesis = rest.consume_front("(");
  StringRef code = rest.take_while([](char c) { return isAlnum(c); });
  if (code.size() == 5 && code[0] == 'C' &&
      all_of(code.drop_front(), [](char c) { return isDigit(c); })) {
    message.code = code.str();
    rest = rest.drop_front(code.size());
    if (parenthesis)
      rest.consume_front(")");
    text = rest.ltrim(": ");
  }
  if (message.severity != AssemblerSeverity::Error) {
    if (text.contains("Potential Performance Loss"))
      message.kind = AssemblerMessageKind::PerformanceLoss;
    else if (StringRef(message.code).starts_with("C75"))
      message.kind = AssemblerMessageKind::Injected;
    else if (text.contains("spilled to local memory"))
      message.kind = AssemblerMessageKind::Spill;
    else if (text.starts_with("Local memory used"))
      message.kind = AssemblerMessageKind::LocalMemory;
  }
  message.text = text.str();
  message.function = quotedAfter(text, "unction '").str();
  message.ptxLine = ptxLine ? ptxLine : lineIn(text);
  report.messages.push_back(std::move(message));
}

/// Takes "error   " off the front of `text`; empty when it is no severity.
static StringRef takeSeverity(StringRef &text) {
  StringRef rest = text.ltrim();
  StringRef word = rest.take_while([](char c) { return c >= 'a' && c <= 'z'; });
  if (word != "info" && word != "warning" && word != "error" && word != "fatal")
    return {};
  text = rest.drop_front(word.size()).ltrim();
  return word;
}

void LogReader::readLine(StringRef line) {
  StringRef rest = line.trim();
  bool fromPtxas = rest.consume_front("ptxas");
  StringRef original = rest;
  unsigned ptxLine = 0;
  if (fromPtxas) {
    // A continuation of nvJitLink: "ptxas         .     0 bytes stack …".
    StringRef continuation = rest.ltrim();
    if (continuation.consume_front(". ")) {
      readUsage(continuation, usageOf(kernel));
      return;
    }
    // "FILE, line 9; error   : …". FILE may hold anything, ", line" too.
    for (size_t at = rest.find(", line "); at != StringRef::npos;
         at = rest.find(", line ", at + 1)) {
      StringRef tail = rest.drop_front(at + 7);
      unsigned number;
      if (tail.consumeInteger(10, number) || !tail.consume_front(";"))
        continue;
      StringRef word = takeSeverity(tail);
      if (!word.empty() && tail.starts_with(":")) {
        ptxLine = number;
        rest = rest.drop_front(rest.find(';', at) + 1);
        break;
      }
    }
  }
  StringRef text = rest;
  StringRef severity = takeSeverity(text);
  if (!severity.empty() && text.consume_front(":")) {
    text = text.trim();
    if (severity == "info") {
      // The linker's own statistics repeat what ptxas has said.
      if (!fromPtxas && text.starts_with("used "))
        return;
      if (readStatistics(text))
        return;
    }
    addMessage(severity, text, ptxLine);
    return;
  }
  rest = original.trim();
  if (rest.empty())
    return;
  if (!fromPtxas && readUsage(rest, usageOf(kernel)))
    return;
  // nvJitLink ends its error log with "ERROR NVJITLINK_ERROR_PTX_COMPILE: …",
  // which says nothing beyond the lines above it. Alone it is the error.
  if (rest.consume_front("ERROR ")) {
    if (!report.hasErrors())
      addMessage("error", rest, 0);
    return;
  }
  // What we cannot read is kept rather than dropped: it may be the one line
  // that explains a failure.
  addMessage("info", rest, 0);
}

AssemblerReport LogReader::read(StringRef log) {
  while (!log.empty()) {
    auto [line, rest] = log.split('\n');
    log = rest;
    if (!line.trim().empty())
      readLine(line);
  }
  // "Ptx assembly aborted due to errors" says nothing after those errors.
  auto isAbort = [](const AssemblerMessage &message) {
    return message.text == "Ptx assembly aborted due to errors";
  };
  if (any_of(report.messages, [&](const AssemblerMessage &message) {
        return message.severity == AssemblerSeverity::Error &&
               !isAbort(message);
      }))
    erase_if(report.messages, isAbort);
  // Statistics before any kernel's name (none is known to do that).
  erase_if(report.kernels,
           [](const KernelUsage &usage) { return usage.name.empty(); });
  return std::move(report);
}

AssemblerReport parseAssemblerLog(StringRef log) {
  return LogReader().read(log);
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

static std::optional<SourcePos> firstOf(const PTXFunction &function,
                                        const PTXText &ptx, StringRef prefix) {
  for (const PTXStatement &statement : function.body)
    if (statement.opcode().starts_with(prefix))
      return ptx.sourceAt(statement.line);
  return std::nullopt;
}

std::optional<SourcePos> sourceOf(const AssemblerMessage &message,
                                  const PTXText &ptx) {
  if (message.ptxLine)
    if (std::optional<SourcePos> position = ptx.sourceAt(message.ptxLine))
      return position;

  const PTXFunction *function = ptx.function(message.function);
  if (!function && message.function.empty()) {
    // C7508 names no function: take the only one, or the first that could be
    // meant.
    for (const PTXFunction &candidate : ptx.functions())
      if (message.code == "C7508"
              ? firstOf(candidate, ptx, "setmaxnreg").has_value()
              : ptx.functions().size() == 1) {
        function = &candidate;
        break;
      }
  }
  if (!function)
    return std::nullopt;

  std::optional<SourcePos> position;
  if (message.code == "C7508")
    position = firstOf(*function, ptx, "setmaxnreg");
  else if (message.code == "C7510")
    position = firstOf(*function, ptx, "call");
  else if (message.kind == AssemblerMessageKind::PerformanceLoss ||
           message.kind == AssemblerMessageKind::Injected)
    position = firstOf(*function, ptx, "wgmma.mma_async");
  return position ? position : ptx.sourceOf(*function);
}

} // namespace tilewright::target
