//===- FP8Dialect.td - the fp8 dialect ---------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef TILEWRIGHT_DIALECT_FP8_FP8DIALECT_TD
#define TILEWRIGHT_DIALECT_FP8_FP8DIALECT_TD

include "mlir/IR/OpBase.td"

def FP8Dialect : Dialect {
  let name = "fp8";
  let cppNamespace = "::tilewright::fp8";
  let summary = "Precision: two-level promotion, scales, 8- and 4-bit formats";
  let dependentDialects = ["::tilewright::tile::TileDialect",
                           "::tilewright::mma::MMADialect"];
}

#endif // TILEWRIGHT_DIALECT_FP8_FP8DIALECT_TD
