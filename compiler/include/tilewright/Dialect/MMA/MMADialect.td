//===- MMADialect.td - the mma dialect ---------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_MMA_MMADIALECT_TD
#define TILEWRIGHT_DIALECT_MMA_MMADIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"

def MMADialect : Dialect {
  let name = "mma";
  let cppNamespace = "::tilewright::mma";
  let summary = "Tensor cores behind one asynchronous contraction";
  let dependentDialects = ["::tilewright::tile::TileDialect",
                           "::tilewright::pipe::PipeDialect"];
}

#endif // TILEWRIGHT_DIALECT_MMA_MMADIALECT_TD
