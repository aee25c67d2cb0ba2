//===- ParseExpr.cpp - expressions and types ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace tilewright::dsl {

/// After these names a `<` opens the axes of a reduction.
static bool isReduction(StringRef name) {
  return StringSwitch<bool>(name)
      .Cases({"sum", "max", "min", "cluster_sum"}, true)
      .Default(false);
}

/// value = expr [ "where" expr ] | get | view
Expr *Parser::parseValue() {
  Level level(*this);
  if (!level.ok)
    return nullptr;
  if (at(Tok::KwGet))
    return parseGet();
  if (at(Tok::KwView))
    return parseView();
  Expr *value = parseExpr();
  if (!value || !at(Tok::KwWhere))
    return value;
  SMLoc loc = take().loc();
  Expr *cond = parseExpr();
  if (!cond)
    return nullptr;
  return finish(context.create<WhereExpr>(value, cond, loc), {value, cond});
}

Expr *Parser::parseOr() {
  Expr *lhs = parseAnd();
  while (lhs && at(Tok::KwOr)) {
    SMLoc loc = take().loc();
    Expr *rhs = parseAnd();
    if (!rhs)
      return nullptr;
    lhs = finish(context.create<BinaryExpr>(BinaryOp::Or, lhs, rhs, loc),
                 {lhs, rhs});
  }
  return lhs;
}

Expr *Parser::parseAnd() {
  Expr *lhs = parseNot();
  while (lhs && at(Tok::KwAnd)) {
    SMLoc loc = take().loc();
    Expr *rhs = parseNot();
    if (!rhs)
      return nullptr;
    lhs = finish(context.create<BinaryExpr>(BinaryOp::And, lhs, rhs, loc),
                 {lhs, rhs});
  }
  return lhs;
}

Expr *Parser::parseNot() {
  if (!at(Tok::KwNot))
    return parseCompare();
  Level level(*this);
  if (!level.ok)
    return nullptr;
  SMLoc loc = take().loc();
  Expr *operand = parseNot();
  if (!operand)
    return nullptr;
  return finish(context.create<UnaryExpr>(UnaryOp::Not, operand, loc),
                {operand});
}

static std::optional<CompareOp> compareOp(Tok kind) {
  switch (kind) {
  case Tok::EqEq:
    return CompareOp::EQ;
  case Tok::NotEq:
    return CompareOp::NE;
  case Tok::Less:
    return CompareOp::LT;
  case Tok::LessEq:
    return CompareOp::LE;
  case Tok::Greater:
    return CompareOp::GT;
  case Tok::GreaterEq:
    return CompareOp::GE;
  default:
    return std::nullopt;
  }
}

Expr *Parser::parseCompare() {
  Expr *first = parseSum();
  if (!first || !compareOp(peek().kind))
    return first;
  SmallVector<Expr *, 3> operands{first};
  SmallVector<CompareOp, 2> ops;
  SmallVector<SMLoc, 2> locs;
  while (auto op = compareOp(peek().kind)) {
    ops.push_back(*op);
    locs.push_back(take().loc());
    Expr *rhs = parseSum();
    if (!rhs)
      return nullptr;
    operands.push_back(rhs);
    if (operands.size() > 8) {
      fail("a chain of comparisons has at most 8 operands");
      return nullptr;
    }
  }
  return finish(context.create<CompareExpr>(context.copyOf(operands),
                                            context.copyOf(ops),
                                            context.copyOf(locs)),
                {}, operands);
}

Expr *Parser::parseSum() {
  Expr *lhs = parseProduct();
  while (lhs && (at(Tok::Plus) || at(Tok::Minus))) {
    BinaryOp op = at(Tok::Plus) ? BinaryOp::Add : BinaryOp::Sub;
    SMLoc loc = take().loc();
    Expr *rhs = parseProduct();
    if (!rhs)
      return nullptr;
    lhs = finish(context.create<BinaryExpr>(op, lhs, rhs, loc), {lhs, rhs});
  }
  return lhs;
}

