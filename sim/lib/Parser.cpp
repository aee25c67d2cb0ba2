//===- Parser.cpp - PTX text to a decoded program -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"
#include "llvm/Support/FormatVariadic.h"

using namespace tilewright::sim;
using llvm::Error;
using llvm::StringRef;

static void flatten(const Operand &op, std::vector<uint32_t> &out) {
  if (op.kind == Operand::Kind::Reg || op.kind == Operand::Kind::Mem)
    if (op.reg != NoRegister)
      out.push_back(op.reg);
  for (const Operand &elem : op.elems)
    flatten(elem, out);
}

std::string Program::where(const SourceLine &loc) const {
  std::string ptx = llvm::formatv("PTX line {0}", loc.ptxLine);
  std::string text = source(loc);
  return text == ptx ? ptx : text + " (" + ptx + ")";
}

std::string Program::source(const SourceLine &loc) const {
  if (loc.line && loc.file < files.size() && !files[loc.file].empty())
    return llvm::formatv("{0}:{1}:{2}", files[loc.file], loc.line, loc.column);
  return llvm::formatv("PTX line {0}", loc.ptxLine);
}

Error Parser::parseFile() {
  StringRef rest = lexer.restOfLine();
  rest.consume_front(".file");
  rest = rest.trim();
  unsigned number = 0;
  if (rest.consumeInteger(10, number) || number > 4096)
    return fail("malformed .file");
  if (program.files.size() <= number)
    program.files.resize(number + 1);
  rest = rest.trim();
  if (rest.consume_front("\""))
    program.files[number] =
        rest.take_until([](char c) { return c == '"'; }).str();
  return Error::success();
}

void Parser::parseLoc() {
  StringRef rest = lexer.restOfLine();
  rest.consume_front(".loc");
  unsigned *fields[] = {&loc.file, &loc.line, &loc.column};
  SourceLine previous = loc;
  for (unsigned *field : fields) {
    rest = rest.ltrim();
    if (rest.consumeInteger(10, *field))
      *field = 0;
  }
  // Line 0 is the compiler's "no position": the last one is more useful.
  if (loc.line == 0)
    loc = previous;
}

Error Parser::skipBraces() {
  unsigned depth = 0;
  while (lexer.peek().kind != Token::End) {
    Token token = lexer.take();
    if (token.is("{"))
      ++depth;
    else if (token.is("}") && --depth == 0)
      return Error::success();
  }
  return fail("unbalanced braces");
}

Error Parser::parseTop() {
  const Token &token = lexer.peek();
  if (token.is(".version") || token.is(".target") ||
      token.is(".address_size")) {
    StringRef line = lexer.restOfLine();
    if (line.starts_with(".address_size") && !line.contains("64"))
      return fail("only 64-bit addresses are modelled");
    return Error::success();
  }
  if (token.is(".file"))
    return parseFile();
  if (token.is(".section"))
    return skipBraces();
  bool isExtern = false;
  while (lexer.peek().is(".visible") || lexer.peek().is(".extern") ||
         lexer.peek().is(".weak") || lexer.peek().is(".common"))
    isExtern |= lexer.take().is(".extern");
  if (lexer.peek().is(".shared"))
    return parseVariable(isExtern);
  if (lexer.peek().is(".global") || lexer.peek().is(".const")) {
    if (isExtern)
      return fail("an external '" + lexer.peek().text + "' is not modelled");
    return parseModuleVariable();
  }
  if (lexer.accept(".entry"))
    return parseEntry();
  if (lexer.peek().is(".noreturn") || lexer.peek().is(".func"))
    return fail(".func is not modelled: every call must be inlined");
  return fail("'" + lexer.peek().text + "' at module scope is not modelled");
}

Error Parser::parseBranchTargets() {
  lexer.take();
  if (lastLabel.empty() || labels[lastLabel] != program.code.size())
    return fail(".branchtargets without a label");
  std::vector<std::string> &targets = branchTables[lastLabel];
  do
    targets.push_back(lexer.take().text.str());
  while (lexer.accept(","));
  return expect(";");
}

Error Parser::parseEntry() {
  std::string name = lexer.take().text.str();
  if (!wanted.empty() && wanted != name) {
    while (!lexer.peek().is("{") && lexer.peek().kind != Token::End)
      lexer.take();
    return skipBraces();
  }
  if (found)
    return fail("more than one entry: name one");
  found = true;
  program.entry = name;
  if (Error error = parseParams())
    return error;
  while (!lexer.peek().is("{")) {
    Token token = lexer.take();
    if (token.kind == Token::End)
      return fail("entry without a body");
    std::vector<uint32_t> values;
    while (lexer.peek().kind == Token::Number) {
      auto value = parseNumber();
      if (!value)
        return value.takeError();
      values.push_back(*value);
      if (!lexer.accept(","))
        break;
    }
    values.resize(3, 1);
    if (token.is(".reqntid"))
      program.reqntid = {values[0], values[1], values[2]};
    else if (token.is(".minnctapersm"))
      program.minCtas = values[0];
    else if (token.is(".maxnreg"))
      program.maxRegs = values[0];
    else if (!token.is(".maxntid") && !token.is(".explicitcluster") &&
             !token.is(".reqnctapercluster") && !token.is(".maxclusterrank"))
      return fail("directive '" + token.text + "' is not modelled", token.line);
  }
  return parseBody();
}

