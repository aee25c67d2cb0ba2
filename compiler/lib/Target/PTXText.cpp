//===- PTXText.cpp - a light view of PTX text -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tilewright/Target/PTXText.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>

using namespace llvm;

namespace tilewright::target {

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

static bool isSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' ||
         c == '\f';
}

static bool isNameChar(char c) { return isAlnum(c) || c == '_' || c == '$'; }

/// The first word of `text` that white space ends.
static StringRef firstWord(StringRef text) {
  return text.take_until([](char c) { return isSpace(c); });
}

StringRef PTXStatement::guard() const {
  if (kind != PTXStatementKind::Instruction || !text.starts_with("@"))
    return {};
  return firstWord(text.drop_front());
}

StringRef PTXStatement::opcode() const {
  if (kind != PTXStatementKind::Instruction)
    return {};
  StringRef rest = text;
  if (rest.starts_with("@"))
    rest = rest.drop_front(firstWord(rest).size()).ltrim();
  return firstWord(rest);
}

StringRef PTXStatement::operands() const {
  StringRef name = opcode();
  if (name.empty())
    return {};
  return StringRef(name.end(), text.end() - name.end()).trim();
}

bool PTXFunction::hasDirective(StringRef name) const {
  for (size_t at = header.find(name); at != StringRef::npos;
       at = header.find(name, at + 1)) {
    size_t end = at + name.size();
    bool starts = at == 0 || isSpace(header[at - 1]) || header[at - 1] == ')';
    if (starts && (end == header.size() || !isNameChar(header[end])))
      return true;
  }
  return false;
}

SmallVector<StringRef> splitOperands(StringRef operands) {
  SmallVector<StringRef> result;
  int depth = 0;
  size_t start = 0;
  for (size_t i = 0; i < operands.size(); ++i) {
    char c = operands[i];
    if (c == '{' || c == '[' || c == '(')
      ++depth;
    else if (c == '}' || c == ']' || c == ')')
      --depth;
    else if (c == ',' && depth <= 0) {
      result.push_back(operands.slice(start, i).trim());
      start = i + 1;
    }
  }
  StringRef last = operands.drop_front(start).trim();
  if (!last.empty() || !result.empty())
    result.push_back(last);
  return result;
}

SmallVector<StringRef> registersIn(StringRef text) {
  SmallVector<StringRef> result;
  for (size_t at = text.find('%'); at != StringRef::npos;
       at = text.find('%', at + 1)) {
    size_t end = at + 1;
    while (end < text.size() && isNameChar(text[end]))
      ++end;
    if (end > at + 1)
      result.push_back(text.slice(at, end));
  }
  return result;
}