Expr *Parser::parseProduct() {
  Expr *lhs = parseUnary();
  while (lhs) {
    BinaryOp op;
    if (at(Tok::Star))
      op = BinaryOp::Mul;
    else if (at(Tok::Slash))
      op = BinaryOp::Div;
    else if (at(Tok::SlashSlash))
      op = BinaryOp::FloorDiv;
    else if (at(Tok::Percent))
      op = BinaryOp::Mod;
    else
      break;
    SMLoc loc = take().loc();
    Expr *rhs = parseUnary();
    if (!rhs)
      return nullptr;
    lhs = finish(context.create<BinaryExpr>(op, lhs, rhs, loc), {lhs, rhs});
  }
  return lhs;
}

Expr *Parser::parseUnary() {
  if (!at(Tok::Minus) && !at(Tok::KwReg))
    return parsePostfix();
  Level level(*this);
  if (!level.ok)
    return nullptr;
  Token op = take();
  Expr *operand = parseUnary();
  if (!operand)
    return nullptr;
  if (op.kind == Tok::Minus)
    return finish(context.create<UnaryExpr>(UnaryOp::Neg, operand, op.loc()),
                  {operand});
  return finish(context.create<RegExpr>(operand, op.loc()), {operand});
}

Expr *Parser::parsePostfix() {
  Level level(*this);
  if (!level.ok)
    return nullptr;
  Expr *base = parseAtom();
  while (base) {
    if (at(Tok::Dot)) {
      take();
      Ident member;
      if (!expectName(member, "a field after '.'"))
        return nullptr;
      base =
          finish(context.create<MemberExpr>(base, member, lastEnd()), {base});
    } else if (at(Tok::LBracket) && !peek().startsLine) {
      take();
      SmallVector<Expr *, 4> subs;
      if (!parseExprList(subs, Tok::RBracket, "subscripts"))
        return nullptr;
      if (subs.empty()) {
        diags.error(lastEnd(), "empty subscript");
        return nullptr;
      }
      base = finish(
          context.create<IndexExpr>(base, context.copyOf(subs), lastEnd()),
          {base}, subs);
    } else if (at(Tok::At)) {
      SMLoc loc = take().loc();
      Expr *rank = parseSmallAtom("a rank after '@'");
      if (!rank)
        return nullptr;
      base = finish(context.create<AtRankExpr>(base, rank, loc), {base, rank});
    } else if (at(Tok::Less) && peek(1).kind == Tok::Ident &&
               (peek(2).kind == Tok::KwAs || peek(2).kind == Tok::KwAt)) {
      SMLoc loc = take().loc();
      SmallVector<AxisRename, 2> renames;
      SmallVector<Expr *, 2> children;
      do {
        AxisRename rename{{}, {}, nullptr};
        if (!expectName(rename.from, "an axis to rename"))
          return nullptr;
        if (accept(Tok::KwAt)) {
          rename.at = parseSum();
          if (!rename.at)
            return nullptr;
          children.push_back(rename.at);
        } else if (!expect(Tok::KwAs, "or 'at' after an axis (x<k as j>)") ||
                   !expectName(rename.to, "the axis's new name")) {
          return nullptr;
        }
        renames.push_back(rename);
      } while (accept(Tok::Comma) && !at(Tok::Greater));
      if (!expect(Tok::Greater, "after a renaming"))
        return nullptr;
      base = finish(context.create<RenameExpr>(base, context.copyOf(renames),
                                               loc, lastEnd()),
                    {base}, children);
    } else {
      break;
    }
  }
  return base;
}

std::optional<std::string> Parser::unescape(const Token &token) {
  std::string text;
  StringRef body = token.text.drop_front().drop_back();
  for (size_t i = 0; i < body.size(); ++i) {
    char c = body[i];
    if (c == '\\' && i + 1 < body.size()) {
      switch (body[++i]) {
      case 'n':
        c = '\n';
        break;
      case 't':
        c = '\t';
        break;
      case '"':
      case '\\':
        c = body[i];
        break;
      default:
        diags.error(SMLoc::getFromPointer(body.data() + i - 1),
                    "unknown escape in a string; there are \\n \\t \\\" \\\\");
        return std::nullopt;
      }
    }
    text += c;
  }
  return text;
}

