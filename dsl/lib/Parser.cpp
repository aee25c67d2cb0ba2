//===- Parser.cpp - files, kernels and declarations -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"
#include "tilewright/DSL/Frontend.h"

using namespace llvm;

namespace tilewright::dsl {

//===----------------------------------------------------------------------===//
// Tokens and recovery
//===----------------------------------------------------------------------===//

bool Parser::fail(const Twine &message) {
  const Token &token = peek();
  SMLoc loc = token.loc();
  std::string found;
  switch (token.kind) {
  case Tok::Eof:
    found = "the end of the file";
    break;
  case Tok::Ident:
  case Tok::Int:
  case Tok::Float:
    found = ("'" + token.text.take_front(40) + "'").str();
    break;
  default:
    found = describe(token.kind);
  }
  diags.error(loc, message + ", found " + found,
              {SMRange(token.loc(), token.end())});
  return false;
}

bool Parser::expect(Tok kind, const Twine &where) {
  if (accept(kind))
    return true;
  return fail("expected " + Twine(describe(kind)) + " " + where);
}

bool Parser::expectName(Ident &result, const Twine &what) {
  if (at(Tok::Ident)) {
    result = ident(take());
    return true;
  }
  if (isKeyword(peek().text)) {
    diags.error(peek().loc(), "expected " + what + "; '" + peek().text +
                                  "' is a keyword and cannot be a name");
    return false;
  }
  return fail("expected " + what);
}

Parser::Level::Level(Parser &parser) : parser(parser) {
  ok = ++parser.depth <= maxDepth;
  if (!ok)
    parser.diags.error(parser.peek().loc(), "nested too deeply (more than " +
                                                Twine(maxDepth) + " levels)");
}

void Parser::skipStatement(size_t begin) {
  unsigned braces = 0;
  while (true) {
    switch (peek().kind) {
    case Tok::Eof:
      return;
    case Tok::LBrace:
      ++braces;
      break;
    case Tok::RBrace:
      if (braces == 0)
        return;
      --braces;
      break;
    default:
      if (pos != begin && braces == 0 && peek().startsLine)
        return;
      break;
    }
    take();
  }
}

void Parser::skipToKernel() {
  while (!at(Tok::Eof) && !(at(Tok::KwKernel) && peek().startsLine))
    take();
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

File Parser::parseFile() {
  SmallVector<KernelDecl *, 2> kernels;
  SmallVector<Stmt *, 4> globals;
  while (!at(Tok::Eof)) {
    if (at(Tok::KwConst) || at(Tok::KwFn)) {
      size_t begin = pos;
      if (Stmt *stmt = at(Tok::KwConst) ? parseConst() : parseFn())
        globals.push_back(stmt);
      else
        skipStatement(begin);
      continue;
    }
    if (!at(Tok::KwKernel)) {
      fail("expected 'kernel', 'const' or 'fn'");
      take();
      skipToKernel();
      continue;
    }
    if (KernelDecl *kernel = parseKernel())
      kernels.push_back(kernel);
    else
      skipToKernel();
  }
  return File{context.copyOf(globals), context.copyOf(kernels)};
}

KernelDecl *Parser::parseKernel() {
  auto *kernel = context.create<KernelDecl>();
  kernel->loc = take().loc();
  if (!expectName(kernel->name, "the kernel's name"))
    return nullptr;
  if (accept(Tok::Less)) {
    SmallVector<ConstParam, 8> consts;
    while (!at(Tok::Greater)) {
      if (!parseConstParam(consts))
        return nullptr;
      if (!accept(Tok::Comma))
        break;
    }
    if (!expect(Tok::Greater, "to close the kernel's constants"))
      return nullptr;
    kernel->consts = context.copyOf(consts);
  }
  if (!expect(Tok::LParen, "to open the kernel's tensors"))
    return nullptr;
  SmallVector<TensorParam, 8> params;
  while (!at(Tok::RParen)) {
    if (!parseTensorParam(params))
      return nullptr;
    if (!accept(Tok::Comma))
      break;
  }
  if (!expect(Tok::RParen, "to close the kernel's tensors"))
    return nullptr;
  kernel->params = context.copyOf(params);
  SmallVector<Stmt *, 2> header;
  while (at(Tok::KwRequire)) {
    Stmt *stmt = parseRequire();
    if (!stmt)
      return nullptr;
    header.push_back(stmt);
  }
  kernel->header = context.copyOf(header);
  kernel->body = parseBlock("the kernel's body");
  return kernel->body ? kernel : nullptr;
}

bool Parser::parseConstParam(SmallVectorImpl<ConstParam> &params) {
  ConstParam param{{}, {}, nullptr};
  if (!expectName(param.name, "a constant's name"))
    return false;
  if (accept(Tok::Colon)) {
    if (!expectName(param.kind, "'int', 'bool', 'type' or 'major'"))
      return false;
    StringRef kind = param.kind.name;
    if (kind != "int" && kind != "bool" && kind != "type" && kind != "major") {
      diags.error(param.kind.loc, "a constant is an 'int', a 'bool', a 'type' "
                                  "or a 'major', not '" +
                                      kind + "'");
      param.kind = {};
    }
  }
  if (accept(Tok::Equal)) {
    // A comparison would take the closing bracket.
    param.defaultValue = parseSum();
    if (!param.defaultValue)
      return false;
  }
  params.push_back(param);
  return true;
}

bool Parser::parseTensorParam(SmallVectorImpl<TensorParam> &params) {
  TensorParam param{{}, nullptr, {}, {}, {}, nullptr};
  if (!expectName(param.name, "a tensor's name") ||
      !expect(Tok::Colon, "and a type after '" + param.name.name + "'"))
    return false;
  param.type = parseType(/*tensor=*/true);
  if (!param.type)
    return false;
  auto set = [&](Ident &slot) {
    Ident word = ident(take());
    if (slot)
      diags.error(word.loc, "'" + word.name + "' after '" + slot.name +
                                "' on one tensor");
    slot = word;
  };
  while (true) {
    if (at(Tok::KwOut) || at(Tok::KwInout)) {
      set(param.mode);
    } else if (at(Tok::KwSymm)) {
      set(param.symm);
    } else if (at(Tok::KwConst)) {
      set(param.isConst);
    } else if (atWord("major")) {
      take();
      param.major = parseSmallAtom("a dimension after 'major'");
      if (!param.major)
        return false;
    } else {
      break;
    }
  }
  params.push_back(param);
  return true;
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

Stmt *Parser::parseConst() {
  SMLoc start = take().loc();
  Ident name;
  if (!expectName(name, "a name after 'const'") ||
      !expect(Tok::Equal, "after the constant's name"))
    return nullptr;
  Expr *value = parseExpr();
  return value ? context.create<ConstStmt>(name, value, start) : nullptr;
}

Stmt *Parser::parseFn() {
  SMLoc start = take().loc();
  Ident name;
  if (!expectName(name, "a name after 'fn'") ||
      !expect(Tok::LParen, "after the function's name"))
    return nullptr;
  SmallVector<Ident, 4> params;
  while (!at(Tok::RParen)) {
    Ident param;
    if (!expectName(param, "a parameter"))
      return nullptr;
    params.push_back(param);
    if (!accept(Tok::Comma))
      break;
  }
  if (!expect(Tok::RParen, "to close the parameters") ||
      !expect(Tok::Equal, "and the function's value"))
    return nullptr;
  Expr *value = parseExpr();
  if (!value)
    return nullptr;
  return context.create<FnStmt>(name, context.copyOf(params), value, start);
}

Stmt *Parser::parseRequire() {
  SMLoc start = take().loc();
  SmallVector<Expr *, 4> conds;
  do {
    Expr *cond = parseExpr();
    if (!cond)
      return nullptr;
    conds.push_back(cond);
  } while (at(Tok::Comma) && !startsStatement(1) && accept(Tok::Comma));
  return context.create<RequireStmt>(context.copyOf(conds), start);
}

Stmt *Parser::parseTune() {
  SMLoc start = take().loc();
  SmallVector<TuneStmt::Choice, 4> choices;
  do {
    TuneStmt::Choice choice{{}, nullptr};
    choice.hint = accept(Tok::KwWith);
    if (!expectName(choice.name, choice.hint ? "a hint after 'with'"
                                             : "a constant after 'tune'") ||
        !expect(Tok::KwIn,
                choice.hint ? "after the hint" : "after the constant"))
      return nullptr;
    choice.values = parseRange();
    if (!choice.values)
      return nullptr;
    choices.push_back(choice);
  } while (at(Tok::Comma) &&
           ((peek(1).kind == Tok::Ident && peek(2).kind == Tok::KwIn) ||
            (peek(1).kind == Tok::KwWith && peek(2).kind == Tok::Ident &&
             peek(3).kind == Tok::KwIn)) &&
           accept(Tok::Comma));
  Expr *where = nullptr;
  if (accept(Tok::KwWhere)) {
    where = parseExpr();
    if (!where)
      return nullptr;
  }
  return context.create<TuneStmt>(context.copyOf(choices), where, start);
}

Stmt *Parser::parseTiles() {
  SMLoc start = take().loc();
  Ident name;
  if (!expectName(name, "the iterator's name after 'tiles'") ||
      !expect(Tok::LParen, "after the iterator's name"))
    return nullptr;
  SmallVector<AxisBinder, 4> vars;
  if (!parseBinders(vars, Tok::RParen, /*needExtent=*/true,
                    "the iterator's dimensions"))
    return nullptr;
  SmallVector<TilesOption, 4> options;
  if (!parseTilesOptions(options))
    return nullptr;
  return context.create<TilesStmt>(name, context.copyOf(vars),
                                   context.copyOf(options), start);
}

bool Parser::parseTilesOptions(SmallVectorImpl<TilesOption> &options) {
  while (true) {
    // A comma may also separate this item from the next one.
    unsigned ahead = at(Tok::Comma) ? 1 : 0;
    bool isOption = atWord("persistent", ahead) || atWord("raster", ahead) ||
                    atWord("cluster", ahead) ||
                    peek(ahead).kind == Tok::KwWhere;
    if (!isOption)
      return true;
    if (ahead)
      take();
    TilesOption option{
        TilesOption::Persistent, peek().loc(), nullptr, {}, false};
    Token word = take();
    if (word.kind == Tok::KwWhere) {
      option.kind = TilesOption::Where;
      option.value = parseExpr();
      if (!option.value)
        return false;
    } else if (word.text != "persistent") {
      option.kind =
          word.text == "raster" ? TilesOption::Raster : TilesOption::Cluster;
      option.value = parseSum();
      if (!option.value ||
          !expect(Tok::KwOver, "and a dimension after '" + word.text + " n'") ||
          !expectName(option.over, "a dimension after 'over'"))
        return false;
      if (option.kind == TilesOption::Cluster)
        option.pair = acceptWord("pair");
    }
    options.push_back(option);
  }
}

Stmt *Parser::parseSchedule() {
  SMLoc start = take().loc();
  Ident name;
  if (!expectName(name, "the iterator's name after 'schedule'") ||
      !expect(Tok::LParen, "after the iterator's name"))
    return nullptr;
  SmallVector<Ident, 4> vars;
  while (!at(Tok::RParen)) {
    Ident var;
    if (!expectName(var, "a component of the iterator"))
      return nullptr;
    vars.push_back(var);
    if (!accept(Tok::Comma))
      break;
  }
  if (!expect(Tok::RParen, "to close the iterator's components"))
    return nullptr;
  bool shared = acceptWord("shared");
  SmallVector<TilesOption, 2> options;
  if (!parseTilesOptions(options))
    return nullptr;
  BlockStmt *body = parseBlock("the schedule's body");
  if (!body)
    return nullptr;
  return context.create<ScheduleStmt>(name, context.copyOf(vars), shared,
                                      context.copyOf(options), body, start);
}

Stmt *Parser::parsePipe() {
  SMLoc start = take().loc();
  Ident name;
  if (!expectName(name, "the pipe's name after 'pipe'") ||
      !expect(Tok::LBracket, "and a depth (or max) after the pipe's name"))
    return nullptr;
  auto *pipe = context.create<PipeStmt>(name, start);
  if (atWord("max") && peek(1).kind == Tok::RBracket) {
    take();
  } else {
    pipe->depth = parseExpr();
    if (!pipe->depth)
      return nullptr;
  }
  if (!expect(Tok::RBracket, "to close the pipe's depth") ||
      !parsePipeOptions(pipe) || !parseFields(pipe))
    return nullptr;
  return pipe;
}

bool Parser::parsePipeOptions(PipeStmt *pipe) {
  while (!at(Tok::LBrace)) {
    Token word = peek();
    if (accept(Tok::KwIn)) {
      if (!expectName(pipe->scope,
                      "'smem', 'cluster', 'tmem', 'gmem' or 'ranks'"))
        return false;
    } else if (acceptWord("key")) {
      SmallVector<AxisBinder, 2> keys;
      if (!expect(Tok::LParen, "after 'key'") ||
          !parseBinders(keys, Tok::RParen, /*needExtent=*/true,
                        "the pipe's keys"))
        return false;
      pipe->keys = context.copyOf(keys);
    } else if (acceptWord("full") || accept(Tok::KwFree)) {
      Expr *&slot = word.text == "full" ? pipe->full : pipe->freed;
      slot = parseExpr();
      if (!slot)
        return false;
    } else {
      return fail("expected 'in', 'key', 'full', 'free' or '{' in a pipe");
    }
  }
  return true;
}

bool Parser::parseFields(PipeStmt *pipe) {
  Level level(*this);
  if (!level.ok || !expect(Tok::LBrace, "to open the pipe's fields"))
    return false;
  SmallVector<FieldDecl, 4> fields;
  while (true) {
    while (at(Tok::Comma) || at(Tok::Semi))
      take();
    if (at(Tok::RBrace) || at(Tok::Eof))
      break;
    FieldDecl field{{}, nullptr, false};
    if (!expectName(field.name, "a field's name") ||
        !expect(Tok::Colon, "and a type after '" + field.name.name + "'"))
      return false;
    field.type = parseType(/*tensor=*/false);
    if (!field.type)
      return false;
    field.isPrivate = acceptWord("private");
    fields.push_back(field);
    if (!peek().startsLine && !at(Tok::Comma) && !at(Tok::Semi) &&
        !at(Tok::RBrace))
      return fail("expected ',' or '}' after a field");
  }
  pipe->fields = context.copyOf(fields);
  return expect(Tok::RBrace, "to close the pipe's fields");
}

Stmt *Parser::parseCounter() {
  SMLoc start = take().loc();
  Ident name, scope;
  if (!expectName(name, "a name after 'counter'"))
    return nullptr;
  SmallVector<Expr *, 2> dims;
  if (at(Tok::LBracket) && !peek().startsLine) {
    take();
    if (!parseExprList(dims, Tok::RBracket, "counter's dimensions"))
      return nullptr;
  }
  if (accept(Tok::KwIn))
    if (!expectName(scope, "'smem', 'gmem' or 'ranks'"))
      return nullptr;
  return context.create<CounterStmt>(name, context.copyOf(dims), scope, start);
}

Stmt *Parser::parseRole() {
  SMLoc start = take().loc();
  Ident name;
  if (!expectName(name, "the role's name") ||
      !expect(Tok::LParen, "and the role's size (warps 1)"))
    return nullptr;
  RoleOptions options;
  while (!at(Tok::RParen)) {
    Token word = peek();
    if (atWord("warps") || atWord("groups")) {
      take();
      if (options.count) {
        diags.error(word.loc(), "a role has one size, 'warps n' or 'groups n'");
        return nullptr;
      }
      options.unit =
          word.text == "warps" ? RoleOptions::Warps : RoleOptions::Groups;
      options.count = parseExpr();
      if (!options.count)
        return nullptr;
      if (acceptWord("split")) {
        if (!expectName(options.split, "an axis or an iterator after 'split'"))
          return nullptr;
        if (options.unit == RoleOptions::Warps)
          diags.error(options.split.loc,
                      "'split' divides work among groups of four warps: write "
                      "'groups n split " +
                          options.split.name + "'");
      }
    } else if (acceptWord("regs")) {
      options.regs = parseExpr();
      if (!options.regs)
        return nullptr;
    } else {
      fail("expected 'warps', 'groups' or 'regs' in a role");
      return nullptr;
    }
    if (!accept(Tok::Comma))
      break;
  }
  if (!expect(Tok::RParen, "to close the role's options"))
    return nullptr;
  if (!options.count) {
    diags.error(name.loc, "role '" + name.name +
                              "' has no size: add 'warps n' or 'groups n'");
    return nullptr;
  }
  BlockStmt *body = parseBlock("the role's body");
  if (!body)
    return nullptr;
  return context.create<RoleStmt>(name, options, body, start);
}

File parse(SourceMgr &sm, unsigned buffer, ASTContext &context,
           Diagnostics &diags) {
  StringRef source = sm.getMemoryBuffer(buffer)->getBuffer();
  return Parser(lex(source, diags), context, diags).parseFile();
}

} // namespace tilewright::dsl
