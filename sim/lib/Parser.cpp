//===- Parser.cpp - PTX text to a decoded program -------------------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Lexer.h"
#include "tilewright/Sim/Program.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"
#include <optional>

using namespace tilewright::sim;
using llvm::Error;
using llvm::StringRef;

namespace {

std::optional<Special> findSpecial(StringRef name) {
  static const llvm::StringMap<Special> names = {
      {"%tid.x", Special::TidX},
      {"%tid.y", Special::TidY},
      {"%tid.z", Special::TidZ},
      {"%ntid.x", Special::NTidX},
      {"%ntid.y", Special::NTidY},
      {"%ntid.z", Special::NTidZ},
      {"%ctaid.x", Special::CtaIdX},
      {"%ctaid.y", Special::CtaIdY},
      {"%ctaid.z", Special::CtaIdZ},
      {"%nctaid.x", Special::NCtaIdX},
      {"%nctaid.y", Special::NCtaIdY},
      {"%nctaid.z", Special::NCtaIdZ},
      {"%laneid", Special::LaneId},
      {"%warpid", Special::WarpId},
      {"%nwarpid", Special::NWarpId},
      {"%cluster_ctarank", Special::ClusterCtaRank},
      {"%cluster_nctarank", Special::ClusterNCtaRank},
      {"%clusterid.x", Special::ClusterIdX},
      {"%clusterid.y", Special::ClusterIdY},
      {"%clusterid.z", Special::ClusterIdZ},
      {"%nclusterid.x", Special::NClusterIdX},
      {"%nclusterid.y", Special::NClusterIdY},
      {"%nclusterid.z", Special::NClusterIdZ},
      {"%cluster_ctaid.x", Special::ClusterCtaIdX},
      {"%cluster_ctaid.y", Special::ClusterCtaIdY},
      {"%cluster_ctaid.z", Special::ClusterCtaIdZ},
      {"%cluster_nctaid.x", Special::ClusterNCtaIdX},
      {"%cluster_nctaid.y", Special::ClusterNCtaIdY},
      {"%cluster_nctaid.z", Special::ClusterNCtaIdZ},
      {"%clock", Special::Clock},
      {"%clock64", Special::Clock},
      {"%globaltimer", Special::GlobalTimer},
      {"%smid", Special::SmId},
      {"%nsmid", Special::NSmId},
      {"%lanemask_eq", Special::LaneMaskEq},
      {"%lanemask_lt", Special::LaneMaskLt},
      {"%lanemask_le", Special::LaneMaskLe},
      {"%lanemask_gt", Special::LaneMaskGt},
      {"%lanemask_ge", Special::LaneMaskGe},
  };
  auto it = names.find(name);
  if (it == names.end())
    return std::nullopt;
  return it->second;
}

unsigned typeBytes(StringRef type) {
  unsigned bits = 0;
  if (type.find_first_of("0123456789") == StringRef::npos)
    return 0;
  if (type.drop_front(type.find_first_of("0123456789")).getAsInteger(10, bits))
    return 0;
  return bits / 8;
}

class Parser {
public:
  Parser(StringRef text, StringRef entry) : lexer(text), wanted(entry) {}
  llvm::Expected<Program> parse();

private:
  Error fail(const llvm::Twine &message) {
    return fail(message, lexer.peek().line);
  }
  Error fail(const llvm::Twine &message, unsigned ptxLine) {
    SourceLine at = loc;
    at.ptxLine = ptxLine;
    return llvm::createStringError(program.where(at) + ": " + message);
  }
  Error expect(StringRef spelling) {
    if (lexer.accept(spelling))
      return Error::success();
    return fail("expected '" + spelling + "', found '" + lexer.peek().text +
                "'");
  }

  Error parseTop();
  Error parseEntry();
  Error parseParams();
  Error parseBody();
  Error parseStatement();
  Error parseRegisters();
  Error parseVariable(bool isExtern);
  Error parseModuleVariable();
  Error parseInitializer(unsigned element, std::vector<uint8_t> &bytes,
                         uint64_t &next);
  Error parseBranchTargets();
  Error resolveTargets(Inst &inst);
  Error parseInstruction();
  llvm::Expected<Operand> parseOperand(bool inVector = false);
  llvm::Expected<Operand> parseName(StringRef name);
  llvm::Expected<uint64_t> parseNumber();
  Error parseFile();
  void parseLoc();
  Error skipBraces();
  Error resolve();

