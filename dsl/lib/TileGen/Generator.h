//===- Generator.h - the state of one kernel's generation -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DSL_TILEGEN_GENERATOR_H
#define TILEWRIGHT_DSL_TILEGEN_GENERATOR_H

#include "tilewright/DSL/TileGen.h"
#include "tilewright/Dialect/FP8/FP8Dialect.h"
#include "tilewright/Dialect/Pipe/PipeDialect.h"
#include "tilewright/Dialect/Tile/TileDialect.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/SourceMgr.h"

namespace tilewright::dsl::typed {

/// Generates one kernel. Functions that return a value return null after they
/// have reported an error.
class Generator {
public:
  Generator(mlir::MLIRContext &context, const InstantiatedKernel &kernel,
            const llvm::SourceMgr &sources)
      : context(context), kernel(kernel), sources(sources), builder(&context) {}

  mlir::OwningOpRef<mlir::ModuleOp> run();

private:
  using Value = mlir::Value;

  // Structure (TileGen.cpp).
  bool checkSupported();
  tile::KernelOp createKernel();
  bool declareIterator(const Iterator &iterator);
  bool declarePipe(const Pipe &pipe);
  bool generateRole(const Role &role);

  // Statements (Statements.cpp).
  bool generate(const Block &block);
  bool generate(const Stmt &stmt);
  bool generateVariable(const VariableStmt &stmt);
  bool generateAssign(const AssignStmt &stmt);
  bool generateAccumulate(const AccumulateStmt &stmt);
  bool generateCopy(const CopyStmt &stmt);
  bool generateStore(mlir::Location loc, const TensorRead &dst, const Expr &src,
                     bool accumulate, llvm::ArrayRef<Hint> hints);
  /// Remarks on the hints that have no effect yet.
  void remarkUnused(llvm::ArrayRef<Hint> hints,
                    llvm::ArrayRef<llvm::StringRef> used);
  bool generateFor(const ForRangeStmt &stmt);
  bool generateForIter(const ForIterStmt &stmt);
  bool generateIf(const IfStmt &stmt);
  bool generatePut(const PutStmt &stmt);
  bool generateGet(const GetStmt &stmt);
  /// Variables declared outside `block` that it assigns, in order of
  /// declaration.
  llvm::SmallVector<const Var *> assigned(const Block *block);

  // Expressions (Expressions.cpp).
  /// An integer scalar as `index`.
  Value generateIndex(const Expr &expr);
  /// A boolean scalar as `i1`.
  Value generateBool(const Expr &expr);
  /// A tile, or a scalar of the element type `elem`.
  Value generateValue(const Expr &expr, Elem elem);
  /// A field of a slot as a view.
  mlir::TypedValue<tile::ViewType> generateView(const Expr &expr);
  Value elementwise(mlir::Location loc, const Type &type, mlir::Type element,
                    llvm::ArrayRef<Value> operands,
                    llvm::function_ref<Value(mlir::ValueRange)> body);
  Value generateConvert(const ConvertExpr &expr);
  Value generateCall(const CallExpr &expr);
  Value generateBinary(const BinaryExpr &expr, Elem elem);

  /// A subscript as an affine map over `axes` with its scalars, or failure.
  struct Subscript {
    mlir::AffineMap map;
    llvm::SmallVector<Value> symbols;
  };
  std::optional<Subscript>
  generateSubscript(const TensorRead &read,
                    llvm::ArrayRef<mlir::StringAttr> axes);
  mlir::AffineExpr affine(const Expr &expr,
                          llvm::ArrayRef<mlir::StringAttr> axes,
                          llvm::SmallVectorImpl<Value> &symbols);

  // Helpers.
  mlir::Location location(llvm::SMLoc loc);
  mlir::InFlightDiagnostic error(llvm::SMLoc loc) {
    return mlir::emitError(location(loc));
  }
  /// Reports a construct that is checked but not lowered yet.
  bool unsupported(llvm::SMLoc loc, const llvm::Twine &construct);
  mlir::Type elementType(Elem elem);
  tile::TileType tileType(const Type &type, mlir::Type element);
  tile::ViewType viewType(const Type &type);
  Value constant(mlir::Location loc, int64_t value);
  /// A dimension expression for the manifest: an integer, a name or
  /// `[op, a, b]`.
  mlir::Attribute expression(const Expr &expr);
  Value tensor(const Tensor *tensor, llvm::SMLoc loc);
  mlir::FlatSymbolRefAttr ringName(const Pipe *pipe);

  mlir::MLIRContext &context;
  const InstantiatedKernel &kernel;
  const llvm::SourceMgr &sources;
  mlir::OpBuilder builder;
  tile::KernelOp op;
  llvm::DenseMap<const Tensor *, Value> tensors;
  llvm::DenseMap<const Dim *, Value> dims;
  llvm::DenseMap<const Iterator *, Value> iterators;
  llvm::DenseMap<const Var *, Value> vars;
  llvm::DenseMap<const Slot *, Value> slots;
};

} // namespace tilewright::dsl::typed

#endif // TILEWRIGHT_DSL_TILEGEN_GENERATOR_H
