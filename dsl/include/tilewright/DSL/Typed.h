//===- Typed.h - the checked, instantiated kernel ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tree that code generation walks. Compared with the syntax tree (AST.h):
//
// * constants are values; `if`, `for` and `when` over constants are resolved
//   (bodies cloned), functions are inlined, aliases (`x = s.f`) are replaced by
//   what they name;
// * every name points at its declaration; every expression has a type: an
//   element type and a list of named axes with extents (no axes: a scalar);
// * a subscript is one integer expression a dimension over axes (`AxisRef`),
//   scalars and integer tensors, folded as far as constants reach;
// * integer arithmetic on extents, subscripts and bounds is uniform: an axis in
//   a subscript is an expression of type `int[m: 128]`, so `i*BM + m` is one
//   too, and `lo[i*BQ + x] <= r0 + r` is a `bool[x: 2, r: 256]`.
//
// Nodes live in the `InstantiatedKernel`'s allocator and are immutable after
// instantiation. Shared sub-trees are possible (it is a DAG). Names and source
// locations point into the buffer that was parsed, a few lists into the
// ASTContext: the SourceMgr and the ASTContext must outlive the kernel.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_DSL_TYPED_H
#define TILEWRIGHT_DSL_TYPED_H

#include "tilewright/DSL/AST.h"
#include "llvm/ADT/SmallVector.h"
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tilewright::dsl::typed {

struct Expr;
struct Stmt;
struct Block;

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// Element types. `Int` is an integer expression without a stored width
/// (extents, subscripts, loop variables); reads of i8…u64 tensors become `Int`
/// as soon as they take part in integer arithmetic. `Number` is a literal that
/// takes the type of what it meets.
enum class Elem : uint8_t {
  Error, ///< Already reported (or a type constant before instantiation).
  Number,
  Int,
  Bool,
  I8,
  U8,
  I16,
  U16,
  I32,
  U32,
  I64,
  U64,
  E4M3,
  E5M2,
  E2M1,
  UE8M0,
  BF16,
  F16,
  TF32,
  F32,
  F64,
  None, ///< A statement-like call (`ptx`).
};

llvm::StringRef spelling(Elem elem);
/// The element type called `name`, if there is one.
std::optional<Elem> elemFromName(llvm::StringRef name);
/// Bits in memory (4 for e2m1, 32 for tf32, 64 for Int; 0 for none).
unsigned bitWidth(Elem elem);
bool isInteger(Elem elem); ///< Int, Number or a stored integer.
bool isFloat(Elem elem);   ///< A floating-point type (not Number).

/// One named axis of a tile and how many elements it has.
struct Axis {
  llvm::StringRef name;
  /// Int scalar; an IntConst wherever the language demands a constant. Null
  /// only after an error.
  const Expr *extent = nullptr;
  llvm::SMLoc loc; ///< Where this axis got its extent.
  std::optional<int64_t> constant() const;
};

struct Type {
  Elem elem = Elem::Error;
  llvm::ArrayRef<Axis> axes; ///< Order without meaning; unique names.
  bool isScalar() const { return axes.empty(); }
  const Axis *find(llvm::StringRef name) const;
};

/// What an expression denotes: a computed value, or storage that is read at
/// the use (and may be the target of a copy).
enum class Place : uint8_t {
  Value,     ///< Registers: a computed tile or a scalar.
  Variable,  ///< A declared variable (accumulator, scalar).
  SlotField, ///< A field of a pipe's slot.
  Tensor,    ///< A tensor or view at a subscript.
  Counter,   ///< A counter at a subscript.
};

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

enum class Target : uint8_t { SM90a, SM100a };

struct Decl {
  llvm::StringRef name;
  llvm::SMLoc loc;
};

/// A shape letter: bound where a tensor first uses it alone as a dimension.
struct Dim : Decl {
  std::optional<int64_t> baked;      ///< Its uses are then IntConst.
  unsigned tensor = 0, position = 0; ///< Which dimension of which parameter.
};

/// A kernel argument, or a view (`base` set).
struct Tensor : Decl {
  enum Mode : uint8_t { In, Out, InOut } mode = In;
  bool symm = false;    ///< Exists on every rank.
  bool isConst = false; ///< No running kernel writes it.
  Elem elem = Elem::Error;
  llvm::ArrayRef<const Expr *> shape; ///< Int scalars over Dims.
  unsigned major = 0;                 ///< The dimension whose stride is 1.
  unsigned index = 0;                 ///< Position among all kernel parameters.
  // Views only:
  const Tensor *base = nullptr;         ///< What is reinterpreted.
  const Expr *offset = nullptr;         ///< Bytes from the start of `base`.
  llvm::ArrayRef<const Expr *> strides; ///< Elements; empty: row-major.
  bool isView() const { return base != nullptr; }
};

/// A value with a name.
struct Var : Decl {
  enum Kind : uint8_t {
    Let,       ///< `y = e`: assigned once by its LetStmt.
    Variable,  ///< `acc: f32[…] = 0`: may be assigned.
    Loop,      ///< `for kk in a..b`
    Iter,      ///< A component of an iterator, in one `for`.
    Each,      ///< `each e: n over warps`
    Param,     ///< A scalar argument of the kernel.
    Component, ///< A component of an iterator in the iterator's own extents.
  } kind = Let;
  Type type;
  unsigned id = 0;    ///< Unique in the kernel: clones of a body differ.
  unsigned index = 0; ///< Param: position among all kernel parameters.
};

struct Field : Decl {
  Type type; ///< Constant extents.
  bool isPrivate = false;
  unsigned index = 0;
};

/// A key or counter dimension: `key (e: E, mb: cdiv(M, BM))`.
struct KeyDim : Decl {
  Var *var = nullptr; ///< Names this component in `full`, `free`, extents.
  const Expr *extent = nullptr;
};

struct Pipe : Decl {
  enum Scope : uint8_t { Smem, Cluster, Tmem, Gmem, Ranks } scope = Smem;
  bool isMax = false;              ///< `max`: what memory is left.
  std::optional<int64_t> depth;    ///< Empty for `max` and run-time depths.
  const Expr *depthExpr = nullptr; ///< Null for `max`.
  llvm::ArrayRef<KeyDim> keys;     ///< Empty: the key is the running count.
  const Expr *full = nullptr;      ///< Null: 1.
  const Expr *freed = nullptr;     ///< Null: once by each reader.
  llvm::ArrayRef<Field> fields;
};

struct Counter : Decl {
  enum Scope : uint8_t { Smem, Gmem, Ranks } scope = Gmem;
  llvm::ArrayRef<const Expr *> dims; ///< Empty: one counter.
};

/// A slot in hand: `s = get P`, or the slot being filled by a `put`.
struct Slot : Decl {
  const Pipe *pipe = nullptr;
  bool isPut = false;
  unsigned id = 0;
};

/// A dimension of a `tiles` iterator.
struct IterDim : Decl {
  Var *var = nullptr;           ///< Names this component in later extents.
  const Expr *extent = nullptr; ///< Int scalar; may read earlier components.
  int64_t cluster = 1;          ///< CTAs of a cluster along it.
  bool clustered = false;       ///< `cluster n over` it was written.
  bool pair = false;            ///< One MMA spans two CTAs along it.
};

struct Iterator : Decl {
  enum Kind : uint8_t { Tiles, Schedule } kind = Tiles;
  // Tiles, slowest dimension first:
  llvm::ArrayRef<IterDim> dims;
  bool persistent = false;
  int64_t raster = 0; ///< Band width G; 0 without a raster.
  int rasterDim = -1; ///< The dimension j of `raster G over j`.
  const Expr *where = nullptr;
  // Schedule:
  llvm::ArrayRef<Ident> outputs; ///< Names of what it yields.
  bool shared = false;
  const Block *body = nullptr;
  unsigned numVars() const {
    return kind == Tiles ? dims.size() : outputs.size();
  }
  /// A schedule's clusters: `cluster 2 over j pair` on one of its outputs.
  llvm::ArrayRef<IterDim> clusters;
  /// CTAs in a cluster: the product over all dimensions.
  int64_t clusterSize() const;
};

struct Role : Decl {
  enum Unit : uint8_t { Warps, Groups } unit = Warps;
  int64_t count = 1;
  std::optional<int64_t> regs;
  llvm::StringRef splitAxis;           ///< `groups n split m`
  const Iterator *splitIter = nullptr; ///< `groups n split t`
  llvm::SMLoc splitLoc;
  const Block *body = nullptr;
  /// Warps of the role: 4 a group.
  int64_t warps() const { return unit == Groups ? 4 * count : count; }
};

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

enum class ExprKind : uint8_t {
  Error,
  IntConst, ///< Int or Number (or a stored integer type after adaption)
  FloatConst,
  BoolConst,
  StringConst, ///< Only as an argument of Ptx.
  DimRef,      ///< A run-time dimension letter.
  AxisRef,     ///< The coordinate along an axis: `int[m: 128]`.
  VarRef,
  Builtin, ///< cta, num_ctas, rank, num_ranks
  Neg,
  Not,
  Binary,      ///< Arithmetic and logic, broadcasting by axis name.
  Compare,     ///< Two operands: chains are split into And.
  Call,        ///< A function of elements: min, max, exp, relu, …
  Convert,     ///< `bf16(x)`
  TensorRead,  ///< `A[…]`, possibly at a rank
  CounterRead, ///< `c[e]`
  FieldRef,    ///< `s.a`
  Contract,    ///< `mma(a, b)`
  Reduce,      ///< `sum<h>(x)`, `min<x: BQ>(…)`
  Rename,      ///< `x<k as j>`
  At,          ///< `x<k at e>` of a register tile (of a field: FieldRef.subs)
  Reg,         ///< `reg e`
  Where,       ///< `e where c`
  Ptx,         ///< `ptx("…", …)`
  FetchAdd,    ///< `fetch_add(place, v)`
  Stride,      ///< `stride(T, d)`: a run-time stride, in elements
};

struct Expr {
  ExprKind kind;
  Place place = Place::Value;
  Type type;
  llvm::SMLoc loc;
  llvm::SMRange range;
  /// Levels and nodes of the expression, counted as a tree. Instantiation
  /// refuses more than `maxHeight` and `maxSize`, so that plain recursive walks
  /// are safe whatever the source does with functions and aliases.
  uint16_t height = 1;
  uint32_t size = 1;
  static constexpr unsigned maxHeight = 500, maxSize = 20000;

protected:
  Expr(ExprKind kind) : kind(kind) {}
};

/// The operands of an expression, in source order.
llvm::SmallVector<const Expr *, 4> children(const Expr *expr);

#define TILEWRIGHT_TYPED_EXPR(CLASS, KIND)                                     \
  CLASS() : Expr(ExprKind::KIND) {}                                            \
  static bool classof(const Expr *e) { return e->kind == ExprKind::KIND; }

struct ErrorExpr : Expr {
  TILEWRIGHT_TYPED_EXPR(ErrorExpr, Error)
};
struct IntConst : Expr {
  int64_t value = 0;
  TILEWRIGHT_TYPED_EXPR(IntConst, IntConst)
};
struct FloatConst : Expr {
  double value = 0;
  TILEWRIGHT_TYPED_EXPR(FloatConst, FloatConst)
};
struct BoolConst : Expr {
  bool value = false;
  TILEWRIGHT_TYPED_EXPR(BoolConst, BoolConst)
};
struct StringConst : Expr {
  llvm::StringRef value;
  TILEWRIGHT_TYPED_EXPR(StringConst, StringConst)
};
struct DimRef : Expr {
  const Dim *dim = nullptr;
  TILEWRIGHT_TYPED_EXPR(DimRef, DimRef)
};
struct AxisRef : Expr {
  llvm::StringRef name; ///< Its extent: type.axes[0].
  TILEWRIGHT_TYPED_EXPR(AxisRef, AxisRef)
};
struct VarRef : Expr {
  const Var *var = nullptr;
  TILEWRIGHT_TYPED_EXPR(VarRef, VarRef)
};
struct BuiltinExpr : Expr {
  enum Which : uint8_t { Cta, NumCtas, Rank, NumRanks } which = Cta;
  TILEWRIGHT_TYPED_EXPR(BuiltinExpr, Builtin)
};
struct NegExpr : Expr {
  const Expr *operand = nullptr;
  TILEWRIGHT_TYPED_EXPR(NegExpr, Neg)
};
struct NotExpr : Expr {
  const Expr *operand = nullptr;
  TILEWRIGHT_TYPED_EXPR(NotExpr, Not)
};

/// On integers Div is exact (proved, constant, or required at launch),
/// FloorDiv and Mod round towards minus infinity, CDiv towards plus infinity.
enum class Op : uint8_t {
  Add,
  Sub,
  Mul,
  Div,
  FloorDiv,
  CDiv,
  Mod,
  Min,
  Max,
  And,
  Or
};
llvm::StringRef spelling(Op op);

struct BinaryExpr : Expr {
  Op op = Op::Add;
  const Expr *lhs = nullptr, *rhs = nullptr;
  TILEWRIGHT_TYPED_EXPR(BinaryExpr, Binary)
};
struct CompareExpr : Expr {
  CompareOp op = CompareOp::EQ;
  const Expr *lhs = nullptr, *rhs = nullptr;
  TILEWRIGHT_TYPED_EXPR(CompareExpr, Compare)
};

/// Functions of one or more elements. Min and max of integers are `Binary`.
enum class Fn : uint8_t { Abs, Relu, Exp, Exp2, Log2, Sqrt, Rsqrt, Rcp };
llvm::StringRef spelling(Fn fn);

struct CallExpr : Expr {
  Fn fn = Fn::Abs;
  llvm::ArrayRef<const Expr *> args;
  TILEWRIGHT_TYPED_EXPR(CallExpr, Call)
};
/// To `type.elem`, round to nearest even (saturating for 8-bit floats).
struct ConvertExpr : Expr {
  const Expr *operand = nullptr;
  TILEWRIGHT_TYPED_EXPR(ConvertExpr, Convert)
};
/// Place::Tensor. `subs[d]` is an Int expression; its axes are the axes of the
/// result that index dimension d. Out of bounds reads give 0.
struct TensorRead : Expr {
  const Tensor *tensor = nullptr;
  llvm::ArrayRef<const Expr *> subs;
  const Expr *rank = nullptr; ///< `x@r[…]`
  TILEWRIGHT_TYPED_EXPR(TensorRead, TensorRead)
};
struct CounterRead : Expr {
  const Counter *counter = nullptr;
  llvm::ArrayRef<const Expr *> subs;
  const Expr *rank = nullptr;
  TILEWRIGHT_TYPED_EXPR(CounterRead, CounterRead)
};
/// Place::SlotField. `subs` is empty for the whole field; after `x<k at e>` it
/// has one Int expression for each axis of the field, in declaration order (an
/// AxisRef for an axis that was not subscripted).
struct FieldRef : Expr {
  const Slot *slot = nullptr;
  const Field *field = nullptr;
  llvm::ArrayRef<const Expr *> subs;
  TILEWRIGHT_TYPED_EXPR(FieldRef, FieldRef)
};
/// `mma(a, b)`: sums over the axes that both share; the first operand is the
/// machine's M side. Scales inside (`mma(a*sa, b*sb)`) are operands a, b of the
/// form Binary Mul: `scaleA`, `scaleB` are then split off.
struct ContractExpr : Expr {
  const Expr *a = nullptr, *b = nullptr;
  const Expr *scaleA = nullptr, *scaleB = nullptr;
  llvm::ArrayRef<Axis> contracted;
  bool fast = false; ///< No two-level promotion of unscaled 8-bit sums.
  std::optional<int64_t> every; ///< Promote every n of the contracted axis.
  TILEWRIGHT_TYPED_EXPR(ContractExpr, Contract)
};
enum class ReduceOp : uint8_t { Sum, Max, Min, ClusterSum };
llvm::StringRef spelling(ReduceOp op);
struct ReduceExpr : Expr {
  ReduceOp op = ReduceOp::Sum;
  llvm::ArrayRef<Axis> over;
  const Expr *operand = nullptr;
  /// ClusterSum reduces over a clustered dimension of an iterator instead.
  const Var *clusterVar = nullptr; ///< A Var of the enclosing ForIterStmt.
  TILEWRIGHT_TYPED_EXPR(ReduceExpr, Reduce)
};
/// `x<k at e>` on a value that is not a slot's field: axis k is subscripted.
struct AtExpr : Expr {
  const Expr *operand = nullptr;
  llvm::StringRef axis;
  const Expr *index = nullptr; ///< Int; its axes join the result's.
  TILEWRIGHT_TYPED_EXPR(AtExpr, At)
};
struct RenameExpr : Expr {
  const Expr *operand = nullptr;
  llvm::ArrayRef<AxisRename> renames;
  TILEWRIGHT_TYPED_EXPR(RenameExpr, Rename)
};
struct RegExpr : Expr {
  const Expr *operand = nullptr;
  TILEWRIGHT_TYPED_EXPR(RegExpr, Reg)
};
/// Elements for which `cond` is false do not exist.
struct WhereExpr : Expr {
  const Expr *value = nullptr, *cond = nullptr;
  TILEWRIGHT_TYPED_EXPR(WhereExpr, Where)
};
struct PtxExpr : Expr {
  llvm::StringRef text;
  llvm::ArrayRef<const Expr *> args;
  TILEWRIGHT_TYPED_EXPR(PtxExpr, Ptx)
};
/// Adds to a place and gives its old value.
struct FetchAddExpr : Expr {
  const Expr *target = nullptr, *value = nullptr;
  TILEWRIGHT_TYPED_EXPR(FetchAddExpr, FetchAdd)
};
struct StrideExpr : Expr {
  const Tensor *tensor = nullptr;
  unsigned dim = 0;
  TILEWRIGHT_TYPED_EXPR(StrideExpr, Stride)
};

//===----------------------------------------------------------------------===//
// Statements
//===----------------------------------------------------------------------===//

/// `with` hints: checked names, constant values.
struct Hint {
  llvm::StringRef name, axis;
  std::optional<int64_t> value;
  llvm::SMLoc loc;
};

enum class StmtKind : uint8_t {
  Block,
  Let,
  View,
  Variable,
  Assign,
  Accumulate,
  Copy,
  ForRange,
  ForIter,
  If,
  Put,
  Get,
  Free,
  Yield,
  Await,
  Barrier,
  Each,
  Eval
};

struct Stmt {
  StmtKind kind;
  llvm::SMLoc loc;

protected:
  Stmt(StmtKind kind) : kind(kind) {}
};

#define TILEWRIGHT_TYPED_STMT(CLASS, KIND)                                     \
  CLASS() : Stmt(StmtKind::KIND) {}                                            \
  static bool classof(const Stmt *s) { return s->kind == StmtKind::KIND; }

struct Block : Stmt {
  llvm::ArrayRef<const Stmt *> stmts;
  TILEWRIGHT_TYPED_STMT(Block, Block)
};
/// `y = e`: evaluated once, here.
struct LetStmt : Stmt {
  const Var *var = nullptr;
  const Expr *value = nullptr;
  TILEWRIGHT_TYPED_STMT(LetStmt, Let)
};
/// A view that is declared in a role: its offset, shape and strides may use the
/// scalars that are in scope here.
struct ViewStmt : Stmt {
  const Tensor *view = nullptr;
  TILEWRIGHT_TYPED_STMT(ViewStmt, View)
};
/// `acc: f32[m: BM, n: BN] = 0`. A tile's initial value is broadcast.
struct VariableStmt : Stmt {
  const Var *var = nullptr;
  const Expr *init = nullptr; ///< Null: undefined until assigned.
  TILEWRIGHT_TYPED_STMT(VariableStmt, Variable)
};
/// `x = e`, `x += e`, `D[…] += e`, `c[e] += 1`, `o.acc = e`. For targets in
/// memory += is a reduce-add. `dst` is a VarRef, TensorRead, CounterRead or
/// FieldRef.
struct AssignStmt : Stmt {
  const Expr *dst = nullptr;
  AssignOp op = AssignOp::Set;
  const Expr *value = nullptr;
  llvm::ArrayRef<Hint> hints;
  TILEWRIGHT_TYPED_STMT(AssignStmt, Assign)
};
/// `acc += mma(a, b) * s1 * … * sn` (or `acc = …` with `set`): scales multiply
/// first, left to right, in FP32, then one FMA an element.
struct AccumulateStmt : Stmt {
  const Expr *dst = nullptr; ///< VarRef or FieldRef.
  bool set = false;          ///< `=`: the previous value is dropped.
  const ContractExpr *mma = nullptr;
  llvm::ArrayRef<const Expr *> scales; ///< s1 … sn; empty: unscaled.
  llvm::ArrayRef<Hint> hints;
  TILEWRIGHT_TYPED_STMT(AccumulateStmt, Accumulate)
};
/// `dst <- src`. `src` may be a WhereExpr: masked elements are not written.
struct CopyStmt : Stmt {
  const Expr *dst = nullptr; ///< TensorRead or FieldRef.
  const Expr *src = nullptr;
  llvm::ArrayRef<Hint> hints;
  TILEWRIGHT_TYPED_STMT(CopyStmt, Copy)
};
struct ForRangeStmt : Stmt {
  const Var *var = nullptr;
  const Expr *lower = nullptr, *upper = nullptr, *step = nullptr;
  const Expr *where = nullptr; ///< False: the item is skipped.
  llvm::ArrayRef<Hint> hints;
  const Block *body = nullptr;
  TILEWRIGHT_TYPED_STMT(ForRangeStmt, ForRange)
};
/// `for (i, j) in t`: one Var for each component, in the iterator's order.
struct ForIterStmt : Stmt {
  const Iterator *iterator = nullptr;
  llvm::ArrayRef<const Var *> vars;
  const Expr *where = nullptr; ///< False: the item is skipped.
  llvm::ArrayRef<Hint> hints;
  const Block *body = nullptr;
  TILEWRIGHT_TYPED_STMT(ForIterStmt, ForIter)
};
struct IfStmt : Stmt {
  const Expr *cond = nullptr; ///< A bool scalar known only at run time.
  const Block *thenBody = nullptr;
  const Block *elseBody = nullptr; ///< May be null.
  TILEWRIGHT_TYPED_STMT(IfStmt, If)
};
/// `put P { … }`: acquires a slot, runs the body (copies into `slot`'s fields),
/// commits. `computed`: written `put P as o`, committed at the closing brace
/// after all asynchronous writers.
struct PutStmt : Stmt {
  const Pipe *pipe = nullptr;
  const Slot *slot = nullptr;
  bool computed = false;
  llvm::ArrayRef<const Expr *> keys;
  const Expr *at = nullptr; ///< `@c`: a CTA of the cluster, or a rank.
  const Block *body = nullptr;
  TILEWRIGHT_TYPED_STMT(PutStmt, Put)
};
/// `s = get P`: the slot lives until the end of the enclosing block, unless a
/// FreeStmt names it.
struct GetStmt : Stmt {
  const Pipe *pipe = nullptr;
  const Slot *slot = nullptr;
  llvm::ArrayRef<const Expr *> keys;
  bool freed = false; ///< Some `free` releases it explicitly.
  TILEWRIGHT_TYPED_STMT(GetStmt, Get)
};
struct FreeStmt : Stmt {
  const Slot *slot = nullptr; ///< Null for `free P[key]`.
  const Pipe *pipe = nullptr;
  llvm::ArrayRef<const Expr *> keys;
  TILEWRIGHT_TYPED_STMT(FreeStmt, Free)
};
struct YieldStmt : Stmt {
  llvm::ArrayRef<const Expr *> values;
  TILEWRIGHT_TYPED_STMT(YieldStmt, Yield)
};
struct AwaitStmt : Stmt {
  const Expr *place = nullptr; ///< CounterRead (or TensorRead).
  CompareOp op = CompareOp::GE;
  const Expr *value = nullptr;
  TILEWRIGHT_TYPED_STMT(AwaitStmt, Await)
};
struct BarrierStmt : Stmt {
  enum Scope : uint8_t { Cluster, Grid, Ranks } scope = Cluster;
  TILEWRIGHT_TYPED_STMT(BarrierStmt, Barrier)
};
/// `each x: n, y: m over warps`: SIMT, every index once, spread over the warps
/// of the role, the threads of the role, or the threads of the grid (`grid`).
struct EachStmt : Stmt {
  enum Scope : uint8_t { Warps, Role, Grid } scope = Warps;
  llvm::ArrayRef<const Var *> vars;
  llvm::ArrayRef<const Expr *> extents;
  const Block *body = nullptr;
  TILEWRIGHT_TYPED_STMT(EachStmt, Each)
};
struct EvalStmt : Stmt {
  const Expr *expr = nullptr;
  TILEWRIGHT_TYPED_STMT(EvalStmt, Eval)
};

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

/// The value of a constant parameter.
struct ConstValue {
  enum Kind : uint8_t { Int, Bool, ElemType, Major } kind = Int;
  int64_t number = 0; ///< Int, Bool.
  Elem elem = Elem::Error;
  std::string major; ///< A dimension letter, or a position counted from 0.
  std::string str() const;
};

/// A condition on run-time dimensions, checked at launch.
struct RunTimeRequire {
  const Expr *cond = nullptr; ///< Bool scalar over DimRefs.
  std::string text;           ///< As written.
  llvm::SMLoc loc;
  bool implied = false; ///< From an exact `/`, not from a `require`.
};

/// One `tune X in (…)`. A bool is 0 or 1, an element type its `Elem`.
struct TuneChoice {
  llvm::StringRef name;
  bool hint = false; ///< `tune with X in (…)`: a schedule hint of the kernel.
  llvm::SmallVector<int64_t, 8> values;
};

class InstantiatedKernel {
public:
  llvm::StringRef name;
  llvm::SMLoc loc;
  Target target = Target::SM90a;
  std::vector<std::pair<std::string, ConstValue>> constants;
  std::vector<const Dim *> dims;       ///< In order of first use.
  std::vector<const Var *> scalars;    ///< Scalar arguments, in order.
  std::vector<const Tensor *> tensors; ///< Parameters, in order.
  std::vector<const Tensor *> views;   ///< Kernel-level views.
  std::vector<const Iterator *> iterators;
  std::vector<const Pipe *> pipes;
  std::vector<const Counter *> counters;
  std::vector<const Role *> roles;
  std::vector<RunTimeRequire> requirements;
  std::vector<TuneChoice> tune;
  /// What holds for every point of the space that `tune` spans. An instance
  /// whose constants were given need not meet them.
  std::vector<const Expr *> tuneConditions;

  /// Indented outline with every type, stable for tests (`--emit=typed`).
  void dump(llvm::raw_ostream &os) const;

  llvm::BumpPtrAllocator &allocator() { return alloc; }

private:
  llvm::BumpPtrAllocator alloc;
};

/// `f32[m: 128, n: 128]`
void print(const Type &type, llvm::raw_ostream &os);
/// The expression in source syntax (fully folded).
void print(const Expr *expr, llvm::raw_ostream &os);
std::string toString(const Type &type);
std::string toString(const Expr *expr);
/// The manifest's form of an expression over dimensions: `["cdiv", "M", 128]`
/// (docs/architecture.md). False when it has a node that the form lacks.
bool printManifest(const Expr *expr, llvm::raw_ostream &os);
/// The value of a folded integer (or boolean) constant.
std::optional<int64_t> constantValue(const Expr *expr);

} // namespace tilewright::dsl::typed

#endif // TILEWRIGHT_DSL_TYPED_H