  struct Symbol {
    uint64_t value = 0;
  };
  uint32_t *findRegister(StringRef name) {
    for (auto it = scopes.rbegin(); it != scopes.rend(); ++it)
      if (auto found = it->find(name); found != it->end())
        return &found->second;
    return nullptr;
  }

  Lexer lexer;
  StringRef wanted;
  Program program;
  bool found = false;
  uint32_t sharedNext = sharedBase, dynamicAlign = 16;
  std::vector<std::string> dynamicNames;
  std::vector<llvm::StringMap<uint32_t>> scopes;
  llvm::StringMap<Symbol> symbols;
  llvm::StringMap<uint32_t> labels;
  std::string lastLabel;
  llvm::StringMap<std::vector<std::string>> branchTables;
  SourceLine loc;
  bool doubles = false; ///< The instruction being parsed is of f64.
};

void flatten(const Operand &op, std::vector<uint32_t> &out) {
  if (op.kind == Operand::Kind::Reg || op.kind == Operand::Kind::Mem)
    if (op.reg != NoRegister)
      out.push_back(op.reg);
  for (const Operand &elem : op.elems)
    flatten(elem, out);
}

} // namespace

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

Error Parser::parseVariable(bool isExtern) {
  bool isLocal = lexer.take().is(".local");
  uint64_t align = 1, bytes = 0;
  if (lexer.accept(".align")) {
    auto value = parseNumber();
    if (!value)
      return value.takeError();
    align = *value;
  }
  unsigned element = typeBytes(lexer.take().text);
  if (!element || !align)
    return fail("malformed variable");
  align = std::max<uint64_t>(align, element);
  std::string name = lexer.take().text.str();
  bytes = element;
  bool isDynamic = false;
  while (lexer.accept("[")) {
    if (lexer.accept("]")) {
      isDynamic = true;
      break;
    }
    auto value = parseNumber();
    if (!value)
      return value.takeError();
    bytes *= *value;
    if (Error error = expect("]"))
      return error;
  }
  if (Error error = expect(";"))
    return error;
  if (isLocal) {
    program.localBytes = (program.localBytes + align - 1) / align * align;
    symbols[name].value = program.localBytes;
    program.localBytes += bytes;
  } else if (isDynamic && isExtern) {
    // All dynamic arrays share one address, known once every static is.
    dynamicAlign = std::max<uint32_t>(dynamicAlign, align);
    dynamicNames.push_back(name);
    symbols[name].value = sharedBase;
  } else if (isExtern || isDynamic) {
    return fail("shared variable '" + llvm::Twine(name) +
                "' is external, but not a dynamic array");
  } else {
    sharedNext = (sharedNext + align - 1) / align * align;
    symbols[name].value = sharedNext;
    sharedNext += bytes;
  }
  return Error::success();
}

/// The values behind `=`: a number, or numbers in braces, nested or not.
Error Parser::parseInitializer(unsigned element, std::vector<uint8_t> &bytes,
                               uint64_t &next) {
  if (lexer.accept("{")) {
    while (!lexer.accept("}")) {
      if (Error error = parseInitializer(element, bytes, next))
        return error;
      if (!lexer.accept(",") && !lexer.peek().is("}"))
        return fail("expected ',' or '}', found '" + lexer.peek().text + "'");
    }
    return Error::success();
  }
  auto value = parseNumber();
  if (!value)
    return value.takeError();
  if (next + element > bytes.size())
    return fail("more values than the variable has elements");
  std::memcpy(&bytes[next], &*value, element);
  next += element;
  return Error::success();
}

/// .global and .const variables: [.align A] .type name [N]... [= values];
Error Parser::parseModuleVariable() {
  bool isConst = lexer.take().is(".const");
  uint64_t align = 1;
  if (lexer.accept(".align")) {
    auto value = parseNumber();
    if (!value)
      return value.takeError();
    align = *value;
  }
  unsigned element = typeBytes(lexer.take().text);
  if (!element || !align || (align & (align - 1)))
    return fail("malformed variable");
  align = std::max<uint64_t>(align, element);
  std::string name = lexer.take().text.str();
  uint64_t size = element;
  while (lexer.accept("[")) {
    auto value = parseNumber();
    if (!value)
      return value.takeError();
    if (*value > (uint64_t(1) << 32) / size)
      return fail("a variable of more than 4 GiB");
    size *= *value;
    if (Error error = expect("]"))
      return error;
  }
  std::vector<uint8_t> bytes(size);
  uint64_t next = 0;
  if (lexer.accept("="))
    if (Error error = parseInitializer(element, bytes, next))
      return error;
  if (isConst) {
    uint64_t at = llvm::alignTo(program.constants.size(), align);
    program.constants.resize(at);
    llvm::append_range(program.constants, bytes);
    symbols[name].value = at;
    // PTX ISA, "Constant State Space": 64 KiB that the module may lay out.
    if (program.constants.size() > 65536)
      return fail("more than 64 KiB of .const variables");
  } else {
    // As allocations, variables lie apart, so that running out of one is found.
    uint64_t at = program.globals.empty()
                      ? moduleVariables
                      : program.globals.back().address +
                            program.globals.back().bytes.size() + 4096;
    at = llvm::alignTo(at, std::max<uint64_t>(align, 256));
    symbols[name].value = at;
    program.globals.push_back({name, at, std::move(bytes)});
  }
  return expect(";");
}