bool hasPart(StringRef opcode, StringRef part) {
  for (size_t at = opcode.find(part); at != StringRef::npos;
       at = opcode.find(part, at + 1)) {
    size_t end = at + part.size();
    bool starts = at == 0 || opcode[at - 1] == '.';
    if (starts && (end == opcode.size() || opcode[end] == '.'))
      return true;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// Overwrites comments with blanks, so that columns and lines stay, and
/// leaves strings (of `.file`) alone.
static void blankComments(std::string &text) {
  for (size_t i = 0, e = text.size(); i < e; ++i) {
    if (text[i] == '"') {
      // ptxas knows no escapes in strings.
      for (++i; i < e && text[i] != '"' && text[i] != '\n'; ++i)
        ;
    } else if (text[i] == '/' && i + 1 < e && text[i + 1] == '/') {
      for (; i < e && text[i] != '\n'; ++i)
        text[i] = ' ';
    } else if (text[i] == '/' && i + 1 < e && text[i + 1] == '*') {
      text[i] = text[i + 1] = ' ';
      for (i += 2; i < e; ++i) {
        if (text[i] == '*' && i + 1 < e && text[i + 1] == '/') {
          text[i] = text[i + 1] = ' ';
          ++i;
          break;
        }
        if (text[i] != '\n')
          text[i] = ' ';
      }
    }
  }
}

/// Directives that their line ends, not a semicolon.
static bool endsWithLine(StringRef directive) {
  return directive == ".version" || directive == ".target" ||
         directive == ".address_size" || directive == ".file" ||
         directive == ".loc";
}

/// The name that a header declares: the last word before its parameters
/// (the second parenthesis when it returns something).
static StringRef declaredName(StringRef header) {
  size_t keyword = header.find(".entry");
  size_t length = 6;
  if (keyword == StringRef::npos) {
    keyword = header.find(".func");
    length = 5;
  }
  StringRef rest =
      header.drop_front(std::min(header.size(), keyword + length)).ltrim();
  if (rest.starts_with("(")) {
    size_t close = rest.find(')');
    rest = close == StringRef::npos ? "" : rest.drop_front(close + 1).ltrim();
  }
  return rest.take_while(
      [](char c) { return isNameChar(c) || c == '%' || c == '.'; });
}

static bool isFunctionHeader(StringRef statement) {
  for (StringRef word : {".entry", ".func"})
    for (size_t at = statement.find(word); at != StringRef::npos;
         at = statement.find(word, at + 1)) {
      size_t end = at + word.size();
      if ((at == 0 || isSpace(statement[at - 1])) &&
          (end == statement.size() || isSpace(statement[end]) ||
           statement[end] == '('))
        return true;
    }
  return false;
}

/// Reads `\303`: the only escape that `.file` may hold (Codegen.cpp).
static std::string readOctal(StringRef text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned value;
    if (text[i] == '\\' && text.size() - i > 3 &&
        !text.substr(i + 1, 3).getAsInteger(8, value) && value < 256) {
      result += static_cast<char>(value);
      i += 3;
    } else {
      result += text[i];
    }
  }
  return result;
}

PTXText::PTXText(StringRef given) : text(given.str()) {
  blankComments(text);
  parse();
}

void PTXText::addDirective(const PTXStatement &statement,
                           PTXFunction *function) {
  StringRef rest = statement.text;
  StringRef word = firstWord(rest);
  rest = rest.drop_front(word.size()).ltrim();
  if (word == ".file") {
    unsigned index;
    if (rest.consumeInteger(10, index))
      return;
    size_t open = rest.find('"'), close = rest.rfind('"');
    if (open != StringRef::npos && close > open &&
        index < DenseMapInfo<unsigned>::getTombstoneKey())
      files[index] = readOctal(rest.slice(open + 1, close));
  } else if (word == ".loc") {
    Loc loc{statement.line, 0, 0, 0};
    if (rest.consumeInteger(10, loc.file))
      return;
    rest = rest.ltrim();
    if (rest.consumeInteger(10, loc.line))
      return;
    rest = rest.ltrim();
    rest.consumeInteger(10, loc.column);
    locs.push_back(loc);
  }
  if (function)
    function->body.push_back(statement);
  else
    moduleDirectives.push_back(statement);
}

void PTXText::parse() {
  StringRef all = text;
  unsigned line = 1;
  size_t start = 0;       // of the current statement, at its first character
  unsigned startLine = 1; // the line of `start`
  bool empty = true;      // nothing but blanks since the last statement
  int operandDepth = 0;   // braces that belong to operands or initialisers
  int blockDepth = 0;     // blocks inside the function's body
  bool inFunction = false;

  auto current = [&](size_t end) { return all.slice(start, end).rtrim(); };
  auto function = [&]() -> PTXFunction * {
    return inFunction ? &funcs.back() : nullptr;
  };
  auto finish = [&](size_t end) {
    if (!empty) {
      StringRef body = current(end);
      PTXStatement statement{body.starts_with(".")
                                 ? PTXStatementKind::Directive
                                 : PTXStatementKind::Instruction,
                             body, startLine};
      if (statement.kind == PTXStatementKind::Directive)
        addDirective(statement, function());
      else if (inFunction)
        funcs.back().body.push_back(statement);
      // Declarations without body and stray text outside functions end here.
    }
    empty = true;
    operandDepth = 0;
  };

  for (size_t i = 0, e = all.size(); i < e; ++i) {
    char c = all[i];
    if (c == '\n') {
      if (!empty && endsWithLine(firstWord(current(i))))
        finish(i);
      ++line;
      continue;
    }
    if (isSpace(c))
      continue;
    if (c == '"' && !empty) {
      size_t close = all.find_first_of("\"\n", i + 1);
      if (close != StringRef::npos && all[close] == '"')
        i = close;
      continue;
    }
    if (c == ';' && operandDepth <= 0) {
      finish(i);
      continue;
    }
    if (c == '{') {
      if (empty) {
        if (inFunction) {
          ++blockDepth;
          funcs.back().body.push_back(
              {PTXStatementKind::ScopeOpen, all.substr(i, 1), line});
        }
        continue;
      }
      StringRef header = current(i);
      if (!inFunction && isFunctionHeader(header)) {
        PTXFunction fresh;
        fresh.header = header;
        fresh.name = declaredName(header);
        fresh.isEntry = header.contains(".entry");
        fresh.line = startLine;
        funcs.push_back(std::move(fresh));
        inFunction = true;
        blockDepth = 0;
        empty = true;
        continue;
      }
      ++operandDepth;
      continue;
    }
    if (c == '}') {
      if (!empty && operandDepth > 0) {
        // `.section .debug { … }` has no semicolon after its brace.
        if (--operandDepth == 0 && current(i).starts_with(".section"))
          finish(i + 1);
        continue;
      }
      finish(i);
      if (inFunction && blockDepth == 0) {
        funcs.back().endLine = line;
        inFunction = false;
      } else if (inFunction) {
        --blockDepth;
        funcs.back().body.push_back(
            {PTXStatementKind::ScopeClose, all.substr(i, 1), line});
      }
      continue;
    }
    if (c == ':' && !empty && inFunction) {
      // A label, unless this is `shared::cta` or an operand.
      StringRef name = current(i);
      if (all_of(name, isNameChar) && !(i + 1 < e && all[i + 1] == ':')) {
        funcs.back().body.push_back({PTXStatementKind::Label, name, startLine});
        empty = true;
      } else if (i + 1 < e && all[i + 1] == ':') {
        ++i;
      }
      continue;
    }
    if (empty) {
      empty = false;
      start = i;
      startLine = line;
      operandDepth = 0;
    }
  }
  finish(all.size());
  if (inFunction)
    funcs.back().endLine = line;
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

const PTXFunction *PTXText::functionAt(unsigned line) const {
  for (const PTXFunction &function : funcs)
    if (function.line <= line && line <= function.endLine)
      return &function;
  return nullptr;
}

const PTXFunction *PTXText::function(StringRef name) const {
  for (const PTXFunction &function : funcs)
    if (function.name == name)
      return &function;
  return nullptr;
}

std::optional<SourcePos> PTXText::resolve(const Loc &loc) const {
  auto file = files.find(loc.file);
  if (file == files.end() || loc.line == 0)
    return std::nullopt;
  return SourcePos{file->second, loc.line, loc.column};
}

std::optional<SourcePos> PTXText::sourceAt(unsigned line) const {
  const PTXFunction *function = functionAt(line);
  if (!function)
    return std::nullopt;
  auto after = std::upper_bound(
      locs.begin(), locs.end(), line,
      [](unsigned value, const Loc &loc) { return value < loc.ptxLine; });
  // Line 0 stands for code that belongs to no line: go on to the one before.
  while (after != locs.begin()) {
    const Loc &loc = *--after;
    if (loc.ptxLine < function->line)
      break;
    if (std::optional<SourcePos> position = resolve(loc))
      return position;
  }
  return sourceOf(*function);
}

std::optional<SourcePos> PTXText::sourceOf(const PTXFunction &function) const {
  for (const Loc &loc : locs)
    if (loc.ptxLine >= function.line && loc.ptxLine <= function.endLine)
      if (std::optional<SourcePos> position = resolve(loc))
        return position;
  return std::nullopt;
}

} // namespace tilewright::target
