//===- Sema.h - checking and instantiating a kernel -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One pass over the syntax tree, with all constants known, builds the typed
// tree. An expression is visited twice. The first visit (a *probe*) reports
// nothing and finds which axes the operands have and which of them have known
// extents; the statement then joins what its sides know into an environment,
// and the second visit types the expression in it and reports errors.
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_DSL_SEMA_H
#define TILEWRIGHT_DSL_SEMA_H

#include "Fold.h"
#include "tilewright/DSL/Frontend.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

namespace tilewright::dsl {

namespace t = typed;

struct Scope;

/// What a name stands for.
struct Symbol {
  enum Kind : uint8_t {
    Const,      ///< `value`: IntConst or BoolConst.
    TypeConst,  ///< `elem`
    MajorConst, ///< `major`
    Dim,
    Tensor,
    Var,
    Iterator,
    Pipe,
    Counter,
    Role,
    Fn, ///< `fn`, evaluated in `scope`.
    Slot,
    Alias,  ///< `value`, read at each use.
    Macro,  ///< `syntax`, evaluated in `scope`: its axes get their extents at
            ///< the use (`c = j*128 + n`).
    Param,  ///< `value`: an argument of the function being expanded.
    Poison, ///< A declaration that was in error: its uses stay silent.
  } kind = Poison;
  llvm::StringRef name;
  llvm::SMLoc loc;
  const t::Expr *value = nullptr;
  t::Elem elem = t::Elem::Error;
  llvm::StringRef major;
  const t::Dim *dim = nullptr;
  const t::Tensor *tensor = nullptr;
  const t::Var *var = nullptr;
  t::Iterator *iterator = nullptr;
  const t::Pipe *pipe = nullptr;
  const t::Counter *counter = nullptr;
  const t::Slot *slot = nullptr;
  const FnStmt *fn = nullptr;
  const Expr *syntax = nullptr;
  Scope *scope = nullptr;
};

/// `a variable`, `an iterator`: for messages.
llvm::StringRef describe(Symbol::Kind kind);

struct Scope {
  Scope *parent = nullptr;
  llvm::StringMap<Symbol *> names;
  /// Fields that `f <- …` writes: the body of a `put` without `as`.
  const t::Slot *fields = nullptr;
};

/// The axes that an expression may use and their extents.
struct AxisEnv {
  llvm::SmallVector<t::Axis, 6> axes;
  const t::Axis *find(llvm::StringRef name) const {
    for (const t::Axis &axis : axes)
      if (axis.name == name)
        return &axis;
    return nullptr;
  }
  /// Adds the axes of `type` whose extents are known; the first source wins.
  void add(const t::Type &type) {
    for (const t::Axis &axis : type.axes)
      if (axis.extent && !find(axis.name))
        axes.push_back(axis);
  }
  void set(const t::Axis &axis) {
    for (t::Axis &old : axes)
      if (old.name == axis.name) {
        old = axis;
        return;
      }
    axes.push_back(axis);
  }
  void remove(llvm::StringRef name) {
    llvm::erase_if(axes, [&](const t::Axis &a) { return a.name == name; });
  }
};

class Sema {
public:
  Sema(const File &file, const KernelDecl &decl,
       const InstantiateOptions &options, Diagnostics &diags);
  std::unique_ptr<t::InstantiatedKernel> run();

private:
  //===--- Nodes (SemaNodes.cpp) -----------------------------------------===//
  template <typename T> T *node() {
    if (++numNodes > maxNodes)
      exhausted = true;
    return new (kernel->allocator().Allocate<T>()) T();
  }
  template <typename C> auto list(const C &values) {
    using V = typename C::value_type;
    V *mem = kernel->allocator().Allocate<V>(values.size());
    std::uninitialized_copy(values.begin(), values.end(), mem);
    return llvm::ArrayRef<V>(mem, values.size());
  }
  llvm::StringRef save(llvm::StringRef text) {
    return text.copy(kernel->allocator());
  }
  /// Sets location, type and size; an error where the expression is too big.
  const t::Expr *finish(t::Expr *expr, const Expr *at, t::Type type);
  const t::Expr *errorExpr(llvm::SMLoc loc);
  const t::Expr *intConst(int64_t value, const Expr *at);
  const t::Expr *boolConst(bool value, const Expr *at);
  const t::Expr *axisRef(const t::Axis &axis, const Expr *at);
  const t::Expr *varRef(const t::Var *var, const Expr *at);
  /// `expr` as written at another place.
  const t::Expr *relocate(const t::Expr *expr, const Expr *at);
  /// An integer operation, folded; reports overflow and inexact division.
  const t::Expr *intBinary(t::Op op, const t::Expr *lhs, const t::Expr *rhs,
                           const Expr *at, const t::Type &type);
  static t::Type scalar(t::Elem elem) { return {elem, {}}; }