/// `label: .branchtargets a, b, c;`: where a brx.idx goes.
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

Error Parser::parseParams() {
  if (!lexer.accept("("))
    return Error::success();
  while (!lexer.accept(")")) {
    if (Error error = expect(".param"))
      return error;
    uint64_t align = 0, size = 0;
    std::string name;
    // .param [.align A] .type [.ptr [.space] [.align A]] name [N]
    while (!lexer.peek().is(",") && !lexer.peek().is(")")) {
      Token token = lexer.take();
      if (token.kind == Token::End)
        return fail("unfinished parameter list");
      if (token.is(".align")) {
        auto value = parseNumber();
        if (!value)
          return value.takeError();
        if (!size) // Behind .ptr it is the pointee's.
          align = *value;
      } else if (token.is("[")) {
        auto value = parseNumber();
        if (!value)
          return value.takeError();
        size *= *value;
        if (Error error = expect("]"))
          return error;
      } else if (token.kind == Token::Word && token.text.starts_with(".")) {
        if (!size)
          size = typeBytes(token.text);
      } else {
        name = token.text.str();
      }
    }
    lexer.accept(",");
    if (!size || name.empty())
      return fail("malformed parameter");
    align = std::max<uint64_t>(align, std::min<uint64_t>(size, 8));
    if (size > 8 && align > 128)
      return fail("parameter alignment above 128");
    uint32_t offset = (program.paramBytes + align - 1) / align * align;
    program.params.push_back({name, offset, uint32_t(size)});
    program.paramBytes = offset + size;
    symbols[name].value = offset;
  }
  return Error::success();
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

Error Parser::parseRegisters() {
  lexer.take();
  StringRef type = lexer.take().text;
  if (!type.starts_with("."))
    return fail("malformed .reg");
  do {
    std::string name = lexer.take().text.str();
    if (lexer.accept("<")) {
      auto count = parseNumber();
      if (!count)
        return count.takeError();
      if (*count > 1000000)
        return fail("too many registers");
      if (Error error = expect(">"))
        return error;
      for (uint64_t i = 0; i < *count; ++i)
        scopes.back()[name + std::to_string(i)] = program.registers++;
    } else {
      scopes.back()[name] = program.registers++;
    }
  } while (lexer.accept(","));
  return expect(";");
}

llvm::Expected<uint64_t> Parser::parseNumber() {
  bool negative = lexer.accept("-");
  Token token = lexer.take();
  StringRef text = token.text;
  uint64_t value = 0;
  if (token.kind != Token::Number)
    return fail("expected a number, found '" + text + "'", token.line);
  if (text.consume_front("0f") || text.consume_front("0F") ||
      text.consume_front("0d") || text.consume_front("0D")) {
    if (text.getAsInteger(16, value))
      return fail("malformed floating-point literal", token.line);
    return value;
  }
  if (text.contains('.')) {
    // A decimal literal takes the instruction's type; fractions of
    // createpolicy are f32 too.
    double real = 0;
    if (text.getAsDouble(real))
      return fail("malformed number '" + text + "'", token.line);
    real = negative ? -real : real;
    return doubles ? llvm::bit_cast<uint64_t>(real)
                   : llvm::bit_cast<uint32_t>(float(real));
  }
  text.consume_back("U");
  if (text.starts_with("0x") ? text.drop_front(2).getAsInteger(16, value)
                             : text.getAsInteger(10, value))
    return fail("malformed number '" + text + "'", token.line);
  return negative ? 0 - value : value;
}

llvm::Expected<Operand> Parser::parseName(StringRef name) {
  Operand op;
  if (name == "_") {
    op.kind = Operand::Kind::Sink;
    return op;
  }
  if (uint32_t *reg = findRegister(name)) {
    op.kind = Operand::Kind::Reg;
    op.reg = *reg;
    return op;
  }
  if (auto special = findSpecial(name)) {
    op.kind = Operand::Kind::Special;
    op.imm = uint64_t(*special);
    return op;
  }
  if (auto it = symbols.find(name); it != symbols.end()) {
    op.kind = Operand::Kind::Imm;
    op.imm = it->second.value;
    op.label = name.str(); // Dynamic shared symbols get their address later.
    return op;
  }
  if (name.starts_with("%"))
    return fail("register '" + name + "' is not declared or not modelled");
  op.kind = Operand::Kind::Label;
  op.label = name.str();
  return op;
}

llvm::Expected<Operand> Parser::parseOperand(bool inVector) {
  Operand op;
  if (lexer.accept("{")) {
    op.kind = Operand::Kind::Vec;
    while (!lexer.accept("}")) {
      auto elem = parseOperand(/*inVector=*/true);
      if (!elem)
        return elem.takeError();
      if (!elem->isReg() && !elem->isImm() && elem->kind != Operand::Kind::Sink)
        return fail("a vector of other than registers and numbers");
      op.elems.push_back(std::move(*elem));
      if (!lexer.accept(",") && !lexer.peek().is("}"))
        return fail("expected ',' or '}', found '" + lexer.peek().text + "'");
    }
    return op;
  }
  if (lexer.accept("[")) {
    op.kind = Operand::Kind::Mem;
    if (lexer.peek().kind == Token::Number) {
      auto value = parseNumber();
      if (!value)
        return value.takeError();
      op.imm = *value;
    } else {
      auto base = parseName(lexer.take().text);
      if (!base)
        return base.takeError();
      if (base->kind == Operand::Kind::Label)
        return fail("'" + base->label + "' is not declared");
      if (!base->isReg() && !base->isImm())
        return fail("not an address");
      op.reg = base->reg;
      op.imm = base->imm;
      op.label = base->label;
      if (lexer.accept("+") || lexer.peek().is("-")) {
        auto value = parseNumber();
        if (!value)
          return value.takeError();
        op.imm += *value;
      }
    }
    if (lexer.accept(",")) {
      auto coordinates = parseOperand();
      if (!coordinates)
        return coordinates.takeError();
      op.elems.push_back(std::move(*coordinates));
    }
    if (Error error = expect("]"))
      return std::move(error);
    return op;
  }
  if (lexer.peek().kind == Token::Number || lexer.peek().is("-")) {
    auto value = parseNumber();
    if (!value)
      return value.takeError();
    op.kind = Operand::Kind::Imm;
    op.imm = *value;
    return op;
  }
  bool negated = lexer.accept("!");
  if (lexer.peek().kind != Token::Word)
    return fail("expected an operand, found '" + lexer.peek().text + "'");
  auto named = parseName(lexer.take().text);
  if (!named)
    return named;
  named->negated = negated;
  if (!inVector && lexer.accept("|")) {
    auto second = parseName(lexer.take().text);
    if (!second)
      return second;
    op.kind = Operand::Kind::Pair;
    op.elems = {std::move(*named), std::move(*second)};
    return op;
  }
  if (named->kind == Operand::Kind::Imm && lexer.accept("+")) {
    auto value = parseNumber();
    if (!value)
      return value.takeError();
    named->imm += *value;
  }
  return named;
}

Error Parser::parseInstruction() {
  Inst inst;
  if (lexer.accept("@")) {
    inst.guardNegated = lexer.accept("!");
    uint32_t *reg = findRegister(lexer.peek().text);
    if (!reg)
      return fail("predicate '" + lexer.peek().text + "' is not declared");
    inst.guard = *reg;
    lexer.take();
  }
  Token opcode = lexer.take();
  if (opcode.kind != Token::Word)
    return fail("expected an instruction, found '" + opcode.text + "'",
                opcode.line);
  if (inst.guard == NoRegister && lexer.accept(":")) {
    labels[opcode.text] = program.code.size();
    lastLabel = opcode.text.str();
    return Error::success();
  }
  inst.opcode = opcode.text.str();
  doubles = opcode.text.ends_with(".f64");
  inst.loc = loc;
  inst.loc.ptxLine = opcode.line;
  while (!lexer.accept(";")) {
    auto op = parseOperand();
    if (!op)
      return op.takeError();
    inst.ops.push_back(std::move(*op));
    if (!lexer.accept(",") && !lexer.peek().is(";"))
      return fail("expected ',' or ';', found '" + lexer.peek().text + "'");
  }
  program.code.push_back(std::move(inst));
  return Error::success();
}

/// The instructions that the table of a brx.idx names.
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