Expr *Parser::parseAtom() {
  Level level(*this);
  if (!level.ok)
    return nullptr;
  Token token = peek();
  switch (token.kind) {
  case Tok::Int:
    take();
    return context.create<IntExpr>(token.intValue, token.loc(), token.end());
  case Tok::Float:
    take();
    return context.create<FloatExpr>(token.floatValue, token.loc(),
                                     token.end());
  case Tok::KwTrue:
  case Tok::KwFalse:
    take();
    return context.create<BoolExpr>(token.kind == Tok::KwTrue, token.loc(),
                                    token.end());
  case Tok::String: {
    take();
    auto text = unescape(token);
    if (!text)
      return nullptr;
    return context.create<StringExpr>(context.copy(StringRef(*text)),
                                      token.loc(), token.end());
  }
  case Tok::Ident:
    if (isReduction(token.text) && peek(1).kind == Tok::Less)
      return parseCall();
    if (peek(1).kind == Tok::LParen && !peek(1).startsLine)
      return parseCall();
    take();
    return context.create<NameExpr>(token.text, token.loc(), token.end());
  case Tok::LParen: {
    take();
    SmallVector<Expr *, 4> elems;
    bool tuple = false;
    while (!at(Tok::RParen)) {
      Expr *elem = parseValue();
      if (!elem)
        return nullptr;
      elems.push_back(elem);
      if (!accept(Tok::Comma))
        break;
      tuple = true;
    }
    if (!expect(Tok::RParen, "to close '('"))
      return nullptr;
    if (elems.empty()) {
      diags.error(token.loc(), "expected an expression between '(' and ')'");
      return nullptr;
    }
    if (tuple)
      return finish(context.create<TupleExpr>(context.copyOf(elems),
                                              token.loc(), lastEnd()),
                    {}, elems);
    // Parentheses leave no node; the range covers them.
    elems.front()->start = token.loc();
    elems.front()->end = lastEnd();
    return elems.front();
  }
  case Tok::KwGet:
    return parseGet();
  default:
    fail("expected an expression");
    return nullptr;
  }
}

Expr *Parser::parseCall() {
  Ident callee = ident(take());
  SmallVector<AxisBinder, 2> axes;
  if (accept(Tok::Less))
    if (!parseBinders(axes, Tok::Greater, /*needExtent=*/false,
                      "the axes of '" + callee.name + "'"))
      return nullptr;
  if (!expect(Tok::LParen, "after '" + callee.name + "'"))
    return nullptr;
  SmallVector<Expr *, 4> args;
  SmallVector<CallOption, 1> options;
  while (!at(Tok::RParen)) {
    // The options of mma come after its operands and are names that nothing
    // can follow as an expression would.
    if (callee.name == "mma" && args.size() >= 2 &&
        (atWord("fast") || atWord("every"))) {
      CallOption option{ident(take()), nullptr};
      if (option.name.name == "every") {
        option.value = parseSmallAtom("an interval after 'every'");
        if (!option.value)
          return nullptr;
      }
      options.push_back(option);
    } else {
      Expr *arg = parseValue();
      if (!arg)
        return nullptr;
      args.push_back(arg);
    }
    if (!accept(Tok::Comma))
      break;
  }
  if (!expect(Tok::RParen, "to close the arguments of '" + callee.name + "'"))
    return nullptr;
  SmallVector<Expr *, 4> children(args);
  for (AxisBinder &axis : axes)
    if (axis.extent)
      children.push_back(axis.extent);
  return finish(context.create<CallExpr>(callee, context.copyOf(axes),
                                         context.copyOf(args),
                                         context.copyOf(options), lastEnd()),
                {}, children);
}