Error Parser::parseBody() {
  if (Error error = expect("{"))
    return error;
  scopes.emplace_back();
  while (!scopes.empty()) {
    if (lexer.peek().kind == Token::End)
      return fail("unfinished body");
    if (Error error = parseStatement())
      return error;
  }
  return Error::success();
}

Error Parser::parseStatement() {
  const Token &token = lexer.peek();
  if (lexer.accept("{")) {
    scopes.emplace_back();
    return Error::success();
  }
  if (lexer.accept("}")) {
    scopes.pop_back();
    return Error::success();
  }
  if (lexer.accept(";"))
    return Error::success();
  if (token.is(".loc")) {
    parseLoc();
    return Error::success();
  }
  if (token.is(".pragma")) {
    lexer.restOfLine();
    return Error::success();
  }
  if (token.is(".reg"))
    return parseRegisters();
  if (token.is(".local") || token.is(".shared"))
    return parseVariable(/*isExtern=*/false);
  if (token.is(".file"))
    return parseFile();
  if (token.is(".branchtargets"))
    return parseBranchTargets();
  if (token.kind == Token::Word && token.text.starts_with("."))
    return fail("directive '" + token.text + "' is not modelled");
  return parseInstruction();
}

Error Parser::resolveTargets(Inst &inst) {
  for (const Operand &op : inst.ops) {
    auto table = branchTables.find(op.label);
    if (op.kind != Operand::Kind::Label || table == branchTables.end())
      continue;
    for (const std::string &target : table->second) {
      auto it = labels.find(target);
      if (it == labels.end())
        return fail("'" + llvm::Twine(target) + "' is not declared",
                    inst.loc.ptxLine);
      inst.targets.push_back(it->second);
    }
  }
  return Error::success();
}

Error Parser::resolve() {
  program.staticShared = sharedNext - sharedBase;
  program.dynamicShared =
      (sharedNext + dynamicAlign - 1) / dynamicAlign * dynamicAlign;
  uint64_t shift = program.dynamicShared - sharedBase;
  auto isDynamic = [&](StringRef name) {
    return !name.empty() && llvm::is_contained(dynamicNames, name);
  };
  for (Inst &inst : program.code) {
    for (Operand &op : inst.ops) {
      if (isDynamic(op.label)) {
        op.imm += shift;
      } else if (op.kind == Operand::Kind::Label) {
        auto it = labels.find(op.label);
        // Other forms that take names are better refused by theirs.
        if (it == labels.end() && !StringRef(inst.opcode).starts_with("bra"))
          continue;
        if (it == labels.end())
          return fail("'" + op.label + "' is not declared", inst.loc.ptxLine);
        op.imm = it->second;
      }
    }
    if (StringRef(inst.opcode).starts_with("brx"))
      if (Error error = resolveTargets(inst))
        return error;
    if (Error error = decode(program, inst))
      return llvm::createStringError(program.where(inst.loc) + ": " +
                                     llvm::toString(std::move(error)));
    for (unsigned i = 0; i < inst.ops.size(); ++i) {
      bool isDef = i < inst.numDefs && !inst.ops[i].isMem();
      flatten(inst.ops[i], isDef ? inst.writes : inst.reads);
    }
    if (inst.guard != NoRegister)
      inst.reads.push_back(inst.guard);
  }
  // Falling off the end is an exit.
  Inst end;
  end.opcode = "ret";
  end.loc = program.code.empty() ? SourceLine() : program.code.back().loc;
  if (Error error = decode(program, end))
    return error;
  program.code.push_back(std::move(end));
  findReconvergence(program);
  return Error::success();
}

llvm::Expected<Program> Parser::parse() {
  while (lexer.peek().kind != Token::End)
    if (Error error = parseTop())
      return std::move(error);
  if (!found)
    return llvm::createStringError(wanted.empty() ? "the PTX has no entry"
                                                  : "the PTX has no entry '" +
                                                        wanted.str() + "'");
  if (Error error = resolve())
    return std::move(error);
  return std::move(program);
}

llvm::Expected<Program> tilewright::sim::parseProgram(StringRef ptx,
                                                      StringRef entry) {
  return Parser(ptx, entry).parse();
}