  //===--- Diagnostics ---------------------------------------------------===//
  /// Reports unless probing. Always false, so that `return error(…)` fits.
  bool error(llvm::SMLoc loc, const llvm::Twine &message);
  void note(llvm::SMLoc loc, const llvm::Twine &message) {
    if (!probing)
      diags.note(loc, message);
  }
  void fixit(llvm::SMLoc loc, const llvm::Twine &message) {
    if (!probing)
      diags.fixit(loc, message);
  }
  const t::Expr *fail(llvm::SMLoc loc, const llvm::Twine &message) {
    error(loc, message);
    return errorExpr(loc);
  }
  static std::string text(const Expr *expr);
  std::string extentText(const t::Expr *extent);

  //===--- Scopes --------------------------------------------------------===//
  Scope *newScope(Scope *parent);
  struct ScopeGuard {
    ScopeGuard(Sema &sema, Scope *scope) : sema(sema), saved(sema.scope) {
      sema.scope = scope;
    }
    ~ScopeGuard() { sema.scope = saved; }
    Sema &sema;
    Scope *saved;
  };
  /// Enters a new inner scope; slots declared in it are remembered as gone
  /// when it ends.
  struct InnerScope {
    explicit InnerScope(Sema &sema);
    ~InnerScope();
    Sema &sema;
    Scope *saved;
  };
  Symbol *lookup(llvm::StringRef name) const;
  /// Null (and an error) if the name is taken in this scope or an outer one.
  Symbol *declare(Ident name, Symbol::Kind kind);
  Symbol *declareSilently(Ident name, Symbol::Kind kind);

  //===--- Kernel and items (SemaKernel.cpp) -----------------------------===//
  bool bindConstants();
  bool bindParams();
  const t::Tensor *bindTensor(const TensorParam &param, unsigned index);
  std::optional<unsigned> majorOf(const Expr *major, const TypeSyntax *type);
  std::optional<t::ConstValue> parseConstant(const ConstParam &param,
                                             llvm::StringRef value,
                                             llvm::SMLoc loc);
  void bindConstant(const ConstParam &param, const t::ConstValue &value);
  void checkRequire(const RequireStmt *stmt);
  void checkTune(const TuneStmt *stmt);
  void checkGlobals();

  //===--- Declarations (SemaDecl.cpp) -----------------------------------===//
  void checkItem(const Stmt *stmt);
  void checkItems(const Stmt *body);
  void checkConst(const ConstStmt *stmt);
  void checkFn(const FnStmt *stmt);
  void checkTiles(const TilesStmt *stmt);
  void checkTilesOptions(llvm::ArrayRef<TilesOption> options,
                         llvm::MutableArrayRef<t::IterDim> dims,
                         t::Iterator *iterator);
  void checkSchedule(const ScheduleStmt *stmt);
  void checkPipe(const PipeStmt *stmt);
  void checkCounter(const CounterStmt *stmt);
  void checkRole(const RoleStmt *stmt);
  bool checkItemFor(const ForStmt *stmt);
  bool checkView(const LetStmt *stmt, const ViewExpr *view);
  bool selects(const WhenStmt *stmt, const Stmt *&chosen);
  /// The scalar type or type constant called `name`.
  std::optional<t::Elem> resolveElem(Ident name);
  /// The type of a tile; extents must be positive constants.
  std::optional<t::Type> resolveTileType(const TypeSyntax *type,
                                         const llvm::Twine &what);