Expr *Parser::parseGet() {
  SMLoc start = take().loc();
  Ident pipe;
  if (!expectName(pipe, "a pipe after 'get'"))
    return nullptr;
  SmallVector<Expr *, 2> keys;
  if (!parseKeys(keys))
    return nullptr;
  return finish(
      context.create<GetExpr>(pipe, context.copyOf(keys), start, lastEnd()), {},
      keys);
}

Expr *Parser::parseView() {
  SMLoc start = take().loc();
  Token name = peek();
  if (name.kind != Tok::Ident) {
    fail("expected a tensor or a slot's field after 'view'");
    return nullptr;
  }
  Expr *base = parsePostfix();
  if (!base)
    return nullptr;
  Expr *offset = nullptr;
  if (accept(Tok::KwAt)) {
    offset = parseExpr();
    if (!offset)
      return nullptr;
  }
  if (!expect(Tok::KwAs, "in a view (view X at offset as type[…])"))
    return nullptr;
  TypeSyntax *type = parseType(/*tensor=*/true);
  if (!type)
    return nullptr;
  SmallVector<Expr *, 4> strides;
  if (acceptWord("stride")) {
    if (!expect(Tok::LParen, "after 'stride'") ||
        !parseExprList(strides, Tok::RParen, "strides"))
      return nullptr;
  }
  SmallVector<Expr *, 8> children(type->dims);
  children.append(strides);
  return finish(context.create<ViewExpr>(base, offset, type,
                                         context.copyOf(strides), start,
                                         lastEnd()),
                {base, offset}, children);
}

Expr *Parser::parseSmallAtom(const Twine &what) {
  Tok kind = peek().kind;
  if (kind == Tok::Ident || kind == Tok::Int || kind == Tok::KwTrue ||
      kind == Tok::KwFalse || kind == Tok::LParen)
    return parseAtom();
  fail("expected " + what);
  return nullptr;
}

bool Parser::parseExprList(SmallVectorImpl<Expr *> &list, Tok close,
                           const Twine &what, bool values) {
  std::string text = what.str();
  while (!at(close)) {
    Expr *expr = values ? parseValue() : parseExpr();
    if (!expr)
      return false;
    list.push_back(expr);
    if (!accept(Tok::Comma))
      break;
  }
  return expect(close, "to close the " + text);
}

bool Parser::parseBinders(SmallVectorImpl<AxisBinder> &binders, Tok close,
                          bool needExtent, const Twine &what) {
  std::string text = what.str();
  while (!at(close)) {
    AxisBinder binder{{}, nullptr};
    if (!expectName(binder.axis, "a name in " + text))
      return false;
    if (accept(Tok::Colon)) {
      // Between angle brackets a comparison would take the closing one.
      binder.extent = close == Tok::Greater ? parseSum() : parseExpr();
      if (!binder.extent)
        return false;
    } else if (needExtent) {
      return expect(Tok::Colon,
                    "and an extent after '" + binder.axis.name + "'");
    }
    binders.push_back(binder);
    if (!accept(Tok::Comma))
      break;
  }
  if (!expect(close, "to close " + text))
    return false;
  if (binders.empty()) {
    diags.error(lastEnd(), "expected at least one name in " + text);
    return false;
  }
  return true;
}

TypeSyntax *Parser::parseType(bool tensor) {
  Ident elem;
  if (!expectName(elem, "an element type"))
    return nullptr;
  auto *type = context.create<TypeSyntax>();
  type->elem = elem;
  if (at(Tok::LBracket) && !peek().startsLine) {
    take();
    if (tensor) {
      SmallVector<Expr *, 4> dims;
      if (!parseExprList(dims, Tok::RBracket, "dimensions"))
        return nullptr;
      if (dims.empty()) {
        diags.error(lastEnd(), "expected at least one dimension");
        return nullptr;
      }
      type->dims = context.copyOf(dims);
    } else {
      SmallVector<AxisBinder, 4> axes;
      if (!parseBinders(axes, Tok::RBracket, /*needExtent=*/true,
                        "the axes of a tile"))
        return nullptr;
      type->axes = context.copyOf(axes);
    }
  }
  type->end = lastEnd();
  return type;
}

} // namespace tilewright::dsl
