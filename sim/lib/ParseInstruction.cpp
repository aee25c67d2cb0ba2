//===- ParseInstruction.cpp - PTX operands and instructions ---------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Parser.h"
#include "llvm/ADT/bit.h"
#include <optional>

using namespace tilewright::sim;
using llvm::Error;
using llvm::StringRef;

static std::optional<Special> findSpecial(StringRef name) {
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
