//===- Walk.h - visiting all statements and expressions ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef TILEWRIGHT_REFERENCE_WALK_H
#define TILEWRIGHT_REFERENCE_WALK_H

#include "tilewright/DSL/Typed.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace tilewright::reference {

/// Calls `visit` for every statement below `block`, before those inside it;
/// where it returns false, those inside are left out.
void walkStatements(const dsl::typed::Block *block,
                    llvm::function_ref<bool(const dsl::typed::Stmt *)> visit);

/// Calls `visit` for the expressions of one statement (not of those inside it)
/// and everything below them.
void walkExpressions(const dsl::typed::Stmt *stmt,
                     llvm::function_ref<void(const dsl::typed::Expr *)> visit);

/// Calls `visit` for `expr` and everything below it.
void walkExpression(const dsl::typed::Expr *expr,
                    llvm::function_ref<void(const dsl::typed::Expr *)> visit);

/// The place that a statement writes; null if none. `reads`: its old value
/// matters.
const dsl::typed::Expr *writtenPlace(const dsl::typed::Stmt *stmt, bool &reads);

} // namespace tilewright::reference

#endif // TILEWRIGHT_REFERENCE_WALK_H