  //===--- Statements (SemaStmt.cpp, SemaFor.cpp) ------------------------===//
  using StmtList = llvm::SmallVector<const t::Stmt *, 8>;
  const t::Block *checkBody(const Stmt *body, bool opensScope = true);
  void checkStmt(const Stmt *stmt, StmtList &out);
  void checkLet(const LetStmt *stmt, StmtList &out);
  void checkVariable(const LetStmt *stmt, StmtList &out);
  void checkGet(const LetStmt *stmt, const GetExpr *get, StmtList &out);
  void checkAssign(const Expr *dst, AssignOp op, const Expr *src,
                   llvm::ArrayRef<Hint> hints, llvm::SMLoc loc, StmtList &out);
  void checkCopy(const CopyStmt *stmt, StmtList &out);
  void checkPut(const PutStmt *stmt, StmtList &out);
  void checkFree(const FreeStmt *stmt, StmtList &out);
  void checkYield(const YieldStmt *stmt, StmtList &out);
  void checkAwait(const AwaitStmt *stmt, StmtList &out);
  void checkBarrier(const BarrierStmt *stmt, StmtList &out);
  void checkEach(const EachStmt *stmt, StmtList &out);
  void checkIf(const IfStmt *stmt, StmtList &out);
  void checkFor(const ForStmt *stmt, unsigned clause, StmtList &out);
  void checkForRange(const ForStmt *stmt, unsigned clause,
                     const RangeExpr *range, StmtList &out);
  void checkForIter(const ForStmt *stmt, unsigned clause, StmtList &out);
  const t::Block *checkForBody(const ForStmt *stmt, unsigned clause);
  llvm::ArrayRef<t::Hint> checkHints(llvm::ArrayRef<Hint> hints);
  llvm::ArrayRef<const t::Expr *>
  checkKeys(llvm::ArrayRef<Expr *> keys, const t::Pipe *pipe, llvm::SMLoc loc);
  const t::Expr *checkPutTarget(const Expr *at, const t::Pipe *pipe);
  /// The place that a copy or an assignment writes; null after an error.
  const t::Expr *checkTarget(const Expr *dst, const AxisEnv &env,
                             const char *op);
  /// Axes of the two sides of a copy or an assignment, from probes; reports an
  /// axis that one side lacks. `exact`: no broadcasting.
  bool matchAxes(const Expr *dst, const t::Expr *dstProbe, const Expr *src,
                 const t::Expr *srcProbe, bool exact);
  bool checkWritable(const t::Expr *dst, const char *op, llvm::SMLoc loc);
  /// Splits `mma(a, b) * s1 * … * sn`.
  const t::ContractExpr *
  splitPromotion(const t::Expr *value,
                 llvm::SmallVectorImpl<const t::Expr *> &scales);
  void noteFieldWrite(const t::Expr *dst, const t::Expr *src, llvm::SMLoc loc);
  t::Var *newVar(Ident name, t::Var::Kind kind, t::Type type);

