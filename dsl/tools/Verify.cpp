//===- Verify.cpp - expected errors in the source -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Verify.h"
#include "tilewright/DSL/Frontend.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace tilewright;

namespace {
struct Expectation {
  bool isError;
  int line; ///< In the chunk, from 1.
  StringRef text;
  bool met = false;
};

SmallVector<Expectation, 8> expectationsIn(StringRef chunk) {
  SmallVector<Expectation, 8> list;
  int line = 1;
  for (StringRef rest = chunk; !rest.empty(); ++line) {
    auto [text, tail] = rest.split('\n');
    rest = tail;
    size_t at = text.find('#');
    if (at == StringRef::npos)
      continue;
    StringRef comment = text.substr(at);
    while (true) {
      size_t found = comment.find("expected-");
      if (found == StringRef::npos)
        break;
      comment = comment.substr(found + 9);
      bool isError = comment.consume_front("error");
      if (!isError && !comment.consume_front("note"))
        continue;
      int offset = 0;
      if (comment.consume_front("@")) {
        comment.consume_front("+");
        comment.consumeInteger(10, offset);
      }
      size_t open = comment.find("{{"), close = comment.find("}}");
      if (open == StringRef::npos || close == StringRef::npos)
        break;
      list.push_back(
          {isError, line + offset, comment.substr(open + 2, close - open - 2)});
      comment = comment.substr(close + 2);
    }
  }
  return list;
}

unsigned verifyChunk(StringRef chunk, int firstLine, StringRef file) {
  auto expectations = expectationsIn(chunk);
  unsigned differences = 0;
  auto report = [&](int line, const Twine &message) {
    ++differences;
    errs() << file << ':' << (firstLine + line) << ": " << message << '\n';
  };
  SourceMgr sm;
  unsigned id = sm.AddNewSourceBuffer(
      MemoryBuffer::getMemBufferCopy(chunk, file), SMLoc());
  dsl::Diagnostics diags(sm, [&](const SMDiagnostic &diag) {
    bool isError = diag.getKind() == SourceMgr::DK_Error;
    for (Expectation &e : expectations)
      if (!e.met && e.isError == isError && e.line == diag.getLineNo() &&
          diag.getMessage().contains(e.text)) {
        e.met = true;
        return;
      }
    if (isError)
      report(diag.getLineNo(), "unexpected error: " + diag.getMessage());
  });
  diags.maxErrors = 1000;
  dsl::InstantiateOptions options;
  for (StringRef rest = chunk; !rest.empty();) {
    auto [line, tail] = rest.split('\n');
    rest = tail;
    line = line.trim();
    if (!line.consume_front("# constants:"))
      continue;
    SmallVector<StringRef, 8> words;
    SplitString(line, words);
    for (StringRef word : words) {
      auto [name, value] = word.split('=');
      if (name == "target")
        options.target = dsl::parseTarget(value).value_or(options.target);
      else
        options.constants[name.str()] = value.str();
    }
  }
  dsl::ASTContext context;
  dsl::File parsed = dsl::parse(sm, id, context, diags);
  if (!diags.hasErrors() && dsl::check(parsed, diags))
    for (const dsl::KernelDecl *kernel : parsed.kernels) {
      options.kernel = kernel->name.name.str();
      dsl::instantiate(parsed, options, diags);
    }
  for (const Expectation &e : expectations)
    if (!e.met)
      report(e.line, Twine("expected ") + (e.isError ? "error" : "note") +
                         " did not come: " + e.text);
  return differences;
}
} // namespace

unsigned tilewright::verify(StringRef text, StringRef file) {
  unsigned differences = 0;
  int line = 0, first = 0;
  size_t begin = 0, at = 0;
  while (at < text.size()) {
    size_t next = text.find('\n', at);
    next = next == StringRef::npos ? text.size() : next + 1;
    ++line;
    if (text.slice(at, next).trim() == "# -----") {
      differences += verifyChunk(text.slice(begin, at), first, file);
      begin = next;
      first = line;
    }
    at = next;
  }
  return differences + verifyChunk(text.substr(begin), first, file);
}
