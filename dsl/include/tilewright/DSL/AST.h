//===- AST.h - syntax tree of the Tilewright language -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the parser builds: one node for each construct as written, nothing
// resolved. Names are StringRefs into the source buffer, lists are ArrayRefs
// into the AST's bump allocator, so nodes are trivially destructible and live
// exactly as long as the `ASTContext`. The source buffer must outlive it.
//
// The typed, instantiated tree that code generation walks is in Typed.h.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_DSL_AST_H
#define TILEWRIGHT_DSL_AST_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/SMLoc.h"
#include <cstdint>
#include <memory>
#include <new>
#include <utility>

namespace llvm {
class raw_ostream;
}

namespace tilewright::dsl {

/// Owns the nodes of one parsed file.
class ASTContext {
public:
  template <typename T, typename... Args> T *create(Args &&...args) {
    return new (alloc.Allocate<T>()) T(std::forward<Args>(args)...);
  }
  /// Copies a list into the context.
  template <typename T> llvm::ArrayRef<T> copy(llvm::ArrayRef<T> list) {
    if (list.empty())
      return {};
    T *mem = alloc.Allocate<T>(list.size());
    std::uninitialized_copy(list.begin(), list.end(), mem);
    return {mem, list.size()};
  }
  template <typename C> auto copyOf(const C &list) {
    using T = typename C::value_type;
    return copy<T>(llvm::ArrayRef<T>(list.data(), list.size()));
  }
  llvm::StringRef copy(llvm::StringRef text) { return text.copy(alloc); }

private:
  llvm::BumpPtrAllocator alloc;
};

/// A name and where it stands.
struct Ident {
  llvm::StringRef name;
  llvm::SMLoc loc;
  explicit operator bool() const { return !name.empty(); }
  llvm::SMRange range() const {
    return {loc, llvm::SMLoc::getFromPointer(loc.getPointer() + name.size())};
  }
};

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

enum class ExprKind : uint8_t {
  Error,   ///< What the parser could not read; already reported.
  Int,     ///< `128`, `0x7f`
  Float,   ///< `1.0`, `1e-6`, `inf`
  Bool,    ///< `true`, `false`
  String,  ///< `"…"`: only in ptx("…")
  Name,    ///< `BM`
  Member,  ///< `s.a`
  Index,   ///< `A[i*BM + m, k]`
  Call,    ///< `cdiv(a, b)`, `sum<h>(x)`, `min<x: BQ>(…)`, `bf16(acc)`
  Rename,  ///< `x<k as j>`, `x<k at e>`
  AtRank,  ///< `x@r`: the same symm object on rank r
  Unary,   ///< `-x`, `not x`
  Binary,  ///< `a + b`
  Compare, ///< `a <= b < c` (a chain)
  Where,   ///< `e where c`
  Get,     ///< `get P`, `get P[e, mb]`
  Reg,     ///< `reg e`: load now
  View,    ///< `view X at off as e4m3[a, b] stride (s, 1)`
  Tuple,   ///< `(L1, L2)`
  Range,   ///< `a..b step c` (only after `in`)
};

class Expr {
public:
  ExprKind getKind() const { return kind; }
  llvm::SMLoc getLoc() const { return loc; }
  llvm::SMRange getRange() const { return {start, end}; }
  /// Where a caret for the whole expression goes (an operator's position for
  /// a binary expression).
  llvm::SMLoc loc;
  llvm::SMLoc start, end;
  /// Levels of nodes below and including this one; the parser refuses more
  /// than `maxHeight`, so that recursive walks need no guard of their own.
  uint16_t height = 1;
  static constexpr uint16_t maxHeight = 200;

protected:
  Expr(ExprKind kind, llvm::SMLoc loc, llvm::SMLoc start, llvm::SMLoc end)
      : loc(loc), start(start), end(end), kind(kind) {}

private:
  ExprKind kind;
};

/// Declares the classof that llvm::isa and friends use.
#define TILEWRIGHT_EXPR(CLASS, KIND)                                           \
  static bool classof(const Expr *e) { return e->getKind() == ExprKind::KIND; }

struct ErrorExpr : Expr {
  explicit ErrorExpr(llvm::SMLoc l) : Expr(ExprKind::Error, l, l, l) {}
  TILEWRIGHT_EXPR(ErrorExpr, Error)
};

struct IntExpr : Expr {
  IntExpr(int64_t value, llvm::SMLoc s, llvm::SMLoc e)
      : Expr(ExprKind::Int, s, s, e), value(value) {}
  int64_t value;
  TILEWRIGHT_EXPR(IntExpr, Int)
};

struct FloatExpr : Expr {
  FloatExpr(double value, llvm::SMLoc s, llvm::SMLoc e)
      : Expr(ExprKind::Float, s, s, e), value(value) {}
  double value;
  TILEWRIGHT_EXPR(FloatExpr, Float)
};

struct BoolExpr : Expr {
  BoolExpr(bool value, llvm::SMLoc s, llvm::SMLoc e)
      : Expr(ExprKind::Bool, s, s, e), value(value) {}
  bool value;
  TILEWRIGHT_EXPR(BoolExpr, Bool)
};

struct StringExpr : Expr {
  StringExpr(llvm::StringRef value, llvm::SMLoc s, llvm::SMLoc e)
      : Expr(ExprKind::String, s, s, e), value(value) {}
  llvm::StringRef value; ///< Without quotes, escapes resolved.
  TILEWRIGHT_EXPR(StringExpr, String)
};

struct NameExpr : Expr {
  NameExpr(llvm::StringRef name, llvm::SMLoc s, llvm::SMLoc e)
      : Expr(ExprKind::Name, s, s, e), name(name) {}
  llvm::StringRef name;
  TILEWRIGHT_EXPR(NameExpr, Name)
};

struct MemberExpr : Expr {
  MemberExpr(Expr *base, Ident member, llvm::SMLoc e)
      : Expr(ExprKind::Member, member.loc, base->start, e), base(base),
        member(member) {}
  Expr *base;
  Ident member;
  TILEWRIGHT_EXPR(MemberExpr, Member)
};

struct IndexExpr : Expr {
  IndexExpr(Expr *base, llvm::ArrayRef<Expr *> subs, llvm::SMLoc e)
      : Expr(ExprKind::Index, base->loc, base->start, e), base(base),
        subs(subs) {}
  Expr *base;
  llvm::ArrayRef<Expr *> subs;
  TILEWRIGHT_EXPR(IndexExpr, Index)
};

/// `h` or `x: BQ` between angle brackets, or `m: BM` in a tile type.
struct AxisBinder {
  Ident axis;
  Expr *extent; ///< Null when the extent is inferred.
};

/// `fast`, `every 4`: only in mma(…).
struct CallOption {
  Ident name;
  Expr *value; ///< Null for a flag.
};

struct CallExpr : Expr {
  CallExpr(Ident callee, llvm::ArrayRef<AxisBinder> axes,
           llvm::ArrayRef<Expr *> args, llvm::ArrayRef<CallOption> options,
           llvm::SMLoc e)
      : Expr(ExprKind::Call, callee.loc, callee.loc, e), callee(callee),
        axes(axes), args(args), options(options) {}
  Ident callee;
  llvm::ArrayRef<AxisBinder> axes;
  llvm::ArrayRef<Expr *> args;
  llvm::ArrayRef<CallOption> options;
  TILEWRIGHT_EXPR(CallExpr, Call)
};

/// `k as j` renames an axis; `k at e` subscripts it.
struct AxisRename {
  Ident from, to;
  Expr *at; ///< Null for a renaming.
};

struct RenameExpr : Expr {
  RenameExpr(Expr *base, llvm::ArrayRef<AxisRename> renames, llvm::SMLoc l,
             llvm::SMLoc e)
      : Expr(ExprKind::Rename, l, base->start, e), base(base),
        renames(renames) {}
  Expr *base;
  llvm::ArrayRef<AxisRename> renames;
  TILEWRIGHT_EXPR(RenameExpr, Rename)
};

struct AtRankExpr : Expr {
  AtRankExpr(Expr *base, Expr *rank, llvm::SMLoc l)
      : Expr(ExprKind::AtRank, l, base->start, rank->end), base(base),
        rank(rank) {}
  Expr *base, *rank;
  TILEWRIGHT_EXPR(AtRankExpr, AtRank)
};

enum class UnaryOp : uint8_t { Neg, Not };

struct UnaryExpr : Expr {
  UnaryExpr(UnaryOp op, Expr *operand, llvm::SMLoc l)
      : Expr(ExprKind::Unary, l, l, operand->end), op(op), operand(operand) {}
  UnaryOp op;
  Expr *operand;
  TILEWRIGHT_EXPR(UnaryExpr, Unary)
};

/// Div must divide exactly on integers; FloorDiv is `//`.
enum class BinaryOp : uint8_t { Add, Sub, Mul, Div, FloorDiv, Mod, And, Or };
enum class CompareOp : uint8_t { EQ, NE, LT, LE, GT, GE };

llvm::StringRef spelling(BinaryOp op);
llvm::StringRef spelling(CompareOp op);

struct BinaryExpr : Expr {
  BinaryExpr(BinaryOp op, Expr *lhs, Expr *rhs, llvm::SMLoc l)
      : Expr(ExprKind::Binary, l, lhs->start, rhs->end), op(op), lhs(lhs),
        rhs(rhs) {}
  BinaryOp op;
  Expr *lhs, *rhs;
  TILEWRIGHT_EXPR(BinaryExpr, Binary)
};

/// operands.size() == ops.size() + 1.
struct CompareExpr : Expr {
  CompareExpr(llvm::ArrayRef<Expr *> operands, llvm::ArrayRef<CompareOp> ops,
              llvm::ArrayRef<llvm::SMLoc> opLocs)
      : Expr(ExprKind::Compare, opLocs.front(), operands.front()->start,
             operands.back()->end),
        operands(operands), ops(ops), opLocs(opLocs) {}
  llvm::ArrayRef<Expr *> operands;
  llvm::ArrayRef<CompareOp> ops;
  llvm::ArrayRef<llvm::SMLoc> opLocs;
  TILEWRIGHT_EXPR(CompareExpr, Compare)
};

struct WhereExpr : Expr {
  WhereExpr(Expr *value, Expr *cond, llvm::SMLoc l)
      : Expr(ExprKind::Where, l, value->start, cond->end), value(value),
        cond(cond) {}
  Expr *value, *cond;
  TILEWRIGHT_EXPR(WhereExpr, Where)
};

struct GetExpr : Expr {
  GetExpr(Ident pipe, llvm::ArrayRef<Expr *> keys, llvm::SMLoc s, llvm::SMLoc e)
      : Expr(ExprKind::Get, s, s, e), pipe(pipe), keys(keys) {}
  Ident pipe;
  llvm::ArrayRef<Expr *> keys;
  TILEWRIGHT_EXPR(GetExpr, Get)
};

struct RegExpr : Expr {
  RegExpr(Expr *operand, llvm::SMLoc s)
      : Expr(ExprKind::Reg, s, s, operand->end), operand(operand) {}
  Expr *operand;
  TILEWRIGHT_EXPR(RegExpr, Reg)
};

/// `e4m3[m: BM, k: BK]` (tile), `e4m3[M, K]` (tensor), `f32` (scalar). The
/// element may also name a type constant.
struct TypeSyntax {
  Ident elem;
  llvm::ArrayRef<AxisBinder> axes; ///< Tile form: each has an axis name.
  llvm::ArrayRef<Expr *> dims;     ///< Tensor form.
  llvm::SMLoc end;
  bool isScalar() const { return axes.empty() && dims.empty(); }
};

struct ViewExpr : Expr {
  ViewExpr(Expr *base, Expr *offset, TypeSyntax *type,
           llvm::ArrayRef<Expr *> strides, llvm::SMLoc s, llvm::SMLoc e)
      : Expr(ExprKind::View, s, s, e), base(base), offset(offset), type(type),
        strides(strides) {}
  Expr *base;
  Expr *offset; ///< In bytes from the first byte of `base`; null for 0.
  TypeSyntax *type;
  llvm::ArrayRef<Expr *> strides; ///< In elements; empty: row-major.
  TILEWRIGHT_EXPR(ViewExpr, View)
};

struct TupleExpr : Expr {
  TupleExpr(llvm::ArrayRef<Expr *> elems, llvm::SMLoc s, llvm::SMLoc e)
      : Expr(ExprKind::Tuple, s, s, e), elems(elems) {}
  llvm::ArrayRef<Expr *> elems;
  TILEWRIGHT_EXPR(TupleExpr, Tuple)
};

struct RangeExpr : Expr {
  RangeExpr(Expr *lower, Expr *upper, Expr *step, llvm::SMLoc l, llvm::SMLoc e)
      : Expr(ExprKind::Range, l, lower->start, e), lower(lower), upper(upper),
        step(step) {}
  Expr *lower, *upper;
  Expr *step; ///< Null for 1.
  TILEWRIGHT_EXPR(RangeExpr, Range)
};

//===----------------------------------------------------------------------===//
// Statements and declarations
//===----------------------------------------------------------------------===//

/// One `name`, `name value` or `chunk axis: value` after `with`.
struct Hint {
  Ident name;
  Ident axis;  ///< Only `chunk n: 64`.
  Expr *value; ///< Null for a flag.
};

enum class StmtKind : uint8_t {
  Error,
  Const,    ///< `const BK = 128`
  Let,      ///< `s = get ab`, `acc: f32[m: BM] = 0`, or an assignment
  Copy,     ///< `D[…] <- e`
  Assign,   ///< `acc += e`, `D[…] += e`, `o.acc = e`
  For,      ///< `for (i, j) in t, kk in 0..n …`
  If,       ///< `if c { } else { }`
  When,     ///< `when sm_100 { } else { }`
  Block,    ///< `{ … }`
  Put,      ///< `put P[key]@c as o { … }`
  Free,     ///< `free s`
  Yield,    ///< `yield i, j`
  Await,    ///< `await c[e] >= n`
  Barrier,  ///< `barrier cluster`
  Each,     ///< `each x: n over warps { … }`
  Eval,     ///< an expression alone, `ptx("…")`
  Tiles,    ///< `tiles t(i: …, j: …) persistent, …`
  Schedule, ///< `schedule t(i, j) shared { … }`
  Pipe,     ///< `pipe P[n] in smem { … }`
  Role,     ///< `role R(warps n, regs r) { … }`
  Fn,       ///< `fn f(a, b) = e`
  Counter,  ///< `counter c[n]`
  Require,  ///< `require a == b, …`
  Tune,     ///< `tune BM in (64, 128)`
};

class Stmt {
public:
  StmtKind getKind() const { return kind; }
  llvm::SMLoc getLoc() const { return loc; }
  llvm::SMLoc loc;

protected:
  Stmt(StmtKind kind, llvm::SMLoc loc) : loc(loc), kind(kind) {}

private:
  StmtKind kind;
};

#define TILEWRIGHT_STMT(CLASS, KIND)                                           \
  static bool classof(const Stmt *s) { return s->getKind() == StmtKind::KIND; }

struct ErrorStmt : Stmt {
  explicit ErrorStmt(llvm::SMLoc l) : Stmt(StmtKind::Error, l) {}
  TILEWRIGHT_STMT(ErrorStmt, Error)
};

struct BlockStmt : Stmt {
  BlockStmt(llvm::ArrayRef<Stmt *> stmts, llvm::SMLoc l, llvm::SMLoc e)
      : Stmt(StmtKind::Block, l), stmts(stmts), end(e) {}
  llvm::ArrayRef<Stmt *> stmts;
  llvm::SMLoc end;
  TILEWRIGHT_STMT(BlockStmt, Block)
};

struct ConstStmt : Stmt {
  ConstStmt(Ident name, Expr *value, llvm::SMLoc l)
      : Stmt(StmtKind::Const, l), name(name), value(value) {}
  Ident name;
  Expr *value;
  TILEWRIGHT_STMT(ConstStmt, Const)
};

/// `name = e` or `name: type = e`. With a type it declares a variable that may
/// be assigned; without one it declares an alias, unless a variable of this
/// name is in scope: then it assigns.
struct LetStmt : Stmt {
  LetStmt(Ident name, TypeSyntax *type, Expr *value, llvm::ArrayRef<Hint> hints)
      : Stmt(StmtKind::Let, name.loc), name(name), type(type), value(value),
        hints(hints) {}
  Ident name;
  TypeSyntax *type; ///< Null when not written.
  Expr *value;      ///< Null in `acc: f32[m: BM]` (only as an accumulator).
  llvm::ArrayRef<Hint> hints;
  TILEWRIGHT_STMT(LetStmt, Let)
};

struct CopyStmt : Stmt {
  CopyStmt(Expr *dst, Expr *src, llvm::ArrayRef<Hint> hints, llvm::SMLoc l)
      : Stmt(StmtKind::Copy, l), dst(dst), src(src), hints(hints) {}
  Expr *dst, *src;
  llvm::ArrayRef<Hint> hints;
  TILEWRIGHT_STMT(CopyStmt, Copy)
};

enum class AssignOp : uint8_t { Set, Add };
llvm::StringRef spelling(AssignOp op);

/// `Set` only with a target other than a plain name (see LetStmt).
struct AssignStmt : Stmt {
  AssignStmt(Expr *dst, AssignOp op, Expr *src, llvm::ArrayRef<Hint> hints,
             llvm::SMLoc l)
      : Stmt(StmtKind::Assign, l), dst(dst), op(op), src(src), hints(hints) {}
  Expr *dst;
  AssignOp op;
  Expr *src;
  llvm::ArrayRef<Hint> hints;
  TILEWRIGHT_STMT(AssignStmt, Assign)
};

/// One `pattern in domain` of a `for`.
struct ForClause {
  llvm::ArrayRef<Ident> vars; ///< More than one in `(i, j) in t`.
  Expr *domain;               ///< Range, tuple, or iterator (Name or Call).
  Expr *where;                ///< Null, or a condition that skips.
  llvm::SMLoc loc;
};

struct ForStmt : Stmt {
  ForStmt(llvm::ArrayRef<ForClause> clauses, llvm::ArrayRef<Hint> hints,
          Stmt *body, llvm::SMLoc l)
      : Stmt(StmtKind::For, l), clauses(clauses), hints(hints), body(body) {}
  llvm::ArrayRef<ForClause> clauses;
  llvm::ArrayRef<Hint> hints;
  Stmt *body;
  TILEWRIGHT_STMT(ForStmt, For)
};

struct IfStmt : Stmt {
  IfStmt(Expr *cond, Stmt *thenBody, Stmt *elseBody, llvm::SMLoc l)
      : Stmt(StmtKind::If, l), cond(cond), thenBody(thenBody),
        elseBody(elseBody) {}
  Expr *cond;
  Stmt *thenBody;
  Stmt *elseBody; ///< Null, a block, or another `if`.
  TILEWRIGHT_STMT(IfStmt, If)
};

struct WhenStmt : Stmt {
  WhenStmt(Ident target, Stmt *thenBody, Stmt *elseBody, llvm::SMLoc l)
      : Stmt(StmtKind::When, l), target(target), thenBody(thenBody),
        elseBody(elseBody) {}
  Ident target; ///< `sm_90`, `sm_100`
  Stmt *thenBody;
  Stmt *elseBody; ///< Null, a block, or another `when`.
  TILEWRIGHT_STMT(WhenStmt, When)
};

struct PutStmt : Stmt {
  PutStmt(Ident pipe, llvm::ArrayRef<Expr *> keys, Expr *at, Ident as,
          Stmt *body, llvm::SMLoc l)
      : Stmt(StmtKind::Put, l), pipe(pipe), keys(keys), at(at), as(as),
        body(body) {}
  Ident pipe;
  llvm::ArrayRef<Expr *> keys; ///< `put P[e, mb]`
  Expr *at;                    ///< `put P@c`: a CTA of the cluster, or a rank.
  Ident as;                    ///< Empty without `as o`.
  Stmt *body;
  TILEWRIGHT_STMT(PutStmt, Put)
};

struct FreeStmt : Stmt {
  FreeStmt(Ident name, llvm::ArrayRef<Expr *> keys, llvm::SMLoc l)
      : Stmt(StmtKind::Free, l), name(name), keys(keys) {}
  Ident name;                  ///< A slot, or with keys a keyed pipe.
  llvm::ArrayRef<Expr *> keys; ///< `free P[e, mb]`
  TILEWRIGHT_STMT(FreeStmt, Free)
};

struct YieldStmt : Stmt {
  YieldStmt(llvm::ArrayRef<Expr *> values, llvm::SMLoc l)
      : Stmt(StmtKind::Yield, l), values(values) {}
  llvm::ArrayRef<Expr *> values;
  TILEWRIGHT_STMT(YieldStmt, Yield)
};

struct AwaitStmt : Stmt {
  AwaitStmt(Expr *cond, llvm::SMLoc l) : Stmt(StmtKind::Await, l), cond(cond) {}
  Expr *cond;
  TILEWRIGHT_STMT(AwaitStmt, Await)
};

struct BarrierStmt : Stmt {
  BarrierStmt(Ident scope, llvm::SMLoc l)
      : Stmt(StmtKind::Barrier, l), scope(scope) {}
  Ident scope; ///< cluster, grid, ranks (also: role)
  TILEWRIGHT_STMT(BarrierStmt, Barrier)
};

struct EachStmt : Stmt {
  EachStmt(llvm::ArrayRef<AxisBinder> vars, Ident scope, Stmt *body,
           llvm::SMLoc l)
      : Stmt(StmtKind::Each, l), vars(vars), scope(scope), body(body) {}
  llvm::ArrayRef<AxisBinder> vars;
  Ident scope; ///< warps, role, grid
  Stmt *body;
  TILEWRIGHT_STMT(EachStmt, Each)
};

struct EvalStmt : Stmt {
  explicit EvalStmt(Expr *expr) : Stmt(StmtKind::Eval, expr->loc), expr(expr) {}
  Expr *expr;
  TILEWRIGHT_STMT(EvalStmt, Eval)
};

/// `persistent`, `raster G over j`, `cluster CL over j pair`, `where c`.
struct TilesOption {
  enum Kind : uint8_t { Persistent, Raster, Cluster, Where } kind;
  llvm::SMLoc loc;
  Expr *value; ///< G, CL or the condition.
  Ident over;
  bool pair; ///< `cluster 2 over i pair`: one MMA spans the two CTAs.
};

struct TilesStmt : Stmt {
  TilesStmt(Ident name, llvm::ArrayRef<AxisBinder> vars,
            llvm::ArrayRef<TilesOption> options, llvm::SMLoc l)
      : Stmt(StmtKind::Tiles, l), name(name), vars(vars), options(options) {}
  Ident name;
  llvm::ArrayRef<AxisBinder> vars; ///< In order, slowest first.
  llvm::ArrayRef<TilesOption> options;
  TILEWRIGHT_STMT(TilesStmt, Tiles)
};

struct ScheduleStmt : Stmt {
  ScheduleStmt(Ident name, llvm::ArrayRef<Ident> vars, bool shared,
               llvm::ArrayRef<TilesOption> options, Stmt *body, llvm::SMLoc l)
      : Stmt(StmtKind::Schedule, l), name(name), vars(vars), shared(shared),
        options(options), body(body) {}
  Ident name;
  llvm::ArrayRef<Ident> vars;
  bool shared; ///< Runs in one warp and feeds the roles through a pipe.
  llvm::ArrayRef<TilesOption> options;
  Stmt *body;
  TILEWRIGHT_STMT(ScheduleStmt, Schedule)
};

struct FieldDecl {
  Ident name;
  TypeSyntax *type;
  bool isPrivate; ///< `private`: not multicast.
};

struct PipeStmt : Stmt {
  PipeStmt(Ident name, llvm::SMLoc l) : Stmt(StmtKind::Pipe, l), name(name) {}
  Ident name;
  Expr *depth = nullptr; ///< Null for `max`.
  Ident scope;           ///< smem, cluster, tmem, gmem, ranks; empty: smem.
  llvm::ArrayRef<AxisBinder> keys; ///< `key (e: E, mb)`
  Expr *full = nullptr;            ///< Contributions that fill a keyed slot.
  Expr *freed = nullptr;           ///< Releases that empty it.
  llvm::ArrayRef<FieldDecl> fields;
  TILEWRIGHT_STMT(PipeStmt, Pipe)
};

struct RoleOptions {
  enum Unit : uint8_t { Warps, Groups } unit = Warps;
  Expr *count = nullptr;
  Ident split;          ///< An axis or an iterator; empty without `split`.
  Expr *regs = nullptr; ///< Registers a thread.
};

struct RoleStmt : Stmt {
  RoleStmt(Ident name, RoleOptions options, Stmt *body, llvm::SMLoc l)
      : Stmt(StmtKind::Role, l), name(name), options(options), body(body) {}
  Ident name;
  RoleOptions options;
  Stmt *body;
  TILEWRIGHT_STMT(RoleStmt, Role)
};

struct FnStmt : Stmt {
  FnStmt(Ident name, llvm::ArrayRef<Ident> params, Expr *value, llvm::SMLoc l)
      : Stmt(StmtKind::Fn, l), name(name), params(params), value(value) {}
  Ident name;
  llvm::ArrayRef<Ident> params;
  Expr *value;
  TILEWRIGHT_STMT(FnStmt, Fn)
};

struct CounterStmt : Stmt {
  CounterStmt(Ident name, llvm::ArrayRef<Expr *> dims, Ident scope,
              llvm::SMLoc l)
      : Stmt(StmtKind::Counter, l), name(name), dims(dims), scope(scope) {}
  Ident name;
  llvm::ArrayRef<Expr *> dims; ///< Empty: one counter.
  Ident scope;                 ///< smem, gmem, ranks; empty: gmem.
  TILEWRIGHT_STMT(CounterStmt, Counter)
};

struct RequireStmt : Stmt {
  RequireStmt(llvm::ArrayRef<Expr *> conds, llvm::SMLoc l)
      : Stmt(StmtKind::Require, l), conds(conds) {}
  llvm::ArrayRef<Expr *> conds;
  TILEWRIGHT_STMT(RequireStmt, Require)
};

struct TuneStmt : Stmt {
  struct Choice {
    Ident name;
    Expr *values;      ///< A tuple or a range of constants.
    bool hint = false; ///< `with unroll in (…)`: a schedule hint.
  };
  TuneStmt(llvm::ArrayRef<Choice> choices, Expr *where, llvm::SMLoc l)
      : Stmt(StmtKind::Tune, l), choices(choices), where(where) {}
  llvm::ArrayRef<Choice> choices;
  Expr *where; ///< Null, or the condition on legal combinations.
  TILEWRIGHT_STMT(TuneStmt, Tune)
};

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// A constant parameter: `BM`, `T: type`, `MA: major`.
struct ConstParam {
  Ident name;
  Ident kind;         ///< int, bool, type, major; empty: int.
  Expr *defaultValue; ///< `MA: major = K`; null without one.
};

/// `A: e4m3[M, K] major MA const`, or a scalar `clamp: f32` (no dimensions).
struct TensorParam {
  Ident name;
  TypeSyntax *type;
  Ident mode;          ///< out, inout; empty: in.
  Ident symm, isConst; ///< Set when written.
  Expr *major;         ///< Null: the last dimension is contiguous.
};

struct KernelDecl {
  Ident name;
  llvm::ArrayRef<ConstParam> consts;
  llvm::ArrayRef<TensorParam> params;
  llvm::ArrayRef<Stmt *> header; ///< The `require` before the body.
  BlockStmt *body;
  llvm::SMLoc loc;
};

/// A file: constants and functions that its kernels share, and the kernels.
struct File {
  llvm::ArrayRef<Stmt *> globals;
  llvm::ArrayRef<KernelDecl *> kernels;
};

/// Prints the tree as an s-expression-like outline, stable for tests.
void printAST(const File &file, llvm::raw_ostream &os);
/// Prints source text that parses back to the same tree.
void printSource(const Expr *expr, llvm::raw_ostream &os);
void printSource(const TypeSyntax *type, llvm::raw_ostream &os);

} // namespace tilewright::dsl

#endif // TILEWRIGHT_DSL_AST_H