  //===--- Expressions (SemaExpr.cpp, SemaCall.cpp) ----------------------===//
  const t::Expr *check(const Expr *expr, const AxisEnv &env);
  const t::Expr *checkNode(const Expr *expr, const AxisEnv &env);
  /// Types without reporting; axes without a source have no extent.
  const t::Expr *probe(const Expr *expr, const AxisEnv &env);
  /// Probes `expr` alone, then types it with what the probe found.
  const t::Expr *checkAlone(const Expr *expr, const AxisEnv &env = {});
  /// A scalar integer (`what`: "the depth of a pipe").
  const t::Expr *checkIndex(const Expr *expr, const llvm::Twine &what);
  const t::Expr *requireIndex(const t::Expr *e, const Expr *expr,
                              const llvm::Twine &what);
  std::optional<int64_t> checkConstInt(const Expr *expr,
                                       const llvm::Twine &what);
  const t::Expr *checkCondition(const Expr *expr, const llvm::Twine &what);
  const t::Expr *checkName(const NameExpr *expr, const AxisEnv &env);
  const t::Expr *checkSymbol(const Symbol &symbol, const Expr *at,
                             const AxisEnv &env);
  const t::Expr *checkMember(const MemberExpr *expr, const AxisEnv &env);
  const t::Expr *checkIndexExpr(const IndexExpr *expr, const AxisEnv &env);
  const t::Expr *checkBinary(const BinaryExpr *expr, const AxisEnv &env);
  const t::Expr *checkCompare(const CompareExpr *expr, const AxisEnv &env);
  const t::Expr *checkRename(const RenameExpr *expr, const AxisEnv &env);
  const t::Expr *checkAt(const t::Expr *base, llvm::StringRef axis,
                         const t::Expr *index, const Expr *at);
  const t::Expr *checkWhere(const WhereExpr *expr, const AxisEnv &env);
  const t::Expr *checkCall(const CallExpr *expr, const AxisEnv &env);
  const t::Expr *checkFnCall(const CallExpr *expr, const Symbol &fn,
                             const AxisEnv &env);
  const t::Expr *checkReduce(const CallExpr *expr, const AxisEnv &env);
  const t::Expr *checkClusterSum(const CallExpr *expr, const AxisEnv &env);
  const t::Expr *checkMma(const CallExpr *expr, const AxisEnv &env);
  const t::Expr *checkConvert(const CallExpr *expr, t::Elem elem,
                              const AxisEnv &env);
  const t::Expr *checkMinMax(const CallExpr *expr, const AxisEnv &env);
  const t::Expr *checkPtx(const CallExpr *expr, const AxisEnv &env);
  const t::Expr *checkFetchAdd(const CallExpr *expr, const AxisEnv &env);
  const t::Expr *checkStride(const CallExpr *expr);
  bool arity(const CallExpr *expr, unsigned min, unsigned max);
  /// Reports an operand that arithmetic does not take: e4m3 and the like are
  /// copied, converted and multiplied by mma only.
  bool checkComputes(t::Elem elem, const llvm::Twine &op, const Expr *at);
  /// An elementwise operation: broadcasts axes, meets element types.
  const t::Expr *elementwise(t::Op op, const t::Expr *lhs, const t::Expr *rhs,
                             const Expr *at);
  const t::Expr *compare(CompareOp op, const t::Expr *lhs, const t::Expr *rhs,
                         const Expr *at);
  const t::Expr *logical(t::Op op, const t::Expr *lhs, const t::Expr *rhs,
                         const Expr *at);
  /// A literal becomes a constant of type `elem`; others are returned as is.
  const t::Expr *adapt(const t::Expr *expr, t::Elem elem);
  std::optional<t::Elem> meet(const t::Expr *&lhs, const t::Expr *&rhs,
                              const llvm::Twine &op, const Expr *at);
  std::optional<llvm::ArrayRef<t::Axis>>
  broadcast(const t::Expr *lhs, const t::Expr *rhs, const Expr *at);
  bool sameExtent(const t::Axis &a, const t::Axis &b);
  bool isLaunchTime(const t::Expr *expr);
  /// Whether all roles see the same value; else reports why not.
  bool checkAgreement(const t::Expr *expr, const llvm::Twine &what);
  bool isAxisArithmetic(const Expr *expr);

