//===- Walk.cpp - visiting all statements and expressions -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Walk.h"
#include "llvm/Support/Casting.h"

using namespace llvm;
using namespace tilewright;
using namespace tilewright::dsl::typed;

void reference::walkStatements(const Block *block,
                               function_ref<bool(const Stmt *)> visit) {
  if (!block)
    return;
  for (const Stmt *stmt : block->stmts) {
    if (!visit(stmt))
      continue;
    switch (stmt->kind) {
    case StmtKind::Block:
      walkStatements(cast<Block>(stmt), visit);
      break;
    case StmtKind::ForRange:
      walkStatements(cast<ForRangeStmt>(stmt)->body, visit);
      break;
    case StmtKind::ForIter:
      walkStatements(cast<ForIterStmt>(stmt)->body, visit);
      break;
    case StmtKind::If:
      walkStatements(cast<IfStmt>(stmt)->thenBody, visit);
      walkStatements(cast<IfStmt>(stmt)->elseBody, visit);
      break;
    case StmtKind::Put:
      walkStatements(cast<PutStmt>(stmt)->body, visit);
      break;
    case StmtKind::Each:
      walkStatements(cast<EachStmt>(stmt)->body, visit);
      break;
    default:
      break;
    }
  }
}

void reference::walkExpression(const Expr *expr,
                               function_ref<void(const Expr *)> visit) {
  if (!expr)
    return;
  visit(expr);
  for (const Expr *child : children(expr))
    walkExpression(child, visit);
}

void reference::walkExpressions(const Stmt *stmt,
                                function_ref<void(const Expr *)> visit) {
  auto one = [&](const Expr *expr) { walkExpression(expr, visit); };
  auto all = [&](ArrayRef<const Expr *> list) {
    for (const Expr *expr : list)
      walkExpression(expr, visit);
  };
  switch (stmt->kind) {
  case StmtKind::Let:
    return one(cast<LetStmt>(stmt)->value);
  case StmtKind::View: {
    const Tensor *view = cast<ViewStmt>(stmt)->view;
    one(view->offset);
    all(view->shape);
    return all(view->strides);
  }
  case StmtKind::Variable:
    return one(cast<VariableStmt>(stmt)->init);
  case StmtKind::Assign:
    one(cast<AssignStmt>(stmt)->dst);
    return one(cast<AssignStmt>(stmt)->value);
  case StmtKind::Accumulate: {
    auto *accumulate = cast<AccumulateStmt>(stmt);
    one(accumulate->dst);
    one(accumulate->mma);
    return all(accumulate->scales);
  }
  case StmtKind::Copy:
    one(cast<CopyStmt>(stmt)->dst);
    return one(cast<CopyStmt>(stmt)->src);
  case StmtKind::ForRange: {
    auto *loop = cast<ForRangeStmt>(stmt);
    one(loop->lower);
    one(loop->upper);
    one(loop->step);
    return one(loop->where);
  }
  case StmtKind::ForIter:
    return one(cast<ForIterStmt>(stmt)->where);
  case StmtKind::If:
    return one(cast<IfStmt>(stmt)->cond);
  case StmtKind::Put:
    all(cast<PutStmt>(stmt)->keys);
    return one(cast<PutStmt>(stmt)->at);
  case StmtKind::Get:
    return all(cast<GetStmt>(stmt)->keys);
  case StmtKind::Free:
    return all(cast<FreeStmt>(stmt)->keys);
  case StmtKind::Yield:
    return all(cast<YieldStmt>(stmt)->values);
  case StmtKind::Await:
    one(cast<AwaitStmt>(stmt)->place);
    return one(cast<AwaitStmt>(stmt)->value);
  case StmtKind::Each:
    return all(cast<EachStmt>(stmt)->extents);
  case StmtKind::Eval:
    return one(cast<EvalStmt>(stmt)->expr);
  case StmtKind::Block:
  case StmtKind::Barrier:
    return;
  }
}

const Expr *reference::writtenPlace(const Stmt *stmt, bool &reads) {
  reads = false;
  if (auto *copy = dyn_cast<CopyStmt>(stmt))
    return copy->dst;
  if (auto *assign = dyn_cast<AssignStmt>(stmt)) {
    reads = assign->op == dsl::AssignOp::Add;
    return assign->dst;
  }
  if (auto *accumulate = dyn_cast<AccumulateStmt>(stmt)) {
    reads = !accumulate->set;
    return accumulate->dst;
  }
  return nullptr;
}
