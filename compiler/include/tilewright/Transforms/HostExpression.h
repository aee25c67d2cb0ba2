//===- HostExpression.h - expressions that the launcher evaluates ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The expressions of the manifest (docs/architecture.md): an integer attribute,
// a string (the name of a dimension) or an array [op, a, b].
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_TRANSFORMS_HOSTEXPRESSION_H
#define TILEWRIGHT_TRANSFORMS_HOSTEXPRESSION_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Value.h"

namespace tilewright {

/// The expression that computes `value`, an index made of constants, the
/// kernel's scalar arguments and the extents of its tensors by arithmetic;
/// a null attribute for anything else.
mlir::Attribute toHostExpression(mlir::Value value);

/// [op, a, b], folded where both are integers.
mlir::Attribute makeHostExpression(mlir::MLIRContext *context,
                                   llvm::StringRef op, mlir::Attribute a,
                                   mlir::Attribute b);

/// Index arithmetic for an expression over non-negative quantities. `lookup`
/// gives the value of a dimension or a null value; a null result means an
/// unknown name or operator.
mlir::Value
expandHostExpression(mlir::OpBuilder &builder, mlir::Location loc,
                     mlir::Attribute expression,
                     llvm::function_ref<mlir::Value(llvm::StringRef)> lookup);

} // namespace tilewright

#endif // TILEWRIGHT_TRANSFORMS_HOSTEXPRESSION_H
