//===- ParseStmt.cpp - statements -----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"

using namespace llvm;

namespace tilewright::dsl {

BlockStmt *Parser::parseBlock(const Twine &what) {
  Level level(*this);
  if (!level.ok)
    return nullptr;
  SMLoc start = peek().loc();
  if (!expect(Tok::LBrace, "to open " + what))
    return nullptr;
  SmallVector<Stmt *, 8> stmts;
  while (true) {
    while (at(Tok::Comma) || at(Tok::Semi))
      take();
    if (at(Tok::RBrace) || at(Tok::Eof))
      break;
    size_t before = pos;
    Stmt *stmt = parseStatement();
    if (stmt) {
      stmts.push_back(stmt);
      if (peek().startsLine || at(Tok::Comma) || at(Tok::Semi) ||
          at(Tok::RBrace) || at(Tok::Eof))
        continue;
      fail("expected the end of the statement (a line break, ',' or ';')");
    }
    skipStatement(before);
    if (pos == before)
      take();
  }
  if (!at(Tok::RBrace)) {
    fail("expected '}'");
    diags.note(start, "to close this '{'");
    return context.create<BlockStmt>(context.copyOf(stmts), start, lastEnd());
  }
  SMLoc end = take().loc();
  return context.create<BlockStmt>(context.copyOf(stmts), start, end);
}

/// body = block | statement
Stmt *Parser::parseBody() {
  Level level(*this);
  if (!level.ok)
    return nullptr;
  if (at(Tok::LBrace))
    return parseBlock("a body");
  return parseStatement();
}

Stmt *Parser::parseStatement() {
  switch (peek().kind) {
  case Tok::KwConst:
    return parseConst();
  case Tok::KwFn:
    return parseFn();
  case Tok::KwTiles:
    return parseTiles();
  case Tok::KwSchedule:
    return parseSchedule();
  case Tok::KwPipe:
    return parsePipe();
  case Tok::KwCounter:
    return parseCounter();
  case Tok::KwRole:
    return parseRole();
  case Tok::KwRequire:
    return parseRequire();
  case Tok::KwTune:
    return parseTune();
  case Tok::KwWhen:
    return parseWhen();
  case Tok::KwIf:
    return parseIf();
  case Tok::KwFor:
    return parseFor();
  case Tok::KwPut:
    return parsePut();
  case Tok::KwFree: {
    SMLoc loc = take().loc();
    Ident name;
    SmallVector<Expr *, 2> keys;
    if (!expectName(name, "a slot after 'free'") || !parseKeys(keys))
      return nullptr;
    return context.create<FreeStmt>(name, context.copyOf(keys), loc);
  }
  case Tok::KwEach:
    return parseEach();
  case Tok::KwAwait:
    return parseAwait();
  case Tok::KwBarrier:
    return parseBarrier();
  case Tok::KwYield:
    return parseYield();
  case Tok::LBrace:
    return parseBlock("a block");
  case Tok::Ident:
  case Tok::LParen:
    return parseNamed();
  case Tok::KwElse:
    fail("'else' without an 'if' or 'when' before it");
    return nullptr;
  default:
    fail("expected a statement");
    return nullptr;
  }
}

/// Statements that start with a name: declarations, assignments, copies, calls.
Stmt *Parser::parseNamed() {
  Token name = peek();
  SmallVector<Hint, 2> hints;
  if (at(Tok::Ident) && peek(1).kind == Tok::Colon) {
    take();
    take();
    TypeSyntax *type = parseType(/*tensor=*/false);
    if (!type)
      return nullptr;
    Expr *value = nullptr;
    if (accept(Tok::Equal)) {
      value = parseValue();
      if (!value || !parseHints(hints))
        return nullptr;
    }
    return context.create<LetStmt>(ident(name), type, value,
                                   context.copyOf(hints));
  }
  if (at(Tok::Ident) && peek(1).kind == Tok::Equal) {
    take();
    take();
    Expr *value = parseValue();
    if (!value || !parseHints(hints))
      return nullptr;
    return context.create<LetStmt>(ident(name), nullptr, value,
                                   context.copyOf(hints));
  }
  Expr *target = parsePostfix();
  if (!target)
    return nullptr;
  AssignOp op;
  switch (peek().kind) {
  case Tok::Arrow: {
    SMLoc loc = take().loc();
    Expr *src = parseValue();
    if (!src || !parseHints(hints))
      return nullptr;
    return context.create<CopyStmt>(target, src, context.copyOf(hints), loc);
  }
  case Tok::Equal:
    op = AssignOp::Set;
    break;
  case Tok::PlusEq:
    op = AssignOp::Add;
    break;
  default:
    if (target->getKind() == ExprKind::Call)
      return context.create<EvalStmt>(target);
    fail("expected '<-', '=' or '+=' to make this a statement");
    return nullptr;
  }
  SMLoc loc = take().loc();
  Expr *src = parseValue();
  if (!src || !parseHints(hints))
    return nullptr;
  return context.create<AssignStmt>(target, op, src, context.copyOf(hints),
                                    loc);
}

/// [ "[" key { "," key } "]" ]
bool Parser::parseKeys(SmallVectorImpl<Expr *> &keys) {
  if (!at(Tok::LBracket) || peek().startsLine)
    return true;
  SMLoc loc = take().loc();
  if (!parseExprList(keys, Tok::RBracket, "keys"))
    return false;
  if (keys.empty())
    diags.error(loc, "expected a key between '[' and ']'");
  return !keys.empty();
}

/// range = a..b [step c] | (x, y) | iterator [(args)]
Expr *Parser::parseRange() {
  Expr *lower = parseExpr();
  if (!lower || !at(Tok::DotDot))
    return lower;
  SMLoc loc = take().loc();
  Expr *upper = parseExpr();
  if (!upper)
    return nullptr;
  Expr *step = nullptr;
  if (accept(Tok::KwStep)) {
    step = parseExpr();
    if (!step)
      return nullptr;
  }
  return finish(context.create<RangeExpr>(lower, upper, step, loc, lastEnd()),
                {lower, upper, step});
}

Stmt *Parser::parseFor() {
  SMLoc start = take().loc();
  SmallVector<ForClause, 2> clauses;
  do {
    ForClause clause{{}, nullptr, nullptr, peek().loc()};
    SmallVector<Ident, 3> vars;
    if (accept(Tok::LParen)) {
      do {
        Ident var;
        if (!expectName(var, "a loop variable"))
          return nullptr;
        vars.push_back(var);
      } while (accept(Tok::Comma) && !at(Tok::RParen));
      if (!expect(Tok::RParen, "after the loop variables"))
        return nullptr;
    } else {
      Ident var;
      if (!expectName(var, "a loop variable after 'for'"))
        return nullptr;
      vars.push_back(var);
    }
    if (!expect(Tok::KwIn, "after the loop variable"))
      return nullptr;
    clause.vars = context.copyOf(vars);
    clause.domain = parseRange();
    if (!clause.domain)
      return nullptr;
    if (accept(Tok::KwWhere)) {
      clause.where = parseExpr();
      if (!clause.where)
        return nullptr;
    }
    clauses.push_back(clause);
  } while (accept(Tok::Comma));
  SmallVector<Hint, 2> hints;
  if (!parseHints(hints))
    return nullptr;
  Stmt *body = parseBody();
  if (!body)
    return nullptr;
  return context.create<ForStmt>(context.copyOf(clauses), context.copyOf(hints),
                                 body, start);
}

Stmt *Parser::parseIf() {
  Level level(*this);
  if (!level.ok)
    return nullptr;
  SMLoc start = take().loc();
  Expr *cond = parseExpr();
  if (!cond)
    return nullptr;
  Stmt *thenBody = parseBody();
  if (!thenBody)
    return nullptr;
  Stmt *elseBody = nullptr;
  if (accept(Tok::KwElse)) {
    elseBody = parseBody();
    if (!elseBody)
      return nullptr;
  }
  return context.create<IfStmt>(cond, thenBody, elseBody, start);
}

Stmt *Parser::parseWhen() {
  Level level(*this);
  if (!level.ok)
    return nullptr;
  SMLoc start = take().loc();
  Ident target;
  if (!expectName(target, "a target after 'when' (sm_90, sm_100)"))
    return nullptr;
  Stmt *thenBody = parseBody();
  if (!thenBody)
    return nullptr;
  Stmt *elseBody = nullptr;
  if (accept(Tok::KwElse)) {
    elseBody = parseBody();
    if (!elseBody)
      return nullptr;
  }
  return context.create<WhenStmt>(target, thenBody, elseBody, start);
}

Stmt *Parser::parsePut() {
  SMLoc start = take().loc();
  Ident pipe, as;
  if (!expectName(pipe, "a pipe after 'put'"))
    return nullptr;
  SmallVector<Expr *, 2> keys;
  if (!parseKeys(keys))
    return nullptr;
  Expr *where = nullptr;
  if (accept(Tok::At)) {
    where = parseSmallAtom("a CTA or a rank after '@'");
    if (!where)
      return nullptr;
  }
  if (accept(Tok::KwAs))
    if (!expectName(as, "a name for the slot after 'as'"))
      return nullptr;
  BlockStmt *body = parseBlock("the body of 'put'");
  if (!body)
    return nullptr;
  return context.create<PutStmt>(pipe, context.copyOf(keys), where, as, body,
                                 start);
}

Stmt *Parser::parseEach() {
  SMLoc start = take().loc();
  SmallVector<AxisBinder, 2> vars;
  do {
    AxisBinder var{{}, nullptr};
    if (!expectName(var.axis, "a variable after 'each'") ||
        !expect(Tok::Colon, "and an extent (each x: n over warps)"))
      return nullptr;
    var.extent = parseExpr();
    if (!var.extent)
      return nullptr;
    vars.push_back(var);
  } while (accept(Tok::Comma));
  Ident scope;
  if (!expect(Tok::KwOver, "after the extents of 'each'"))
    return nullptr;
  // `role` is a keyword, and a scope here.
  if (at(Tok::KwRole))
    scope = {"role", take().loc()};
  else if (!expectName(scope, "'warps', 'role' or 'grid' after 'over'"))
    return nullptr;
  Stmt *body = parseBody();
  if (!body)
    return nullptr;
  return context.create<EachStmt>(context.copyOf(vars), scope, body, start);
}

Stmt *Parser::parseAwait() {
  SMLoc start = take().loc();
  Expr *cond = parseCompare();
  if (!cond)
    return nullptr;
  return context.create<AwaitStmt>(cond, start);
}

Stmt *Parser::parseBarrier() {
  SMLoc start = take().loc();
  Ident scope;
  if (!expectName(scope, "'cluster', 'grid' or 'ranks' after 'barrier'"))
    return nullptr;
  return context.create<BarrierStmt>(scope, start);
}

Stmt *Parser::parseYield() {
  SMLoc start = take().loc();
  SmallVector<Expr *, 4> values;
  do {
    Expr *value = parseExpr();
    if (!value)
      return nullptr;
    values.push_back(value);
  } while (at(Tok::Comma) && !peek(1).startsLine && !startsStatement(1) &&
           accept(Tok::Comma));
  return context.create<YieldStmt>(context.copyOf(values), start);
}

/// Whether the token `ahead` starts a statement rather than a list's element.
bool Parser::startsStatement(unsigned ahead) const {
  Tok kind = peek(ahead).kind;
  if (kind == Tok::RBrace || kind == Tok::Eof)
    return true;
  if (kind != Tok::Ident)
    return kind != Tok::Int && kind != Tok::Float && kind != Tok::Minus &&
           kind != Tok::LParen && kind != Tok::KwTrue && kind != Tok::KwFalse &&
           kind != Tok::KwNot && kind != Tok::KwReg;
  switch (peek(ahead + 1).kind) {
  case Tok::Arrow:
  case Tok::Equal:
  case Tok::PlusEq:
  case Tok::Colon:
    return true;
  default:
    return false;
  }
}

/// with = "with" hint { "," hint }; hint = IDENT [ IDENT ":" ] [ atom ]
bool Parser::parseHints(SmallVectorImpl<Hint> &hints) {
  if (!accept(Tok::KwWith))
    return true;
  while (true) {
    Hint hint{{}, {}, nullptr};
    if (!expectName(hint.name, "a hint after 'with'"))
      return false;
    if (at(Tok::Ident) && !peek().startsLine && peek(1).kind == Tok::Colon) {
      hint.axis = ident(take());
      take();
    }
    bool atom = at(Tok::Int) || at(Tok::Ident) || at(Tok::LParen) ||
                at(Tok::KwTrue) || at(Tok::KwFalse);
    if (atom && !peek().startsLine) {
      hint.value = parseSmallAtom("a hint's value");
      if (!hint.value)
        return false;
    }
    hints.push_back(hint);
    // A comma may also separate this statement from the next one.
    if (!at(Tok::Comma) || peek(1).kind != Tok::Ident || startsStatement(1))
      return true;
    Tok after = peek(2).kind;
    if (after == Tok::Dot || after == Tok::LBracket || after == Tok::At)
      return true;
    take();
  }
}

} // namespace tilewright::dsl