  //===--- Rules over a whole kernel (SemaRules.cpp) ---------------------===//
  void recordSubscripts(const t::TensorRead *read);
  void checkAxisUses();
  void checkMmaShape(const t::ContractExpr *mma);
  void useAxes(const t::Type &type, llvm::SMLoc loc);
  void finishRole(t::Role *role);
  void finishKernel();
  void checkRegisters();
  void checkPipeFields();
  void checkMajors();
  void checkUses(); // SemaUses.cpp

  //===--- State ---------------------------------------------------------===//
  const File &file;
  const KernelDecl &decl;
  const InstantiateOptions &options;
  Diagnostics &diags;
  std::unique_ptr<t::InstantiatedKernel> kernel;
  Canonical canonical;

  Scope *scope = nullptr;
  std::vector<std::unique_ptr<Scope>> scopes;
  std::vector<std::unique_ptr<Symbol>> symbols;

  unsigned numNodes = 0;
  static constexpr unsigned maxNodes = 400000;
  bool exhausted = false;
  unsigned probing = 0;
  unsigned depth = 0;
  const Expr *current = nullptr; ///< Being checked: its range is underlined.
  /// Functions being expanded, and where they are called.
  llvm::SmallVector<std::pair<const FnStmt *, llvm::SMLoc>, 4> fnStack;
  static constexpr unsigned maxExprDepth = 500;
  unsigned nextId = 0;

  enum class Context { Items, Schedule, Role } context = Context::Items;
  t::Iterator *schedule = nullptr; ///< In its body.
  bool yields = false;             ///< It has a 'yield'.
  t::Role *role = nullptr;         ///< In its body.
  /// The place being written: it may be in an `out` tensor.
  const Expr *target = nullptr;
  bool hasRankBarrier = false;
  /// While a tensor's shape is evaluated: dimensions stay letters, baked or
  /// not, so that M and N are told apart even where both are 4096.
  bool keepDims = false;
  /// Slots whose blocks have ended, by name, for a better message.
  llvm::StringMap<llvm::SMLoc> goneSlots;
  /// What a tensor's dimensions are called, with letters (see keepDims).
  llvm::DenseMap<const t::Tensor *, llvm::ArrayRef<const t::Expr *>> shapes;
  /// In which branch of which `if` a statement stands.
  llvm::SmallVector<std::pair<const Stmt *, bool>, 8> branches;

  /// One subscript along which an axis walks.
  struct AxisUse {
    const t::Expr *extent; ///< Of the dimension, with letters.
    const t::TensorRead *read;
    unsigned dim;
    llvm::SMLoc loc;
    llvm::SmallVector<std::pair<const Stmt *, bool>, 4> branches;
  };
  llvm::MapVector<llvm::StringRef, std::vector<AxisUse>> axisUses;
  /// Axes of the tiles of the current role, with one place each.
  llvm::StringMap<t::Axis> roleAxes;
  llvm::SetVector<const t::Iterator *> roleIterators;

  struct PutInfo {
    llvm::SMLoc loc;
    const t::Role *role;
    llvm::SmallVector<bool, 8> written;
  };
  llvm::MapVector<const t::Pipe *, llvm::SmallVector<PutInfo, 2>> puts;
  llvm::DenseMap<const t::Slot *, PutInfo> openPuts;
  llvm::MapVector<const t::Slot *, t::GetStmt *> gets;
  struct FieldSource {
    const t::TensorRead *read;
    llvm::SMLoc loc;
  };
  llvm::DenseMap<const t::Field *, llvm::SmallVector<FieldSource, 2>> sources;
  std::vector<const t::ContractExpr *> mmas;
  /// Loop variables that run over a component of an iterator.
  llvm::DenseMap<const t::Var *, std::pair<const t::Iterator *, unsigned>>
      components;
};

} // namespace tilewright::dsl

#endif // TILEWRIGHT_DSL_SEMA_H
